"""Counts what the prepared data holds: tokens, roles, turns, duplicates, leaks into training."""

import random
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from ftrecipe.data.example import Chat, Example, Preference
from ftrecipe.data.ngrams import Overlap
from ftrecipe.data.split import HELD_OUT, SPLITS, prompt_key, text_key
from ftrecipe.data.tokens.tokenize import MASKED, Row

_BINS = 24
_SAMPLES = 12
_SHORT_ANSWER = 5  # characters
_ODD = 0x9E3779B97F4A7C15  # mixes two keys into one
_COMPARED = 5000  # held-out examples, of each split, whose words training is searched for
WORDS = 13  # in common with a held-out example, from which on a training example is said to leak

Report = dict[str, Any]


@dataclass
class SplitCount:
    """Rows and tokens of one split."""

    examples: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    supervised: int = 0
    ended: int = 0  # rows whose last label is an end token

    @property
    def total(self) -> int:
        """The tokens of all rows."""
        return sum(length * count for length, count in self.lengths.items())

    def report(self) -> Report:
        """Return the counts and the distribution of row lengths."""
        return {
            "rows": self.lengths.total(),
            "total": self.total,
            "supervised": self.supervised,
            **distribution(self.lengths),
        }


def distribution(counts: Counter[int]) -> Report:
    """Return the quantiles and the histogram `[from, to, count]` of counted numbers, if any."""
    names = ("min", "p5", "mean", "median", "p95", "p99", "max")
    if not counts:
        return {**dict.fromkeys(names), "histogram": []}
    ordered, rows = sorted(counts), counts.total()
    upto = list(accumulate(counts[value] for value in ordered))

    def quantile(share: float) -> int:
        return ordered[bisect_right(upto, round(share * (rows - 1)))]

    at = {"min": 0.0, "p5": 0.05, "median": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    found: Report = {name: quantile(share) for name, share in at.items()}
    found["mean"] = round(sum(value * counts[value] for value in ordered) / rows, 1)
    return {**{name: found[name] for name in names}, "histogram": _histogram(counts)}


def _histogram(counts: Counter[int]) -> list[list[int]]:
    low, high = min(counts), max(counts)
    width = max(1, -(-(high - low + 1) // _BINS))
    bins = Counter[int]()
    for value, count in counts.items():
        bins[(value - low) // width] += count
    return [[low + at * width, low + (at + 1) * width - 1, bins[at]]
            for at in range(max(bins) + 1)]  # fmt: skip


@dataclass
class Prompts:
    """Eight bytes for each example's prompt, answer and words, whatever their number."""

    prompts: bytearray = field(default_factory=bytearray)
    answers: bytearray = field(default_factory=bytearray)
    texts: bytearray = field(default_factory=bytearray)

    def add(self, example: Example) -> None:
        """Note one example."""
        self.prompts += prompt_key(example.prompt)
        reply = example.reply.encode("utf-8", "surrogatepass")
        self.answers += blake2b(reply, digest_size=8).digest()
        self.texts += text_key(example)

    def __add__(self, other: "Prompts") -> "Prompts":
        return Prompts(
            self.prompts + other.prompts, self.answers + other.answers, self.texts + other.texts
        )

    def repeated(self) -> int:
        """Return how many examples say the same as an earlier one."""
        import numpy

        texts = _numbers(self.texts)
        return len(texts) - len(numpy.unique(texts))

    def at_odds(self) -> int:
        """Return how many prompts have more than one answer."""
        import numpy

        prompts = _numbers(self.prompts)
        pairs = prompts * numpy.uint64(_ODD) + _numbers(self.answers)
        _, firsts = numpy.unique(pairs, return_index=True)
        of_different_answers = numpy.sort(prompts[firsts])
        again = of_different_answers[1:] == of_different_answers[:-1]
        return len(numpy.unique(of_different_answers[1:][again]))

    def common(self, other: "Prompts") -> int:
        """Return how many prompts of `self` are among those of `other`, each counted once."""
        import numpy

        return len(numpy.intersect1d(_numbers(self.prompts), _numbers(other.prompts)))


def _numbers(keys: bytearray) -> Any:
    import numpy

    return numpy.frombuffer(keys, "u8")


@dataclass
class Audit:
    """Takes note of every example and row on its way to disk, held-out splits first."""

    ends: set[int]
    seed: int = 0
    splits: dict[str, SplitCount] = field(default_factory=lambda: {s: SplitCount() for s in SPLITS})
    prompts: dict[str, Prompts] = field(default_factory=lambda: {s: Prompts() for s in SPLITS})
    overlap: dict[str, Overlap] = field(
        default_factory=lambda: {s: Overlap(WORDS, alike=True) for s in HELD_OUT}
    )
    overlapping: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)  # of each named sender
    turns: Counter[int] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)  # examples of each source of a mix
    short_answers: int = 0
    samples: list[Row] = field(default_factory=list)
    _seen: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def example(self, split: str, example: Example) -> None:
        """Note an example that is kept: what it asks, who speaks, what it has in common."""
        self.splits[split].examples += 1
        if example.source:
            self.sources[example.source] += 1
        self.prompts[split].add(example)
        texts = asked(example)
        if split in HELD_OUT:
            if self.splits[split].examples <= _COMPARED:
                self.overlap[split].learn(example.where, texts)
        else:
            for held, overlap in self.overlap.items():
                self.overlapping[held] += overlap.find(texts) is not None
        if isinstance(example, (Chat, Preference)):
            self.turns[len(example.messages)] += 1
            for message in example.messages:
                self.roles[message["role"]] += 1
                if "name" in message:
                    self.characters[message["name"]] += len(message["content"])
        self.short_answers += 0 < len(example.reply.strip()) < _SHORT_ANSWER

    def row(self, split: str, row: Row) -> None:
        """Note a row that is kept; a dozen of the training rows stay as samples."""
        count = self.splits[split]
        count.lengths[len(row.input_ids)] += 1
        count.supervised += row.supervised
        count.ended += _last_label(row) in self.ends
        if split == "train":
            self._sample(row)

    def _sample(self, row: Row) -> None:
        self._seen += 1
        if len(self.samples) < _SAMPLES:
            self.samples.append(row)
        elif (at := self._dice.randrange(self._seen)) < _SAMPLES and at:
            self.samples[at] = row  # the first row always stays

    def report(self) -> Report:
        """Return the part of report.json that is counted here."""
        splits = self.splits.values()
        tokens = sum(count.total for count in splits)
        rows = sum(count.lengths.total() for count in splits)
        every = self.prompts["train"] + self.prompts["validation"] + self.prompts["test"]
        return {
            "examples": {name: count.examples for name, count in self.splits.items()},
            "examples_per_source": dict(self.sources.most_common()),
            "tokens": {name: count.report() for name, count in self.splits.items()},
            "masked_share": round(1 - sum(c.supervised for c in splits) / tokens, 4)
            if tokens
            else 0.0,
            "eos_supervised": round(sum(c.ended for c in splits) / rows, 4) if rows else 0.0,
            "roles": dict(self.roles.most_common()),
            "turns": distribution(self.turns),
            "duplicates": {
                "repeated_examples": every.repeated(),
                "prompts_with_several_answers": every.at_odds(),
            },
            "contamination": {held: self._contamination(held) for held in HELD_OUT},
        }

    def _contamination(self, held: str) -> Report:
        return {
            "same_prompt": self.prompts[held].common(self.prompts["train"]),
            "same_words": self.overlapping[held],
            "words": WORDS,
        }


def asked(example: Example) -> list[str]:
    """Return what an example asks: different questions may well have the same answer."""
    if isinstance(example, (Chat, Preference)):
        return [m["content"] for m in example.messages if m["role"] == "user"]
    return [example.prompt]


def _last_label(row: Row) -> int:
    return next((label for label in reversed(row.labels) if label != MASKED), MASKED)
