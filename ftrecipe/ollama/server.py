"""One Ollama server, asked by its HTTP API; whatever goes wrong there is told in words.

The official client asks where it can. It sends files without looking whether the server has them,
and says nothing meanwhile, so blobs go another way.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftrecipe.errors import StageError
from ftrecipe.ollama.address import address, is_here
from ftrecipe.ollama.names import full

CONNECT_SECONDS = 10.0
PATIENCE = 300.0  # as long as Ollama itself waits for a model to load
CHUNK = 1 << 20


class OllamaError(StageError):
    """What an Ollama server answered, or that it did not; `status` is HTTP's, None for none."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class CutOff(OllamaError):  # noqa: N818 - what happened, not what it is
    """The server went away, or fell silent, in the middle of something that can begin again."""


@dataclass(frozen=True)
class Said:
    """An answer. ended: whether by an end token. read: the tokens of the prompt, None if untold."""

    text: str
    tokens: int
    ended: bool
    read: int | None


class Server:
    """A server at `host`; `timeout` seconds without any progress are a failure."""

    def __init__(self, host: str | None = None, timeout: float = PATIENCE) -> None:
        import httpx
        import ollama

        self.address, self.timeout = address(host), timeout
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        proxied = not is_here(self.address)
        self.client = ollama.Client(self.address, timeout=limits, trust_env=proxied)
        self.http: httpx.Client = self.client._client  # with its address, key and limits

    def close(self) -> None:
        """Let go of connections."""
        self.client.close()

    def version(self) -> str:
        """Return the server's version. Raises OllamaError where something else answers."""
        with self._told("asked for its version"):
            found = self.http.get("/api/version")
            found.raise_for_status()
            said = found.json()
            if not isinstance(said, dict) or not isinstance(said.get("version"), str):
                raise json.JSONDecodeError("no version", found.text, 0)
        return said["version"]

    def has_blob(self, digest: str) -> bool:
        """Tell whether the server has a file whole, by its digest: "sha256:…"."""
        with self._told("asked for a file"):
            found = self.http.head(f"/api/blobs/{digest}")
            if found.status_code == 404:
                return False
            found.raise_for_status()
        return True

    def upload(self, digest: str, file: Path, sent: Callable[[], object]) -> None:
        """Send a file; `sent` is called after each part of CHUNK bytes."""
        headers = {"Content-Length": str(file.stat().st_size),
                   "Content-Type": "application/octet-stream"}  # fmt: skip
        with self._told(f"while {file.name} was sent"):
            found = self.http.post(
                f"/api/blobs/{digest}",
                content=_parts(file, sent),
                headers=headers,
                follow_redirects=False,
            )
            found.raise_for_status()

    def create(self, name: str, **parts: Any) -> None:
        """Make a model of files that are there; `parts` are as the API names them."""
        status = ""
        for progress in self._each(f"making {name}", self.client.create, name, **parts):
            status = progress.status or status
        if status != "success":
            raise CutOff(f"{self.address}: making {name} ended in the middle, at {status!r}")

    def models(self) -> dict[str, str]:
        """Return the digests of the models that the server has, by their names with tags."""
        with self._told("asked for its models"):
            listed = self.client.list().models
        return {full(each.model): each.digest or "" for each in listed if each.model}

    def show(self, name: str) -> tuple[str, str]:
        """Return a model's template and its parameters, as the server writes them."""
        with self._told(f"asked about {name}"):
            found = self.client.show(name)
        return found.template or "", found.parameters or ""

    def copy(self, source: str, destination: str) -> None:
        """Give a model another name; the name points there from one moment to the next."""
        with self._told(f"naming {source} {destination}"):
            self.client.copy(source, destination)

    def delete(self, name: str) -> None:
        """Take a name away, and what no other name needs."""
        with self._told(f"deleting {name}"):
            self.client.delete(name)

    def chat(
        self, name: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Said:
        """Return the answer to a conversation by the model's own template."""
        ask = self.client.chat
        parts = [*self._each(f"asking {name}", ask, name, messages, options=options)]
        return self._said(name, [part.message.content or "" for part in parts], parts)

    def chatting(
        self, name: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Iterator[str]:
        """Give the answer to a conversation piece by piece."""
        ask = self.client.chat
        for part in self._each(f"asking {name}", ask, name, messages, options=options):
            yield part.message.content or ""

    def complete(self, name: str, text: str, options: Mapping[str, Any]) -> Said:
        """Return what follows a text that is taken as it stands, without a template."""
        parts = [*self._completed(name, text, options)]
        return self._said(name, [part.response or "" for part in parts], parts)

    def completing(self, name: str, text: str, options: Mapping[str, Any]) -> Iterator[str]:
        """Give what follows a text piece by piece."""
        for part in self._completed(name, text, options):
            yield part.response or ""

    def _completed(self, name: str, text: str, options: Mapping[str, Any]) -> Iterator[Any]:
        ask = self.client.generate
        return self._each(f"asking {name}", ask, name, text, raw=True, options=options)

    def unload(self, name: str) -> None:
        """Free the memory that a model takes on the server."""
        with self._told(f"unloading {name}"):
            self.client.generate(name, keep_alive=0)

    def _each(self, what: str, ask: Callable[..., Any], *args: Any, **given: Any) -> Iterator[Any]:
        """Give the parts of a streamed answer as they come."""
        with self._told(what):
            stream = iter(ask(*args, stream=True, **given))
        while True:
            with self._told(what):
                part = next(stream, None)
            if part is None:
                return
            yield part

    def _said(self, name: str, texts: list[str], parts: list[Any]) -> Said:
        if not parts or not parts[-1].done:
            raise CutOff(f"{self.address}: the answer of {name} ended in the middle")
        last = parts[-1]
        ended = last.done_reason == "stop"
        return Said("".join(texts), last.eval_count or 0, ended, last.prompt_eval_count)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Tell in words what goes wrong with a request."""
        import httpx
        from ollama import ResponseError
        from pydantic import ValidationError

        where = f"{self.address}: {what}, "
        try:
            yield
        except ResponseError as error:
            raise self._refused(where, error.error, error.status_code) from None
        except httpx.HTTPStatusError as error:
            raise self._refused(where, error.response.text, error.response.status_code) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, ConnectionError) as error:
            raise CutOff(f"{self.address}: no Ollama server answers there; start it "
                         f"(ollama serve), or name another: export.ollama.host=… ({error})"
                         ) from None  # fmt: skip
        except httpx.TimeoutException:
            raise CutOff(f"{where}it made no progress for {self.timeout:g} s; if it is only slow: "
                         "export.ollama.timeout=<seconds>") from None  # fmt: skip
        except httpx.TransportError as error:
            raise CutOff(f"{where}it went away in the middle ({error})") from None
        except (
            json.JSONDecodeError,
            UnicodeDecodeError,
            ValidationError,
            AttributeError,
            TypeError,
        ):
            raise OllamaError(f"{where}it answered what no Ollama server answers: something else "
                              "listens there; name the server: export.ollama.host=<host>:<port>"
                              ) from None  # fmt: skip

    def _refused(self, where: str, text: str, status: int) -> OllamaError:
        """Return what the server said no with; of a page, its beginning."""
        try:
            said = json.loads(text)["error"]
        except (json.JSONDecodeError, KeyError, TypeError):
            said = text
        line = " ".join(str(said).split())[:300]
        code = f" (HTTP {status})" if status > 0 else ""
        return OllamaError(f"{where}it refused: {line or 'without a word'}{code}", status)


def _parts(file: Path, sent: Callable[[], object]) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while part := stream.read(CHUNK):
            yield part
            sent()
