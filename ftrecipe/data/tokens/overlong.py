"""Deals with the rows that are longer than the model may be given, and counts what it did."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappushpop
from typing import Any

from ftrecipe.data.example import OnOverlong
from ftrecipe.data.tokens.masks import Unsupervised
from ftrecipe.data.tokens.tokenize import MASKED, Row

_SHOWN = 3


@dataclass
class Overlong:
    """Applies one policy to rows longer than `max_length`.

    models_own: the limit is the model's, nobody set trainer.max_length. finding: with the policy
    `error` rows are kept whole and are no failure, for who only wants to know.
    counts: `dropped`, `truncated` and `split` rows; `pieces` that were made of the latter, and
    `pieces_without_answer` left out; `answer_cut`, rows that keep a part of an answer;
    `answers_lost`, whole answers cut from rows that keep another; and `answer_cut_away`, rows
    that lost everything that was trained on and are left out.
    """

    policy: OnOverlong
    max_length: int | None
    models_own: bool = False
    finding: bool = False
    rows: int = 0
    found: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    ranked: list[tuple[int, int, str]] = field(default_factory=list)

    def fit(self, row: Row) -> list[Row]:
        """Return the row, what is left of it, its pieces, or nothing.

        Raises Unsupervised where no token of it would be trained on.
        """
        if not row.supervised:
            raise Unsupervised("no token of it would be trained on")
        length = len(row.input_ids)
        self.rows += 1
        self.lengths[length] += 1
        if self.max_length is None or length <= self.max_length:
            return [row]
        self.found += 1
        self._rank(length, str(row.where))
        if self.policy is OnOverlong.error and self.finding:
            return [row]
        if self.policy in (OnOverlong.error, OnOverlong.drop):
            self._count("dropped")
            return []
        if self.policy is OnOverlong.split:
            return self._split(row, self.max_length)
        return self._truncated(row, self.max_length)

    def _rank(self, length: int, where: str) -> None:
        entry = (length, -self.found, where)  # of two as long the first one
        if len(self.ranked) < _SHOWN:
            self.ranked.append(entry)
            self.ranked.sort()
        else:
            heappushpop(self.ranked, entry)

    @property
    def longest(self) -> list[dict[str, Any]]:
        """The three longest of the rows that are too long: where they are, and their tokens."""
        ranked = sorted(self.ranked, reverse=True)
        return [{"where": where, "tokens": length} for length, _, where in ranked]

    @property
    def fits_99(self) -> int | None:
        """The smallest max_length that 99 % of all rows fit into."""
        wanted = math.ceil(0.99 * self.rows)
        seen = 0
        for length in sorted(self.lengths):
            seen += self.lengths[length]
            if seen >= wanted:
                return length
        return None

    def _truncated(self, row: Row, size: int) -> list[Row]:
        left = self.policy is OnOverlong.truncate_left
        head, start = _left_of_end(row, size) if left else (0, 0)
        stop = min(len(row.input_ids), start + size - head)
        kept = _piece(row, start, stop, head)
        if not kept.supervised:
            self._count("answer_cut_away")
            return []
        self._count("truncated")
        self._count("answer_cut", _is_within(row, start) or _is_within(row, stop))
        outside = sum(last <= start or first >= stop for first, last in _answers(row))
        self._count("answers_lost", outside)
        return [kept]

    def _count(self, name: str, more: int = 1) -> None:
        if more:
            self.counts[name] += more

    def _split(self, row: Row, size: int) -> list[Row]:
        starts = range(0, len(row.input_ids), size)
        pieces = [_piece(row, start, start + size) for start in starts]
        kept = [piece for piece in pieces if piece.supervised]
        self._count("split")
        self._count("pieces", len(kept))
        self._count("pieces_without_answer", len(pieces) - len(kept))
        self._count("answer_cut", any(_is_within(row, start) for start in starts))
        return kept

    def failures(self) -> list[str]:
        """Say what is wrong when rows are too long and nobody said what to do with them."""
        if self.policy is not OnOverlong.error or self.finding or not self.found:
            return []
        limit = f"trainer.max_length={self.max_length}"
        if self.models_own:
            limit = f"the {self.max_length:,} tokens the model takes"
        longest = ", ".join(f"{one['where']} ({one['tokens']:,} tokens)" for one in self.longest)
        ways = "dataset.on_overlong=drop, truncate_left, truncate_right or split"
        if not self.models_own:
            ways += f", or trainer.max_length={self.longest[0]['tokens']}"
        return [
            f"{self.found:,} of {self.rows:,} rows are longer than {limit}; the longest: "
            f"{longest}; 99 % of all rows fit into {self.fits_99:,}; add {ways}"
        ]


def _piece(row: Row, start: int, stop: int, head: int = 0) -> Row:
    """Return the first `head` tokens, and those from `start` to `stop`."""
    ids = row.input_ids[:head] + row.input_ids[start:stop]
    return Row(row.where, ids, row.labels[:head] + row.labels[start:stop], head=head)


def _left_of_end(row: Row, size: int) -> tuple[int, int]:
    """Return how many first tokens are kept, and where the end begins that fits behind them.

    It begins behind an earlier answer where one ends in time. The head (BOS and system prompt) is
    given up where it would leave less than half of the room.
    """
    head = row.head if row.head <= size // 2 else 0
    earliest = len(row.input_ids) - (size - head)
    stops = [stop for _, stop in _answers(row)]
    return head, min((stop for stop in stops[:-1] if stop >= earliest), default=earliest)


def _is_within(row: Row, at: int) -> bool:
    """Tell whether a cut before the token `at` goes through an answer."""
    if not 0 < at < len(row.labels):
        return False
    return row.labels[at] != MASKED and row.labels[at - 1] != MASKED


def _answers(row: Row) -> Iterator[tuple[int, int]]:
    """Yield where each run of trained tokens begins, and what is behind it."""
    first = None
    for at, label in enumerate(row.labels):
        if label == MASKED:
            if first is not None:
                yield first, at
            first = None
        elif first is None:
            first = at
    if first is not None:
        yield first, len(row.labels)
