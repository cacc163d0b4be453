"""Registers a model with an Ollama server, and switches names to it once it has answered.

Whatever is cut off can be done again from the beginning: files that the server has are not sent
twice, and a name points to the old model until the new one has answered.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ftrecipe.digest import sha256
from ftrecipe.errors import did_you_mean
from ftrecipe.ollama.modelfile import Modelfile
from ftrecipe.ollama.names import BASE, CANDIDATE, LATEST, PREVIOUS, Name, clash, full
from ftrecipe.ollama.server import CHUNK, CutOff, OllamaError, Said, Server

OLDEST = (0, 5, 5)  # the first whose /api/create takes files by their digests
ATTEMPTS = 3
PAUSE = 2.0  # seconds before a file that was cut off is sent again
NO_TEMPLATE = "{{ .Prompt }}"
LONGEST_ANSWER = 1024
SHOWN = 80
BROKEN = 500


@dataclass(frozen=True)
class Question:
    """A conversation without its answer. tokens: its length as it was trained, None if unknown."""

    messages: list[dict[str, Any]]
    tokens: int | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to be registered.

    file: the GGUF. templated: whether it holds a chat template. base: a model of the server that
    gets a name beside the tuned one. questions: of which one has to be answered; none of a model
    that was not trained on conversations.
    """

    name: Name
    file: Path
    modelfile: Modelfile
    templated: bool = True
    base: str | None = None
    questions: Sequence[Question] = field(default_factory=tuple)


@dataclass(frozen=True)
class Person:
    """Who waits: is told lines, and sees how far a task of so many parts is."""

    say: Callable[[str], None]
    progress: Callable[[str, Sequence[Any]], Iterator[Any]]


def register(server: Server, wanted: Wanted, person: Person) -> str:
    """Register a model; return the name by which it can be asked. Raises OllamaError."""
    if wanted.base is not None and (why := clash(wanted.base, wanted.name)):
        raise OllamaError(f"export.ollama.base={wanted.base} {why}")
    person.say(f"{server.address} is Ollama {server.version()}")
    candidate = wanted.name.tagged(CANDIDATE)
    _create(server, candidate, wanted, person)
    try:
        _look(server, candidate, wanted)
        _ask(server, candidate, wanted, person)
    except CutOff:
        raise  # it may be right: the next attempt finds the file there
    except OllamaError:
        with suppress(OllamaError):  # the first error is the one to tell
            server.delete(candidate)
        raise
    _switch(server, wanted, person)
    return wanted.name.tagged(wanted.name.tuned)


def withdraw(server: Server, name: Name, person: Person) -> None:
    """Switch both names back to what they were before, or take away what there was not."""
    there = server.models()
    for tag, kept in ((LATEST, PREVIOUS), (name.tuned, name.before)):
        switched, before = name.tagged(tag), name.tagged(kept)
        if before in there:
            server.copy(before, switched)
            person.say(f"{switched} is again what it was before ({before})")
        elif switched in there:
            server.delete(switched)
            person.say(f"{switched} is taken away")


def lacking(server: Server, base: str | None) -> Iterator[str]:
    """Yield why a server could not take a model now."""
    try:
        version = server.version()
        if too_old(version):
            yield (
                f"{server.address} is Ollama {version}, which cannot be handed files; update it "
                f"to {'.'.join(map(str, OLDEST))} or later"
            )
        elif base is not None and full(base) not in (there := server.models()):
            near = did_you_mean(base, [name.removesuffix(f":{LATEST}") for name in there])
            yield f"base={base}: {server.address} has no such model{near}; ollama pull {base}"
    except OllamaError as error:
        yield str(error)
    finally:
        server.close()


def too_old(version: str) -> bool:
    """Tell whether a server cannot be handed files; of a build without a number, it can."""
    numbers = version.partition("-")[0].split(".")
    if not all(number.isdigit() for number in numbers):
        return False
    found = tuple(int(number) for number in numbers)
    return (0, 0, 0) < found < OLDEST


def _create(server: Server, candidate: str, wanted: Wanted, person: Person) -> None:
    """Make a model of the file and of what the Modelfile says, under a name of its own."""
    digest, told = f"sha256:{sha256(wanted.file)}", wanted.modelfile
    _send(server, digest, wanted.file, person)
    server.create(
        candidate,
        files={wanted.file.name: digest},
        system=told.system or None,
        template=told.template,
        parameters=told.parameters or None,
        license=told.license,
    )


def _send(server: Server, digest: str, file: Path, person: Person) -> None:
    """Send a file unless the server has it; one that was cut off is sent again from its start."""
    parts = range(math.ceil(file.stat().st_size / CHUNK))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if server.has_blob(digest):
                person.say(f"{file.name} is there already")
                return
            bar = person.progress("upload MiB", parts)
            server.upload(digest, file, partial(next, bar, None))
            next(bar, None)  # the end of it
            return
        except CutOff as error:
            if attempt == ATTEMPTS:
                raise
            person.say(f"{error}; sent again ({attempt + 1} of {ATTEMPTS})")
            time.sleep(PAUSE)


def _look(server: Server, candidate: str, wanted: Wanted) -> None:
    """Refuse a model that the server would ask without any template."""
    template, _ = server.show(candidate)
    if wanted.templated and template.strip() == NO_TEMPLATE:
        raise OllamaError(
            f"{server.address}: this Ollama does not take the chat template from the GGUF, and "
            "would ask the model without any; update Ollama, or write the template for it in Go's "
            "language: export.ollama.template=<file>"
        )


def _ask(server: Server, candidate: str, wanted: Wanted, person: Person) -> None:
    """Ask until a question is answered by a text that ends as trained ones end."""
    options = {"temperature": 0, "seed": 0, "num_predict": LONGEST_ANSWER}
    if not wanted.questions:
        said = server.complete(candidate, "The", options | {"num_predict": 16})
        if not said.text.strip():
            raise OllamaError(f"{server.address}: {candidate} was given a text, and wrote nothing")
        return
    faults = []
    for question in wanted.questions:
        said = _chatted(server, candidate, question, options)
        asked = f"asked {_short(_last(question))}"
        if said.text.strip() and said.ended:
            _tell(question, said.read, person)
            person.say(f"{asked}, it answers {_short(said.text)}")
            return
        none = "said nothing" if not said.text.strip() else "had found no end"
        faults.append(f"{asked}, {candidate} {none} after {said.tokens} tokens")
    raise OllamaError(
        f"{server.address}: {faults[0]}; the names stay as they were. Look at its template and "
        "end tokens: they are in the Modelfile and in the GGUF beside it, and gate.json says more"
    )


def _chatted(server: Server, candidate: str, question: Question, options: dict[str, Any]) -> Said:
    """Ask one question; a server that cannot load the file at all may be too old for it."""
    try:
        return server.chat(candidate, question.messages, options)
    except OllamaError as error:
        if error.status != BROKEN:
            raise
        raise OllamaError(
            f"{error}; where it cannot load the file, it may be too old for models of this kind, "
            "or short of memory: update it, or see what `ollama serve` has printed",
            error.status,
        ) from None


def _tell(question: Question, read: int | None, person: Person) -> None:
    """Say where the question was longer or shorter for the server than it was in training."""
    if question.tokens and read and read != question.tokens:
        person.say(
            f"warning: a question of {question.tokens} tokens in training has {read} there: "
            "Ollama may write the chat template otherwise; hold its answers against the report's"
        )


def _switch(server: Server, wanted: Wanted, person: Person) -> None:
    """Let the names point to the candidate, each from one moment to the next."""
    name, there = wanted.name, server.models()
    candidate, latest = name.tagged(CANDIDATE), name.tagged(LATEST)
    if wanted.base is not None and full(wanted.base) != name.tagged(BASE):
        server.copy(wanted.base, name.tagged(BASE))
    tuned = name.tagged(name.tuned)
    for old, kept in ((latest, name.tagged(PREVIOUS)), (tuned, name.tagged(name.before))):
        if old not in there and kept in there:
            server.delete(kept)  # of a name that somebody took away since
        elif old in there and there[old] != there.get(candidate):
            server.copy(old, kept)
            person.say(f"{old} was another model: now {kept}")
    server.copy(candidate, tuned)
    server.copy(candidate, latest)
    server.delete(candidate)
    person.say(f"{tuned} and {latest} are this model: ollama run {name.model}")
    for tag in (BASE, PREVIOUS):
        if name.tagged(tag) in server.models():
            person.say(f"to switch to {tag}: ollama cp {name.tagged(tag)} {latest}; "
                       f"and back: ollama cp {tuned} {latest}")  # fmt: skip


def _last(question: Question) -> str:
    return str(question.messages[-1].get("content") or "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= SHOWN else f'"{line[:SHOWN]}…"'
