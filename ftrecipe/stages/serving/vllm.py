"""Serves models by `vllm serve`, a program with an environment of its own."""

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from transformers import GenerationConfig

from ftrecipe.components.export.vllm_server import bound, rank
from ftrecipe.errors import StageError
from ftrecipe.model_folder import CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG, TOKENIZER
from ftrecipe.rundir import read_json
from ftrecipe.serving.order import Order
from ftrecipe.stages.measuring.stopping import end_of_turn
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.serving.listening import tell_when_ready
from ftrecipe.stages.serving.opening import Opened, base_name, open_all
from ftrecipe.stages.signals import die_with_parent

LEAVE = 5  # seconds that it has to end
GREEDY = json.dumps({"temperature": 0})  # as it was measured, unless a request says otherwise


def serve(order: Order, screen: Screen) -> None:
    """Start the program and wait for it until a signal comes. Raises StageError where it ends."""
    opened = open_all(order, screen)
    with tempfile.TemporaryDirectory() as scratch:
        words, names = command(opened, order, Path(scratch))
        os.close(order.socket)  # it binds the address itself
        child = _started(words, order)
        threading.Thread(target=tell_when_ready, args=[order, screen, names], daemon=True).start()
        try:
            code = child.wait()
        except KeyboardInterrupt:
            _end(child)
            raise
    raise StageError(f"vllm ended by itself with code {code}; what it said: {order.log}")


def command(opened: Sequence[Opened], order: Order, scratch: Path) -> tuple[list[str], list[str]]:
    """Return what is run, and the names that it answers to; `scratch` takes a file for it."""
    at, first = urlsplit(order.address), opened[0]
    names = [one.served.name for one in opened]
    if first.needs_base:
        source = first.session.models.source
        model, called = source.source, base_name(source.path)
        called = f"{called}-base" if called in names else called
        own = [*_adapters(opened), *(["--revision", source.revision] if source.revision else [])]
        names.append(called)
    else:
        model, called, own = str(first.path), first.served.name, []
    words = ["vllm", "serve", model, "--served-model-name", called, *own]
    words += ["--dtype", _stored(first), "--host", str(at.hostname), "--port", str(at.port)]
    words += ["--generation-config", str(_ends(first, scratch))]
    words += ["--override-generation-config", GREEDY]
    template = first.path / CHAT_TEMPLATE
    words += ["--chat-template", str(template)] if template.is_file() else []
    length = [] if order.context is None else ["--max-model-len", str(order.context)]
    return [*words, *length], names


def _adapters(opened: Sequence[Opened]) -> list[str]:
    """Return what names the adapters; the tokenizer is that of the first."""
    largest = max(rank(one.path) for one in opened)
    words = ["--enable-lora", "--max-loras", str(len(opened)), "--max-lora-rank"]
    words += [str(bound(largest)), "--lora-modules"]
    words += [f"{one.served.name}={one.path}" for one in opened]
    its_own = (opened[0].path / TOKENIZER).is_file()
    return [*words, *(["--tokenizer", str(opened[0].path)] if its_own else [])]


def _stored(one: Opened) -> str:
    """Return the type that the weights are stored in: left to itself, vLLM makes 16 bits of 32."""
    if one.needs_base:
        return str(one.session.models.config.dtype).removeprefix("torch.")
    return read_json(one.path / CONFIG)["dtype"]


def _ends(one: Opened, scratch: Path) -> Path:
    """Return a folder whose generation_config.json says which tokens end an answer."""
    if (one.path / GENERATION_CONFIG).is_file():
        return one.path
    tokenizer = one.tokenizer
    known: Any = [tokenizer.eos_token_id, end_of_turn(tokenizer)]
    ends = list(dict.fromkeys(token for token in known if token is not None))
    GenerationConfig(eos_token_id=ends).save_pretrained(scratch)
    return scratch


def _started(words: list[str], order: Order) -> "subprocess.Popen[bytes]":
    secret = {"VLLM_API_KEY": order.key} if order.key else {}
    try:
        return subprocess.Popen(
            words, env=os.environ | secret, preexec_fn=die_with_parent, start_new_session=True
        )
    except OSError as error:
        raise StageError(f"vllm cannot be started: {error.strerror}") from error


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ask the program to end, and see to it that it does, with the processes that it started."""
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(LEAVE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
