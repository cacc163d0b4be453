"""A server that plays the hub for huggingface_hub's own client: accounts, repositories, commits."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from standing_in import Quiet, serving

TOKEN = "hf_" + "t" * 34


@dataclass
class Repo:
    """One repository: whether it is private, its files, and how many commits made them."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0

    @property
    def sha(self) -> str:
        return f"{self.commits:040x}"


@dataclass
class Hub:
    """What the hub holds, whom it knows, and what it was asked."""

    name: str = "me"
    orgs: tuple[str, ...] = ("team",)
    role: str = "write"
    breaks: int = 0  # answers to uploads that are errors, before it works again
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def hub(**known: Any) -> Iterator[Hub]:
    """Serve a hub that keeps what it is sent."""
    held = Hub(**known)

    class Answer(Quiet):
        def do_GET(self) -> None:
            self.answered("GET")

        def do_HEAD(self) -> None:
            self.answered("HEAD")

        def do_POST(self) -> None:
            self.answered("POST")

        def do_PUT(self) -> None:
            self.answered("PUT")

        def answered(self, method: str) -> None:
            held.asked.append(f"{method} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            knows = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            status, said = answer(held, method, self.path.partition("?")[0], body, knows)
            content = json.dumps(said).encode() if said is not None else b""
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Type", "application/vnd.git-lfs+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if method != "HEAD" else b"")

    with serving(Answer) as place:
        held.url = f"http://{place}"
        yield held


def answer(held: Hub, method: str, path: str, body: bytes, knows: bool) -> tuple[int, Any]:
    """Return status and JSON for one request."""
    if path == "/":
        return 200, None
    if path.startswith("/blob/") and method == "PUT":
        return _kept(held, path.rpartition("/")[2], body)
    if not knows:
        return 401, {"error": "Invalid credentials"}
    fixed = {
        "/api/whoami-v2": lambda: _account(held),
        "/api/validate-yaml": lambda: (200, {"errors": [], "warnings": []}),
        "/api/agent-harnesses": lambda: (404, None),
        "/api/repos/create": lambda: _created(held, json.loads(body)),
    }
    if path in fixed:
        return fixed[path]()
    if path.endswith("/info/lfs/objects/batch"):
        return 200, _batch(held, json.loads(body))
    return _of_repo(held, path, body)


def _account(held: Hub) -> tuple[int, Any]:
    orgs = [{"name": org} for org in held.orgs]
    return 200, {"name": held.name, "orgs": orgs, "auth": {"accessToken": {"role": held.role}}}


def _of_repo(held: Hub, path: str, body: bytes) -> tuple[int, Any]:
    """Return what is asked of one repository: what it holds, how to upload, a commit."""
    _, _, _, owner, name, *rest = path.split("/")
    repo = held.repos.get(f"{owner}/{name}")
    if repo is None:
        return 404, {"error": "Repository not found"}
    if not rest:
        return 200, {"id": f"{owner}/{name}", "private": repo.private, "sha": repo.sha, "tags": [],
                     "siblings": [{"rfilename": file} for file in repo.files]}  # fmt: skip
    if rest[0] == "preupload":
        return 200, {"files": [_mode(file) for file in json.loads(body)["files"]]}
    return _committed(held, repo, f"{owner}/{name}", body)


def _created(held: Hub, asked: dict[str, Any]) -> tuple[int, Any]:
    owner = asked.get("organization") or held.name
    name = f"{owner}/{asked['name']}"
    if name in held.repos:
        return 409, {"error": "You already created this model repo", "url": f"{held.url}/{name}"}
    private = asked.get("private") or asked.get("visibility") == "private"
    held.repos[name] = Repo(bool(private))
    return 200, {"url": f"{held.url}/{name}", "name": name}


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    large = file["path"].endswith((".safetensors", ".gguf"))
    mode = "lfs" if large else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


def _batch(held: Hub, asked: dict[str, Any]) -> dict[str, Any]:
    """Say where to put each blob that is not here yet."""
    objects = []
    for one in asked["objects"]:
        told: dict[str, Any] = {"oid": one["oid"], "size": one["size"], "authenticated": True}
        if one["oid"] not in held.blobs:
            told["actions"] = {"upload": {"href": f"{held.url}/blob/{one['oid']}", "header": {}}}
        objects.append(told)
    return {"transfer": "basic", "objects": objects}


def _kept(held: Hub, oid: str, body: bytes) -> tuple[int, Any]:
    """Keep a blob whose digest is the one that was announced."""
    if held.breaks:
        held.breaks -= 1
        return 403, {"error": "the storage is closed"}
    if sha256(body).hexdigest() != oid:
        return 400, {"error": "digest mismatch"}
    held.blobs[oid] = body
    return 200, None


def _committed(held: Hub, repo: Repo, name: str, body: bytes) -> tuple[int, Any]:
    for line in map(json.loads, body.splitlines()):
        value = line["value"]
        if line["key"] == "file":
            repo.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            repo.files[value["path"]] = held.blobs[value["oid"]]
        elif line["key"] == "deletedFile":
            del repo.files[value["path"]]
    repo.commits += 1
    return 200, {"commitUrl": f"{held.url}/{name}/commit/{repo.sha}", "commitOid": repo.sha}
