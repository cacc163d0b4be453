"""Where a server answers, what it keeps, and what people are told of it before it starts."""

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from ftrecipe.components.eval.prompts import ASKED_RAW
from ftrecipe.errors import ConfigError
from ftrecipe.gated import GATE
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.serving.choosing import Candidate
from ftrecipe.serving.order import Order, Served
from ftrecipe.serving.trying import to_try

HOST, PORT, KEY = "--host", "--port", "--api-key"
KEY_VARIABLE = "FTRECIPE_API_KEY"


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the address. Raises ConfigError where it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigError(f"{HOST} {host}: is no address of this machine ({error})") from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
        bound.listen()  # Linux lets two sockets bind an address that nobody listens at yet
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"{host}:{port} cannot be had ({error.strerror}); stop what answers there, or take "
            f"another: {PORT} {port + 1 if 0 < port < 65535 else 8000}, or {PORT} 0 for a free one"
        ) from None
    return bound


def address(bound: socket.socket) -> str:
    """Return the URL by which this machine reaches a bound socket: "any" is no address to call."""
    host, port = bound.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "127.0.0.1" if bound.family == socket.AF_INET else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def log(rundir: RunDir) -> Path:
    """Return the file that all is kept in that programs say; another where a run is read-only."""
    try:
        rundir.logs.mkdir(exist_ok=True)
        if os.access(rundir.logs, os.W_OK):
            return rundir.logs / "serve.txt"
    except OSError:  # what a run has made can be served by others than its owner
        pass
    return Path(tempfile.gettempdir()) / f"ftrecipe-serve-{os.getpid()}.txt"


def opening(run: Candidate) -> dict[str, Any]:
    """Return what to try it by: a conversation, or a text, begun as those that it has learned."""
    question = to_try(run.rundir, run.run)
    if run.run.dataset.produces() in ASKED_RAW:
        return {"prompt": question or "Once upon a time"}
    system = run.run.dataset.system
    begun = [{"role": "system", "content": system}] if system else []
    return {"messages": [*begun, {"role": "user", "content": question or "Hello!"}]}


def told(order: Order, about: str, bound: socket.socket) -> list[str]:
    """Return what is served, what its gates said, where, and who can reach it."""
    lines = [
        f"serving   {one.name}: {one.what.name} ({one.what.judgement}) by {about} "
        f"at {order.address}"
        for one in order.served
    ]
    lines += [
        f"warning   {one.name}: {one.what.name} is degraded: {_reasons(one)}"
        for one in order.served
        if one.what.verdict == "degraded"
    ]
    if order.key is None and not ipaddress.ip_address(bound.getsockname()[0]).is_loopback:
        lines.append(
            "warning   other machines can reach this address, and nobody has to say who he is; "
            f"{KEY}, or {KEY_VARIABLE} in the environment, asks for a key"
        )
    return lines


def _reasons(one: Served) -> str:
    """Return why a gate did not say `same` of what is served."""
    target, _, name = one.what.name.partition("/")
    gate = RunDir(one.run).export / target / GATE
    told = read_json(gate).get("artefacts", []) if gate.is_file() else []
    about = [each for each in told if each.get("name", "") in ("", name)]
    reasons = [reason for each in about for reason in each.get("reasons", [])]
    return "; ".join(reasons) or f"{gate} says why"
