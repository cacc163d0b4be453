"""A stand-in for an Ollama server: the rules of its HTTP API, and the ways in which it may break.

It keeps blobs by digests that it computes itself, refuses what Ollama refuses, and answers from an
echo or from a real engine. `breaks` says, by path, how a request goes wrong from then on.
"""

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DIGEST = re.compile("sha256[:-][0-9a-f]{64}")
NAME = re.compile(r"(?:[\w.:-]+/){0,2}\w[\w.-]{0,79}(?::\w[\w.-]{0,79})?")
Json = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What an engine says: its pieces, and the end of the stream."""

    pieces: list[str]
    read: int
    ended: bool = True


Answer = Callable[[Path, Json, Json], Reply]
"""An engine: the GGUF, the request, the manifest of the model → what it says."""


def echo(gguf: Path, request: Json, manifest: Json) -> Reply:
    """Say again what was asked."""
    text = request["messages"][-1]["content"] if "messages" in request else request["prompt"]
    words = f"echo: {text}".split(" ")
    pieces = [word if at == 0 else f" {word}" for at, word in enumerate(words)]
    return Reply(pieces[: request.get("options", {}).get("num_predict", 99)], len(text.split()))


@dataclass
class StandIn:
    """A server's state. breaks: path → what goes wrong. asked: how often each was asked."""

    folder: Path
    answer: Answer = echo
    version: str = "0.12.6"
    template: str = "{{ .Prompt }}{{ .Response }}"  # what it says that it found in the GGUF
    breaks: dict[str, str] = field(default_factory=dict)
    models: dict[str, Json] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, Json]] = field(default_factory=list)
    address: str = ""

    def blob(self, digest: str) -> Path:
        """Return where a blob lies."""
        return self.folder / digest.replace(":", "-")

    def digest(self, name: str) -> str:
        """Return the digest of a model's manifest, as /api/tags lists it."""
        return hashlib.sha256(json.dumps(self.models[name]).encode()).hexdigest()

    def prune(self) -> None:
        """Drop blobs that no model needs, as Ollama does after it has deleted one."""
        kept = {self.blob(one).name for model in self.models.values() for one in model["files"]}
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()


class Refusal(Exception):
    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text


def full(name: Any) -> str:
    """Return a model's name with its tag. Raises Refusal as Ollama does."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Refusal(400, "invalid model name")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which would wait for every second part of an answer
    state: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._handled("HEAD")

    def do_GET(self) -> None:
        self._handled("GET")

    def do_POST(self) -> None:
        self._handled("POST")

    def do_DELETE(self) -> None:
        self._handled("DELETE")

    def _handled(self, method: str) -> None:
        path = "/api/blobs" if self.path.startswith("/api/blobs/") else self.path
        self.state.asked[f"{method} {path}"] += 1
        broken = self.state.breaks.get(f"{method} {path}") or self.state.breaks.get("*")
        try:
            if broken is not None and self._breaks(f"{method} {path}", broken):
                return
            if path == "/api/blobs":
                self._blob(method, self.path.rpartition("/")[2])
            else:
                routes: dict[str, Callable[[], None]] = {
                    "GET /api/version": lambda: self._json({"version": self.state.version}),
                    "GET /api/tags": self._tags, "POST /api/show": self._show,
                    "POST /api/create": self._create, "POST /api/copy": self._copy,
                    "DELETE /api/delete": self._delete, "POST /api/chat": self._chat,
                    "POST /api/generate": self._generate,
                }  # fmt: skip
                if f"{method} {path}" not in routes:
                    raise Refusal(404, "404 page not found")
                routes[f"{method} {path}"]()
        except Refusal as refusal:
            self._json({"error": refusal.text}, refusal.status)

    def _breaks(self, route: str, how: str) -> bool:
        """Go wrong; return whether that was all."""
        if how == "once":  # the connection is closed in the middle of the request's body, one time
            del self.state.breaks[route]
            how = "vanish"
        if how == "vanish":
            self.rfile.read(min(1000, int(self.headers.get("Content-Length") or 0)))
            self.close_connection = True
            self.connection.close()
        elif how == "full":  # it answers before it has read all, as a full disk makes it
            self.rfile.read(1000)
            self.close_connection = True
            self._json({"error": "write blob: no space left on device"}, 500)
        elif how == "hang":
            time.sleep(1.5)
            self.close_connection = True
        elif how == "html":
            self._body(b"<html><body>Welcome!</body></html>", "text/html")
        elif how == "corrupt":
            return False
        elif how.isdigit():
            self._content()
            self._json({"error": "something broke"}, int(how))
        return how in ("vanish", "hang", "html", "full") or how.isdigit()

    def _blob(self, method: str, digest: str) -> None:
        if not DIGEST.fullmatch(digest):
            raise Refusal(400, "invalid digest format")
        there = self.state.blob(digest).is_file()
        if method == "HEAD":
            if not there:
                raise Refusal(404, f'blob "{digest}" not found')
            return self._body(b"", "text/plain")
        content = self._content()
        if there:
            return self._body(b"", "text/plain")
        if self.state.breaks.get("POST /api/blobs") == "corrupt":
            content = content[:-1] + b"\0"
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found != digest:
            raise Refusal(400, f'digest mismatch, expected "{digest}", got "{found}"')
        self.state.blob(digest).write_bytes(content)
        return self._body(b"", "text/plain", 201)

    def _create(self) -> None:
        asked = self._request()
        name = full(asked.get("model"))
        for path, digest in (asked.get("files") or {}).items():
            parts = path.split("/")
            if set(parts) & {"", ".", ".."} or set(path) & set("\\:"):
                raise Refusal(400, f"file path must be relative: {path}")
            if not DIGEST.fullmatch(digest):
                raise Refusal(400, f"invalid digest for {path}")
        if asked.get("adapters"):
            raise Refusal(400, "LoRA adapters are no longer supported")
        if not asked.get("files") and not asked.get("from"):
            raise Refusal(400, "neither 'from' or 'files' was specified")
        self._stream(self._creating(name, asked), asked)

    def _creating(self, name: str, asked: Json) -> Iterator[Json]:
        yield {"status": "parsing GGUF"}
        for digest in asked["files"].values():
            blob = self.state.blob(digest)
            if not blob.is_file():
                yield {"error": f"open {blob}: no such file or directory"}
                return
            if blob.read_bytes()[:4] != b"GGUF":
                yield {"error": "supplied file was not in GGUF format"}
                return
            yield {"status": f"using existing layer {digest}"}
        if self.state.breaks.get("POST /api/create") == "error":
            yield {"error": "no space left on device"}
            return
        if self.state.breaks.get("POST /api/create") == "stop":
            return
        if (asked.get("template") or "").count("{{") != (asked.get("template") or "").count("}}"):
            yield {"error": "template error: unclosed action"}
            return
        kept = ("system", "template", "parameters", "license")
        self.state.models[name] = {"files": [*asked["files"].values()]} | {
            key: asked[key] for key in kept if key in asked
        }
        yield {"status": "writing manifest"}
        yield {"status": "success"}

    def _copy(self) -> None:
        asked = self._request()
        source, destination = full(asked.get("source")), full(asked.get("destination"))
        if source not in self.state.models:
            raise Refusal(404, f'model "{asked["source"]}" not found')
        self.state.models[destination] = self.state.models[source]
        self._body(b"", "text/plain")

    def _delete(self) -> None:
        name, _ = self._model(self._request())
        del self.state.models[name]
        self.state.prune()
        self._body(b"", "text/plain")

    def _tags(self) -> None:
        names = [
            {"name": name, "model": name, "digest": self.state.digest(name), "size": 1,
             "modified_at": "2026-11-22T12:00:00Z", "details": {"format": "gguf"}}
            for name in self.state.models
        ]  # fmt: skip
        self._json({"models": names})

    def _show(self) -> None:
        _, manifest = self._model(self._request())
        parameters = manifest.get("parameters", {})
        values = {
            key: each if isinstance(each, list) else [each] for key, each in parameters.items()
        }
        lines = [f"{key:<30} {json.dumps(one)}" for key, all_ in values.items() for one in all_]
        self._json(
            {"template": manifest.get("template", self.state.template), "details": {},
             "parameters": "\n".join(lines), "model_info": {}, "capabilities": ["completion"],
             "license": manifest.get("license", ""), "modelfile": ""}
        )  # fmt: skip

    def _chat(self) -> None:
        asked = self._request()
        _, manifest = self._model(asked)
        messages = asked.get("messages") or []
        if manifest.get("system") and (not messages or messages[0]["role"] != "system"):
            messages = [{"role": "system", "content": manifest["system"]}, *messages]
        said = lambda piece: {"message": {"role": "assistant", "content": piece}}  # noqa: E731
        self._answered(asked | {"messages": messages}, manifest, said)

    def _generate(self) -> None:
        asked = self._request()
        _, manifest = self._model(asked)
        if asked.get("keep_alive") == 0 and not asked.get("prompt"):
            return self._json({"model": asked["model"], "response": "", "done": True,
                               "done_reason": "unload"})  # fmt: skip
        return self._answered(asked, manifest, lambda piece: {"response": piece})

    def _answered(self, asked: Json, manifest: Json, said: Callable[[str], Json]) -> None:
        reply = self.state.answer(self.state.blob(manifest["files"][0]), asked, manifest)
        where = "POST /api/chat" if "messages" in asked else "POST /api/generate"

        def lines() -> Iterator[Json]:
            for at, piece in enumerate(reply.pieces):
                yield {"model": asked["model"], "done": False, **said(piece)}
                if at == 1 and self.state.breaks.get(where) == "error":
                    yield {"error": "model runner has unexpectedly stopped"}
                    return
            yield {"model": asked["model"], "done": True, **said(""),
                   "done_reason": "stop" if reply.ended else "length",
                   "prompt_eval_count": reply.read, "eval_count": len(reply.pieces)}  # fmt: skip

        self._stream(lines(), asked)

    def _model(self, asked: Json) -> tuple[str, Json]:
        name = full(asked.get("model"))
        if name not in self.state.models:
            raise Refusal(404, f"model '{asked['model']}' not found")
        return name, self.state.models[name]

    def _request(self) -> Json:
        content = self._content()
        if not content:
            raise Refusal(400, "missing request body")
        try:
            asked = json.loads(content)
        except json.JSONDecodeError as error:
            raise Refusal(400, str(error)) from None
        self.state.requests.append((self.path, asked))
        return asked

    def _content(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _stream(self, lines: Iterator[Json], asked: Json) -> None:
        """Send lines one after the other; whatever comes later, the status is 200."""
        if asked.get("stream") is False:
            *_, last = lines
            self._json(last, 500 if "error" in last else 200)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            text = json.dumps(line).encode() + b"\n"
            self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _json(self, value: Json, status: int = 200) -> None:
        self._body(json.dumps(value).encode(), "application/json", status)

    def _body(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def serving(folder: Path, answer: Answer = echo) -> Iterator[StandIn]:
    """Run a stand-in that keeps its blobs in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    state = StandIn(folder, answer)
    server = Quiet(("127.0.0.1", 0), type("Handles", (Handler,), {"state": state}))
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
