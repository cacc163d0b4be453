"""The cleaning steps: each one changes or drops examples, and says how many and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from ftrecipe.data.cleaning import Log
from ftrecipe.data.entries import Entry
from ftrecipe.data.example import Example
from ftrecipe.registry import Group

__all__ = ["GROUP", "Cleaning", "Filter", "Log", "TextCleaning", "order_faults",
           "package_faults"]  # fmt: skip


@dataclass
class Cleaning:
    """One step. It overrides `entries`, `examples`, or both; what it does not, passes unchanged."""

    quick: ClassVar[bool] = True  # whether a plan may take the time to run it
    eager: ClassVar[bool] = False  # whether it must know all entries before the first is cleaned

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

    def learn(self, entries: Sequence[Entry]) -> None:
        """Look at all entries of a chat export before any is cleaned; asked of `eager` steps."""

    def alias(self, name: str) -> str:
        """Return what a chat member is called once this step is done."""
        return name

    def takes_empty(self) -> bool:
        """Say whether rows without an answer are this step's to drop, and so not malformed."""
        return False

    def languages(self) -> list[str]:
        """Return the languages that its examples are known to be in, by their codes."""
        return []

    def faults(self) -> list[str]:
        """Say what is wrong with the settings, each beginning with the name of one."""
        return []


@dataclass
class TextCleaning(Cleaning):
    """A step that looks at one text at a time, wherever it stands."""

    def text(self, text: str) -> str:
        """Return the cleaned text."""
        raise NotImplementedError

    def cleaned(self, example: Example) -> Example:
        """Return the example with its texts cleaned; itself if none changed."""
        return example.map(self.text)

    def reasons(self, text: str) -> list[str]:
        """Return why a text is changed, of one that is."""
        raise NotImplementedError

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        for example in examples:
            after = self.cleaned(example)
            if after is not example:
                before = "\n".join(example.texts())
                log.change(example.where, self.reasons(before), before, "\n".join(after.texts()))
            yield after


@dataclass
class Filter(Cleaning):
    """A step that keeps or drops an example by looking at it alone."""

    def fault(self, example: Example) -> str | None:
        """Return why the example is dropped; None if it is kept."""
        raise NotImplementedError

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        for example in examples:
            if (why := self.fault(example)) is None:
                yield example
            else:
                log.drop(example, why)


def order_faults(step: Cleaning, low: str, high: str) -> list[str]:
    """Say so if a smallest number is larger than the largest."""
    least, most = vars(step)[low], vars(step)[high]
    if least is None or most is None or least <= most:
        return []
    return [f"{low}={least}: is more than {high}={most}"]


def package_faults(key: str, *packages: str) -> list[str]:
    """Say which of the packages that a setting needs are not installed."""
    return [
        f"{key}: needs a package that is not installed: pip install {package.replace('_', '-')}"
        for package in packages
        if find_spec(package) is None
    ]


GROUP = Group("cleaning", Cleaning, many=True)
