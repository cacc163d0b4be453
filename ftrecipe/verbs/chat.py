"""The verb `chat`: talk to a run in the terminal."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftrecipe import devices, supervise
from ftrecipe.components.eval.prompts import ASKED_RAW
from ftrecipe.config import RunConfig, from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.existing import CONSENT, open_run
from ftrecipe.found import looked_in
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.state import known_status
from ftrecipe.talk import choice, writing
from ftrecipe.talk.asked import BASE, TUNED, Asked, Speaker
from ftrecipe.talk.chatlog import ChatFile
from ftrecipe.verbs import flags, valued

WITH, COMPARE, LOG, ASK, SYSTEM = "--with", "--compare", "--log", "--ask", "--system"
JSON = "--json"
CONTEXT = "context"
USUAL_CONTEXT = 4096
LEAST_CONTEXT = 64


def chat(words: list[str]) -> int:
    """Talk to a finished run in the terminal.

    python -m ftrecipe chat RUN [--with adapter|merged|gguf|…] [--compare base|RUN] [--log FILE]
    python -m ftrecipe chat RUN --ask "a question" [--json]
    cat questions.txt | python -m ftrecipe chat RUN [--json]

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run) or
    how a folder in runs/ begins.

    --with says what is loaded: a target that was exported, one file of it (--with q4_k_m), a path,
    or trained (the adapter on its base, or the model, as training left it). Without it, what is
    quick on this machine of what is like the trained model: on a CPU gguf, merged, adapter; on a
    GPU merged, adapter; with --compare, trained. What its gate has rejected is loaded by its path
    alone.

    --compare base answers every question also by the model without the tune, side by side on a
    wide terminal; --compare RUN by another run.

    --log FILE keeps the conversation as rows of dataset=chatlog, written at every answer. --system
    TEXT begins with another system prompt than the one that was trained.

    key=value: temperature (0: the likeliest token each time), max_new_tokens, top_p, top_k,
    repetition_penalty, seed, context (tokens that the model looks at). In the chat, /help lists
    what can be typed. Where no terminal is, each line of the input is a question, answers go to
    stdout and all else to stderr.
    """
    here = Path.cwd()
    named, rest = valued(words, WITH, COMPARE, LOG, ASK, SYSTEM)
    given, rest = flags(rest, JSON, WITH, COMPARE, LOG, ASK, SYSTEM)
    compared = named.get(COMPARE, BASE)
    other = None
    if rest and compared != BASE:
        shared = [word for word in rest[1:] if word.lstrip("+") == CONSENT or looked_in([word])[0]]
        other, _ = open_run("chat", [compared, *shared])
        os.chdir(here)
    rundir, changes = open_run("chat", rest)
    return _talk(_asked(named, changes, rundir, other, here, JSON in given))


def _asked(
    named: dict[str, str],
    changes: list[str],
    rundir: RunDir,
    other: RunDir | None,
    here: Path,
    as_json: bool,
) -> Asked:
    """Return what the worker is asked. Raises ConfigError with all that stands against it."""
    faults: list[str] = []
    run = _config(rundir)
    log = (here / typed(named[LOG])).absolute() if LOG in named else None
    raw = run.dataset.produces() in ASKED_RAW
    compares = COMPARE in named
    context = _context([word for word in changes if _is_context(word)], run, faults)
    decoding = writing.read_all([word for word in changes if not _is_context(word)], faults)
    tuned = _tried(lambda: _speaker(rundir, run, named.get(WITH), compares, here), faults)
    second = None
    if compares and tuned is not None:
        by_path = Path(tuned.what.name).is_absolute()  # of this run, not of the other
        word = None if by_path else named.get(WITH)
        second = _tried(lambda: _other(rundir, other, word, here), faults)
    if log is not None:
        _tried(lambda: ChatFile(log).check(), faults)
    if raw and log is not None:
        faults.append(f"{LOG}: this run continues texts; a chat log holds conversations")
    if faults or tuned is None:
        raise ConfigError(faults)
    return Asked(
        tuned=tuned, other=second, where=str(here), log=None if log is None else str(log),
        system=named.get(SYSTEM, run.dataset.system or ""), ask=named.get(ASK), as_json=as_json,
        raw=raw, context=context, decoding=decoding,
        notes=(
            "this run has learned to continue texts: what you type is continued, by no template",
        ) if raw else (),
    )  # fmt: skip


def _config(rundir: RunDir) -> RunConfig:
    return from_plain(read_json(rundir.run)["config"])


def _tried(ask: Any, faults: list[str]) -> Any:
    try:
        return ask()
    except ConfigError as error:
        faults += error.faults
        return None


def _speaker(
    rundir: RunDir, run: RunConfig, word: str | None, compares: bool, here: Path
) -> Speaker:
    """Return who answers for a run: what `--with` names, or what is best here."""
    found = choice.loadable(rundir, run)
    if not found:
        status = known_status(rundir)["state"]
        raise ConfigError(
            f"{rundir.path}: nothing is trained there yet, and nothing exported (it is {status}); "
            f"python -m ftrecipe resume {rundir.path}"
        )
    if word is None and compares and any(each.engine == choice.TRAINED for each in found):
        word = choice.TRAINED  # what is compared stands on one base, which is loaded once
    what = choice.named(word, found, here) if word else choice.best(found, bool(devices.visible()))
    if what.lacks:
        raise ConfigError(what.lacks)
    if what.engine in choice.ON_BASE and run.model.from_run is None and rundir.adapter.is_dir():
        run.model.source  # noqa: B018 - tells that the base is gone
    return Speaker(TUNED, str(rundir.path), _name(rundir), what)


def _other(rundir: RunDir, other: RunDir | None, word: str | None, here: Path) -> Speaker:
    """Return who answers beside the tuned model: its base, or another run's model."""
    if other is None:
        return Speaker(BASE, str(rundir.path), _name(rundir), None)
    if other.path == rundir.path:
        raise ConfigError(f"{COMPARE}: {other.path} is the run itself; name another")
    found = _speaker(other, _config(other), word, True, here)
    return replace(found, name=found.run_name)


def _name(rundir: RunDir) -> str:
    """Return how a run is called here: its recipe's name, and when it began."""
    return f"{read_json(rundir.run)['name']}/{rundir.path.name}"


def _is_context(word: str) -> bool:
    return word.lstrip("+").partition("=")[0] == CONTEXT


def _context(words: list[str], run: RunConfig, faults: list[str]) -> int:
    """Return how many tokens the model looks at: what is asked for, or what is usual."""
    architecture = _tried(lambda: run.model.architecture, [])
    most = architecture.max_positions if architecture else None
    if not words:
        return min(most or USUAL_CONTEXT, USUAL_CONTEXT)
    text = words[-1].partition("=")[2]
    bounds = writing.Bounds(int, LEAST_CONTEXT, most or 10_000_000)
    return _tried(lambda: bounds.read(CONTEXT, text), faults) or USUAL_CONTEXT


def _talk(asked: Asked) -> int:
    """Start the worker, which has the terminal, and wait; what Ctrl-C means is for it to say."""
    words = [sys.executable, "-m", "ftrecipe.stages.chat", asked.text()]
    child = subprocess.Popen(words)

    def hear(number: int, frame: Any) -> None:
        if number != supervise.SIGNALS[0]:  # Ctrl-C reaches both, since they share the terminal
            child.send_signal(number)

    with supervise.handling(hear):
        code = child.wait()
    return 128 - code if code < 0 else code
