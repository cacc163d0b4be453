"""Runs cleaning steps in order, counts what each did, and keeps what they dropped."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol

from ftrecipe.data.entries import Entry
from ftrecipe.data.example import EmptyFault, Example, Where
from ftrecipe.secrets import redacted

_SAMPLES = 5  # kept of each reason, to be looked at
_SHOWN_CHARACTERS = 500
_BEFORE_A_CHANGE = 80  # characters shown of what comes before it
_WORDS = re.compile(r"<[^<>\s]+>|\s+|\w+|.", re.DOTALL)
_HIDDEN = "(holds what another step hides)"


class Step(Protocol):
    """What is asked of one cleaning step.

    eager: whether it must know all entries of a chat export before the first is cleaned.
    quick: whether a plan may take the time to run it.
    """

    eager: ClassVar[bool]
    quick: ClassVar[bool]

    def name(self) -> str:
        """Return the name of the rule."""
        ...

    def entries(self, entries: Iterable[Entry], log: "Log") -> Iterable[Entry]:
        """Yield what is kept of a chat's entries, before they are made into conversations."""
        ...

    def examples(self, examples: Iterable[Example], log: "Log") -> Iterable[Example]:
        """Yield what is kept of the examples, changed or not."""
        ...

    def mask(self, text: str) -> str:
        """Return `text` with what this step must not let through hidden; itself for most steps."""
        ...

    def learn(self, entries: Sequence[Entry]) -> None:
        """Look at all entries of a file before any is cleaned; asked of steps that are `eager`."""
        ...

    def alias(self, name: str) -> str:
        """Return what a chat member is called once this step is done."""
        ...

    def takes_empty(self) -> bool:
        """Say whether rows without an answer are this step's to drop, and so not malformed."""
        ...


@dataclass
class Log:
    """What one step changed and dropped, and why; examples of each."""

    rule: str
    quarantine: "Quarantine"
    dropped: int = 0
    dropped_examples: int = 0  # of those: examples; the others were rows of which none was made
    changed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)  # what a person should know of it

    def note(self, told: str, count: int = 1) -> None:
        """Note what the step leaves to a person; `{count}` in it becomes how often it was."""
        self.notes[told] += count

    def drop(self, item: Example | Entry, why: str, detail: str = "") -> None:
        """Note that `item` is left out; it goes to quarantine.

        `why` is counted and so the same for many rows; `detail` follows it for this row alone.
        """
        self.dropped_examples += isinstance(item, Example)
        self.leave_out(item.where, why, _content(item), detail)

    def leave_out(self, where: Where, why: str, content: object, detail: str = "") -> None:
        """Note a row that is left out before it became an example."""
        self.dropped += 1
        self.reasons[why] += 1
        self.quarantine.add(where, self.rule, f"{why} {detail}".rstrip(), content)
        if self._wants(why):
            hidden = self.quarantine.hidden(content)
            text = hidden if isinstance(hidden, str) else _json(hidden)
            self._keep(why, f"{where} {detail}".rstrip(), _short(text), None)

    def change(self, where: Where, why: str | Sequence[str], before: str, after: str) -> None:
        """Note that a row's text was changed, for one or several reasons. Count each row once."""
        self.changed += 1
        for one in [why] if isinstance(why, str) else why:
            self.reasons[one] += 1
            if self._wants(one):
                old, new = self._window(before, after)
                self._keep(one, str(where), old, new)
                if old in (new, _HIDDEN):
                    self.samples[one][-1]["tags"] = self._tags(before, after, new)

    def _wants(self, why: str) -> bool:
        return len(self.samples.get(why, ())) < _SAMPLES

    def _keep(self, why: str, where: str, before: str, after: str | None) -> None:
        self.samples.setdefault(why, []).append({"where": where, "before": before, "after": after})

    def _window(self, before: str, after: str) -> tuple[str, str]:
        """Return both texts from shortly before their first difference, with secrets hidden."""
        old, new = self.quarantine.hide(before), self.quarantine.hide(after)
        if new != after:
            old = _HIDDEN  # `before` may hold the same in a form that nothing recognizes
        start = _first_difference(old, new) if old not in (new, _HIDDEN) else len(before)
        start = max(0, min(start, _first_difference(before, after)) - _BEFORE_A_CHANGE)
        return old if old is _HIDDEN else _short(old, start), _short(new, start)

    def _tags(self, before: str, after: str, shown: str) -> list[str]:
        """Return what took the place of what a step hid, of that only what is `shown`."""
        start = max(0, _first_difference(before, after) - _BEFORE_A_CHANGE)
        old, new = (_WORDS.findall(text[start : start + 2 * _SHOWN_CHARACTERS])
                    for text in (before, after))  # fmt: skip
        compared = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        put = [""]
        for how, _, _, first, stop in compared:
            text = "".join(new[first:stop])
            if how != "equal" or (text.isspace() and "\n" not in text):
                put[-1] += text  # a tag may have words in common with what it hides
            else:
                put.append("")
        tags = dict.fromkeys(tag.strip() for tag in put)
        return [tag for tag in tags if tag and tag in shown]

    def report(self) -> dict[str, Any]:
        """Return what the step did, as report.json has it."""
        return {"step": self.rule, "dropped": self.dropped,
                "dropped_examples": self.dropped_examples, "changed": self.changed,
                "reasons": dict(self.reasons.most_common()), "samples": self.samples}  # fmt: skip


def _first_difference(one: str, other: str) -> int:
    shared = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(shared, min(len(one), len(other)))


def _short(text: str, start: int = 0) -> str:
    cut = text[start : start + _SHOWN_CHARACTERS]
    return ("…" if start else "") + cut + ("…" if start + len(cut) < len(text) else "")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _content(item: Example | Entry) -> Any:
    if isinstance(item, Example):
        return item.plain()
    said = {"sender": item.sender, "text": item.text, "kind": item.kind.value}
    return {**said, "time": item.time.isoformat()} if item.time else said


class Quarantine:
    """A JSONL file of all that was left out: source, line, rule, reason, content.

    `hide` masks what the run's cleaning masks, so that a dropped row leaks nothing. Without a path
    rows are only counted.
    """

    def __init__(
        self, path: Path | None, hide: Callable[[str], str] = str, source: str = "",
        files: ExitStack | None = None,
    ) -> None:  # fmt: skip
        self.path, self.hide, self.source = path, hide, source
        self._opened = files or ExitStack()
        self._file: IO[str] | None = None

    def of(self, source: str) -> "Quarantine":
        """Return the same quarantine for rows of another source."""
        if self.path is not None and self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = self.path.open("w", encoding="utf-8", errors="backslashreplace")
            self._file = self._opened.enter_context(opened)
        same = Quarantine(self.path, self.hide, redacted(source), self._opened)
        same._file = self._file
        return same

    def add(self, where: Where, rule: str, why: str, content: object) -> None:
        """Append one row."""
        if self._file is None:
            return
        place = {"source": self.source, "file": where.file, where.unit: where.number}
        line = {**place, "rule": rule, "reason": self.hide(why), "content": self.hidden(content)}
        self._file.write(_json(line) + "\n")

    def hidden(self, content: object) -> object:
        """Return JSON values with every text in them masked, keys too."""
        if isinstance(content, str):
            return self.hide(content)
        if isinstance(content, dict):
            return {self.hidden(key): self.hidden(value) for key, value in content.items()}
        if isinstance(content, (list, tuple)):
            return [self.hidden(value) for value in content]
        return content

    def close(self) -> None:
        """Close the file, if one was opened."""
        self._opened.close()


@dataclass
class Cleaning:
    """The steps of one source, in order, each with its log."""

    steps: list[tuple[Step, Log]]

    @classmethod
    def of(cls, steps: Iterable[Step], quarantine: Quarantine) -> "Cleaning":
        """Give each step a log of its own."""
        return cls([(step, Log(step.name(), quarantine)) for step in steps])

    def entries(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        """Pass a chat's entries through all steps; all are read first where a step is eager."""
        eager = [step for step, _ in self.steps if step.eager]
        if eager:
            entries = list(entries)
            for step in eager:
                step.learn(entries)
        for step, log in self.steps:
            entries = step.entries(entries, log)
        return entries

    def examples(self, examples: Iterable[Example]) -> Iterable[Example]:
        """Pass examples through all steps."""
        for step, log in self.steps:
            examples = step.examples(examples, log)
        return examples

    def alias(self, name: str) -> str:
        """Return what a member of the chat is called after all steps, once `entries` was called."""
        for step, _ in self.steps:
            name = step.alias(name)
        return name

    def shown(self, name: str) -> str:
        """Return a member's name as a report may show it: a number may be what a step hides."""
        name = self.alias(name)
        return self.steps[0][1].quarantine.hide(name) if self.steps else name

    def report(self) -> list[dict[str, Any]]:
        """Return what every step did, in order."""
        return [log.report() for _, log in self.steps]

    def notes(self) -> Counter[str]:
        """Return what the steps noted, with how often."""
        return sum((log.notes for _, log in self.steps), Counter())

    def takes_empty(self, where: Where, fault: EmptyFault, record: object) -> bool:
        """Drop a row without an answer, where one of the steps does that."""
        for step, log in self.steps:
            if step.takes_empty():
                log.leave_out(where, str(fault), record)
                return True
        return False


def hider(steps: Iterable[Step]) -> Callable[[str], str]:
    """Return what hides in a text all that any of the steps masks."""
    known = list(steps)

    def hide(text: str) -> str:
        for step in known:
            text = step.mask(text)
        return text

    return hide
