"""llama.cpp's server for one GGUF file: started in its own process, asked over HTTP, closed."""

import http.client
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from ftrecipe.errors import ConfigError, StageError

PACKAGE = "xllamacpp"
GRACE = 10  # seconds that it has to end by itself
ENDED = (OSError, http.client.HTTPException)  # what asking raises once the process has ended
_ERROR = re.compile(r"^[\d.]+ E \s*(?:\S+\s+)?\S+: (.*)$", re.MULTILINE)
_ABORT = re.compile(r"GGML_ASSERT\(.*|GGML_ABORT.*|fatal error.*")
_GENERAL = "error loading model: "


@dataclass(frozen=True)
class Serving:
    """What is served, and how.

    context: the most tokens of a prompt and its answer. threads: None for what the machine or its
    environment says. port: 0 for a free one. names: by which clients know the model; its file's
    without any. key: without which nothing is answered. parallel: how many are answered at a time.
    exact: as near to float32 as the file's numbers allow, on the CPU; otherwise as llama.cpp
    computes by itself, on a GPU where it has one.
    """

    file: str
    context: int = 4096
    threads: int | None = None
    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    key: str | None = None
    parallel: int = 1
    exact: bool = False


class LlamaServer:
    """A server that is up; `address` is its URL. It ends with this process, or by `close`."""

    def __init__(self, serving: Serving) -> None:
        """Start it, and wait until the model is loaded.

        Raises ConfigError where llama.cpp is not installed, StageError where it cannot serve that.
        """
        if importlib.util.find_spec(PACKAGE) is None:
            raise ConfigError(f"{PACKAGE} is not installed here; pip install 'ftrecipe[export]'")
        self.file, self.key, self.closed = Path(serving.file), serving.key, False
        if not self.file.is_file():
            raise StageError(f"{self.file}: there is no such file")
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ftrecipe.stages.engines.llama_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},  # which asks a debugger, for seconds
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):  # its end is told below
            self.process.stdin.write(json.dumps(asdict(serving)) + "\n")
            self.process.stdin.flush()
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise self._broken("cannot be loaded by llama.cpp")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the answer to a question. Raises StageError where it is refused."""
        return json.loads(self.written(path, body))

    def written(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Return the answer to a question as it was sent, where it is too long to be JSON first."""
        connection = self._connection()
        try:
            return self._answer(connection, path, body).read()
        except ENDED as error:
            raise self._broken("llama.cpp stopped answering") from error
        finally:
            connection.close()

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Give an answer's events as they come; who stops reading ends the answer."""
        connection = self._connection()
        try:
            for line in self._answer(connection, path, body | {"stream": True}):
                name, _, text = line.decode().strip().partition(": ")
                event = json.loads(text) if text and text != "[DONE]" else {}
                if "error" in (name, *event):
                    raise StageError(f"llama.cpp: {event.get('error', event)['message']}")
                if event:
                    yield event
        except ENDED as error:
            raise self._broken("llama.cpp stopped answering") from error
        finally:
            connection.close()

    def wait(self) -> None:
        """Wait until it is closed. Raises StageError where it ends by itself."""
        self.process.wait()
        if not self.closed:
            raise self._broken("llama.cpp stopped serving")

    def close(self) -> None:
        """End the process and so free its memory."""
        self.closed = True
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()

    def _connection(self) -> http.client.HTTPConnection:
        """Return a connection; no proxy of the environment stands between."""
        place = urlsplit(self.address)
        return http.client.HTTPConnection(place.hostname or "", place.port)

    def _answer(
        self, connection: http.client.HTTPConnection, path: str, body: dict[str, Any] | None
    ) -> http.client.HTTPResponse:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        sent = None if body is None else json.dumps(body).encode()
        connection.request("GET" if sent is None else "POST", path, sent, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            told = json.loads(answer.read())["error"]["message"]
            raise StageError(f"llama.cpp: {' '.join(told.split())}")
        return answer

    def _broken(self, what: str) -> StageError:
        """Return what ended the process, in words, and clean up after it."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        self.log.seek(0)
        reason = _reason(self.log.read().decode(errors="replace"), self.process.returncode)
        self.close()
        return StageError(f"{self.file.name}: {what}: {reason}")


def _reason(log: str, code: int | None) -> str:
    """Return why llama.cpp ended: its first error is the most exact one, but for an abort."""
    if abort := _ABORT.search(log):
        return f"it gave up on {abort[0].strip()}"
    if error := _ERROR.search(log):
        return error[1].removeprefix(_GENERAL).strip()
    lines = log.strip().splitlines()
    if code == -signal.SIGKILL and not lines:
        return "its process was killed, as happens where memory is short"
    return lines[-1] if lines else f"it ended with exit code {code}"
