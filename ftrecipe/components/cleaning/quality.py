"""Drops examples whose answer is worth nothing: empty, repeated, noise, a refusal, an echo."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ftrecipe.components.cleaning import GROUP, Filter, Log
from ftrecipe.components.cleaning.exact_duplicates import hashed
from ftrecipe.components.cleaning.parts import answer, calls_tools, question
from ftrecipe.data.example import Chat, Example, Text
from ftrecipe.data.ngrams import words
from ftrecipe.registry import bounded

REFUSALS = Path(__file__).parent / "refusals.txt"

_NGRAM = 4
_LEAST_WORDS = 40  # below it a share of repeated words says nothing
_LEAST_LINES = 8
_LEAST_CHARACTERS = 30
_RUN = re.compile(r"([^\s\-=_*#~.·─━═█░+|<>/\\])\1{19,}")  # not the lines that people draw
_DRAWN = re.compile(r"[\-=_*#~.·─━═█░+|:]{3,}")
_MARKS = re.compile(r"[^\w\s]|_")
_DIGITS = re.compile(r"\d")
_SPACE = re.compile(r"\s")
_OPENING = 200  # characters in which a refusal begins
_STRAIGHT = str.maketrans("’‘“”，。！", "''\"\",.!")


@cache
def _refusal() -> re.Pattern[str]:
    """Return the pattern of all ways to begin a refusal."""
    lines = REFUSALS.read_text(encoding="utf-8").splitlines()
    forms = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return re.compile("|".join(r"[^.\n]{0,60}?".join(map(re.escape, form.split("*")))
                               for form in forms))  # fmt: skip


@GROUP.option("quality")
@dataclass
class Quality(Filter):
    """Only what is hardly ever good is dropped; null switches a test off.

    repetition: the share of runs of four words, in an answer of 40 or more, that came before.
    repeated_lines: the share of lines, of eight or more, that came before.
    run: how often one letter, digit or mark is repeated; lines of dashes and the like do not count.
    symbols, digits: the share of signs and of digits in an answer of 30 characters or more.
    refusals: whether answers that begin with a refusal are dropped, in twelve languages.
    echo: whether answers that only repeat the question are.
    same_answer: how many examples may have the very same answer of 30 characters or more.
    """

    empty: bool = True
    repetition: float | None = bounded(0.6, 0, 1)
    repeated_lines: float | None = bounded(0.6, 0, 1)
    run: int | None = bounded(100, 20)
    symbols: float | None = bounded(0.8, 0, 1)
    digits: float | None = bounded(0.95, 0, 1)
    refusals: bool = True
    echo: bool = True
    same_answer: int | None = bounded(None, 1)

    def takes_empty(self) -> bool:
        return self.empty

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        kept = super().examples(examples, log)
        return kept if self.same_answer is None else _unusual(kept, self.same_answer, log)

    def fault(self, example: Example) -> str | None:
        text = answer(example).strip()
        if not text:
            return "empty answer" if self.empty and not calls_tools(example) else None
        if self.echo and text == question(example).strip():
            return "the answer is the question"
        if self.refusals and not _may_refuse(example) and _refuses(text):
            return "refusal"
        return self._noise(text) or self._repeated(text)

    def _noise(self, text: str) -> str | None:
        longest = max((len(match[0]) for match in _RUN.finditer(text)), default=0)
        if self.run is not None and longest >= self.run:
            return f"one character {self.run} times or more"
        if len(text) < _LEAST_CHARACTERS or text.isalpha():
            return None
        text = _SPACE.sub("", _DRAWN.sub("", text))
        visible = len(text)
        if self.symbols is not None and len(_MARKS.findall(text)) > self.symbols * visible:
            return "mostly symbols"
        if self.digits is not None and len(_DIGITS.findall(text)) > self.digits * visible:
            return "mostly digits"
        return None

    def _repeated(self, text: str) -> str | None:
        if self.repeated_lines is not None and text.count("\n") >= _LEAST_LINES - 1:
            lines = [line.strip() for line in text.split("\n") if len(line.strip()) > 1]
            if len(lines) >= _LEAST_LINES and _share(lines) > self.repeated_lines:
                return "repeated lines"
        if self.repetition is not None and len(text) >= 2 * _LEAST_WORDS:
            said = words(text)
            runs = list(zip(*(said[start:] for start in range(_NGRAM)), strict=False))
            if len(said) >= _LEAST_WORDS and _share(runs) > self.repetition:
                return "repeated words"
        return None


def _share(items: Sequence[object]) -> float:
    """Return how much of a list came earlier in it."""
    return 1 - len(set(items)) / len(items)


def _refuses(text: str) -> bool:
    opening = text[:_OPENING].translate(_STRAIGHT).lower()
    return _refusal().match(opening) is not None


def _unusual(examples: Iterable[Example], most: int, log: Log) -> Iterator[Example]:
    """Drop what has the same answer as `most` examples before; takes 100 bytes an answer."""
    counts = Counter[int]()
    for example in examples:
        text = answer(example)
        if len(text) >= _LEAST_CHARACTERS:
            key = hashed(text)
            counts[key] += 1
            if counts[key] > most:
                log.drop(example, f"the same answer as {most} examples before")
                continue
        yield example


def _may_refuse(example: Example) -> bool:
    """Say whether a refusal is no fault: where tools are offered, it says that none will do."""
    return isinstance(example, Text) or (isinstance(example, Chat) and bool(example.tools))
