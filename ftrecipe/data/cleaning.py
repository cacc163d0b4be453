"""Runs cleaning steps in order, counts what each did, and keeps what they dropped."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from ftrecipe.data.entries import Entry
from ftrecipe.data.example import EmptyFault, Example, Where

_SAMPLES = 5  # kept of each reason, to be looked at
_SHOWN_CHARACTERS = 500


class Step(Protocol):
    """What is asked of one cleaning step."""

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

    def takes_empty(self) -> bool:
        """Say whether rows without an answer are this step's to drop, and so not malformed."""
        ...

    @property
    def quick(self) -> bool:
        """Whether a plan may take the time to run it."""
        ...


@dataclass
class Log:
    """What one step changed and dropped, and why; examples of each."""

    rule: str
    quarantine: "Quarantine"
    dropped: int = 0
    changed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def drop(self, item: Example | Entry, why: str) -> None:
        """Note that `item` is left out; it goes to quarantine."""
        self.leave_out(item.where, why, _content(item))

    def leave_out(self, where: Where, why: str, content: object) -> None:
        """Note a row that is left out before it became an example."""
        self.dropped += 1
        self.reasons[why] += 1
        self._sample(why, where, content, None)
        self.quarantine.add(where, self.rule, why, content)

    def change(self, where: Where, why: str, before: str, after: str) -> None:
        """Note that a row's text was changed. Count each row once."""
        self.changed += 1
        self.reasons[why] += 1
        self._sample(why, where, before, after)

    def _sample(self, why: str, where: Where, before: object, after: str | None) -> None:
        kept = self.samples.setdefault(why, [])
        if len(kept) < _SAMPLES:
            text = before if isinstance(before, str) else json.dumps(before, ensure_ascii=False, default=str)
            kept.append({"where": str(where), "before": self.quarantine.hide(text),
                         "after": after})  # fmt: skip

    def report(self) -> dict[str, Any]:
        """Return what the step did, as report.json has it; long samples are cut."""
        samples = {
            why: [{key: _short(value) for key, value in sample.items()} for sample in kept]
            for why, kept in self.samples.items()
        }
        return {"step": self.rule, "dropped": self.dropped, "changed": self.changed,
                "reasons": dict(self.reasons.most_common()), "samples": samples}  # fmt: skip


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


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
        same = Quarantine(self.path, self.hide, source, self._opened)
        same._file = self._file
        return same

    def add(self, where: Where, rule: str, why: str, content: object) -> None:
        """Append one row."""
        if self._file is None:
            return
        line = {"source": self.source, "file": where.file, where.unit: where.number,
                "rule": rule, "reason": why, "content": self._hidden(content)}  # fmt: skip
        self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def _hidden(self, content: object) -> object:
        if isinstance(content, str):
            return self.hide(content)
        if isinstance(content, dict):
            return {key: self._hidden(value) for key, value in content.items()}
        if isinstance(content, list):
            return [self._hidden(value) for value in content]
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
        """Pass a chat's entries through all steps."""
        for step, log in self.steps:
            entries = step.entries(entries, log)
        return entries

    def examples(self, examples: Iterable[Example]) -> Iterable[Example]:
        """Pass examples through all steps."""
        for step, log in self.steps:
            examples = step.examples(examples, log)
        return examples

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
