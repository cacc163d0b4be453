"""The verb `serve`: an OpenAI-compatible server for what runs have made."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ftrecipe import devices
from ftrecipe.errors import ConfigError
from ftrecipe.existing import open_run
from ftrecipe.found import looked_in
from ftrecipe.rundir import RunDir
from ftrecipe.serving.choosing import BY, WITH, candidates, chosen, way_for
from ftrecipe.serving.context import CONTEXT, within
from ftrecipe.serving.order import Order, Served
from ftrecipe.serving.place import HOST, KEY, KEY_VARIABLE, PORT, address, bound, log, opening, told
from ftrecipe.supervise import handling
from ftrecipe.verbs import flags, valued

FLAGS = (WITH, BY, HOST, PORT, KEY, CONTEXT)
GRACE = 8.0  # seconds that the server has to end, once it is asked to
LOOK = 0.3


def serve(words: list[str]) -> int:
    """Answer on 127.0.0.1 as OpenAI's API does, by what one run or several have made.

    python -m ftrecipe serve RUN [RUN …] [--with gguf|merged|adapter] [--port 8000]

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run) or
    how a folder in runs/ begins. Requests call it by its recipe's name: model="quickstart".

    Without --with it is what is quick here and passed its gate. Several runs of one base are served
    as adapters: the base is loaded once, and answers by its own name too.

    --by says which program: llama_cpp (GGUF), transformers or vllm (all else). --host, --port:
    where; port 0 takes a free one. --context: the most tokens of a question and its
    answer. --api-key (or the variable FTRECIPE_API_KEY): what clients have to know; without it
    everybody who reaches the address may ask.
    """
    named, rest = valued(words, *FLAGS)
    _, rest = flags(rest, *FLAGS)
    port, context = _number(named, PORT, 0, 65535), _number(named, CONTEXT, 16, None)
    runs, on_gpu = candidates(_opened(rest)), bool(devices.gpus())
    context = within(runs, context)
    whats = chosen(runs, named.get(WITH), on_gpu)
    served = [
        Served(run.name, run.rundir.path, what) for run, what in zip(runs, whats, strict=True)
    ]
    way = way_for(runs, served, named.get(BY), on_gpu)
    key = named.get(KEY) or os.environ.get(KEY_VARIABLE)
    with bound(named.get(HOST, "127.0.0.1"), 8000 if port is None else port) as held:
        order = Order(
            way.module, served, address(held), held.fileno(), key, context,
            log(runs[0].rundir), opening(runs[0]),
        )  # fmt: skip
        for line in told(order, way.about, held):
            print(line, flush=True)
        child = _start(order)
    return _follow(child)


def _opened(words: Sequence[str]) -> list[RunDir]:
    """Return the runs that are named, each looked for from here."""
    names = [word for word in words if "=" not in word or Path(word).is_dir()]
    others = [word for word in words if word not in names]
    here = Path.cwd()
    found: dict[Path, RunDir] = {}
    for name in names or [""]:
        rundir, left = open_run("serve", [word for word in (name, *others) if word])
        os.chdir(here)
        found[rundir.path] = rundir
        if left := looked_in(left)[1]:
            raise ConfigError(f"{left[0]}: serve takes no settings; a run is served as it is")
    return list(found.values())


def _number(named: dict[str, str], flag: str, low: int, high: int | None) -> int | None:
    if flag not in named:
        return None
    text = named[flag]
    if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
        bounds = f"from {low}" if high is None else f"from {low} to {high}"
        raise ConfigError(f"{flag} {text}: should be a whole number {bounds}")
    return int(text)


def _start(order: Order) -> "subprocess.Popen[bytes]":
    """Start the server's process; it ends when its standard input does."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ftrecipe.stages.serving"],
        stdin=subprocess.PIPE,
        pass_fds=[order.socket],
        start_new_session=True,
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(order.plain()).encode() + b"\n")
    child.stdin.flush()
    return child


def _follow(child: "subprocess.Popen[bytes]") -> int:
    """Wait for the server; it is asked to stop at the first signal, and killed at the second."""
    asked: list[float] = []

    def stop(number: int, frame: object) -> None:
        asked.append(time.monotonic())
        child.send_signal(signal.SIGTERM if len(asked) == 1 else signal.SIGKILL)

    with handling(stop):
        while True:
            try:
                code = child.wait(LOOK)
                break
            except subprocess.TimeoutExpired:
                if asked and time.monotonic() - asked[0] > GRACE:
                    child.kill()
    return 128 - code if code < 0 else code
