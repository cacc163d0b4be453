"""The cleaning steps: each one changes or drops examples, and says how many and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from ftrecipe.data.cleaning import Log
from ftrecipe.data.entries import Entry
from ftrecipe.data.example import Example
from ftrecipe.registry import Group

__all__ = ["GROUP", "Cleaning", "Log", "TextCleaning"]


@dataclass
class Cleaning:
    """One step. It overrides `entries`, `examples`, or both; what it does not, passes unchanged."""

    quick: ClassVar[bool] = True  # whether a plan may take the time to run it

    def name(self) -> str:
        """Return the name under which this step is chosen."""
        return GROUP.name_of(type(self))

    def entries(self, entries: Iterable[Entry], log: Log) -> Iterable[Entry]:
        """Yield what is kept of a chat's entries, before they are made into conversations."""
        return entries

    def examples(self, examples: Iterable[Example], log: Log) -> Iterable[Example]:
        """Yield what is kept of the examples, changed or not."""
        return examples

    def mask(self, text: str) -> str:
        """Return `text` with what this step must not let through hidden, also in quarantine."""
        return text

    def takes_empty(self) -> bool:
        """Say whether rows without an answer are this step's to drop, and so not malformed."""
        return False

    def faults(self) -> list[str]:
        """Say what is wrong with the settings."""
        return []


@dataclass
class TextCleaning(Cleaning):
    """A step that looks at one text at a time, wherever it stands."""

    def text(self, text: str) -> str:
        """Return the cleaned text."""
        raise NotImplementedError

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        for example in examples:
            after = example.map(self.text)
            if after is not example:
                log.change(example.where, "changed", "\n".join(example.texts()),
                           "\n".join(after.texts()))  # fmt: skip
            yield after


GROUP = Group("cleaning", Cleaning, many=True)
