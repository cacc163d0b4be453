"""Turns rendered rows into token ids and labels, and deals with the rows that are too long."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from ftrecipe.data.example import OnOverlong, RowFault, Where
from ftrecipe.data.render import Rendered
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MASKED = -100


@dataclass(frozen=True)
class Row:
    """What the model is given: token ids, and the same as labels where they are trained on."""

    where: Where
    input_ids: list[int]
    labels: list[int]

    @property
    def supervised(self) -> int:
        """How many tokens are trained on."""
        return len(self.labels) - self.labels.count(MASKED)


def own_bos(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Return the BOS that this tokenizer puts before plain text by itself, if it does."""
    ids = tokenizer("a")["input_ids"]
    bos = tokenizer.bos_token_id
    return [bos] if isinstance(bos, int) and ids[:1] == [bos] else []


def end_tokens(tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """Return the ids of the tokens that may end a turn: EOS and the other special ones."""
    if tokenizer.eos_token_id is None:
        raise DataError("the tokenizer has no EOS token: the model could not learn to stop")
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return special | set(tokenizer.all_special_ids)


class Encoder:
    """Encodes rendered rows, many at a time, with one fast tokenizer."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        if not tokenizer.is_fast:
            raise DataError(f"{type(tokenizer).__name__} is not a fast tokenizer: it cannot say"
                            " which characters a token stands for")  # fmt: skip
        self.tokenizer = tokenizer
        self.bos = own_bos(tokenizer)
        self.ends = end_tokens(tokenizer)
        self.eos = int(tokenizer.eos_token_id)  # pyright: ignore[reportArgumentType]

    def rows(self, rendered: list[Rendered]) -> list[Row]:
        """Return one row for each text, with its answers' tokens as labels."""
        if not rendered:
            return []
        encoded = self.tokenizer(
            [row.text for row in rendered],
            add_special_tokens=False,  # a chat template writes its own
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        pairs = zip(rendered, encoded["input_ids"], encoded["offset_mapping"], strict=True)
        return [self._row(row, ids, offsets) for row, ids, offsets in pairs]

    def prompt_ids(self, text: str, raw: bool) -> list[int]:
        """Return the ids of a prompt as the model is given it at inference."""
        ids = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return self._with_bos(ids) if raw else ids

    def _with_bos(self, ids: list[int]) -> list[int]:
        return ids if ids[: len(self.bos)] == self.bos else self.bos + ids

    def _row(self, row: Rendered, ids: list[int], offsets: list[tuple[int, int]]) -> Row:
        labels = [MASKED] * len(ids)
        stop = 0
        for start, end in row.spans:
            first = bisect_right(offsets, start, key=itemgetter(1))
            stop = bisect_left(offsets, end, key=itemgetter(0))
            labels[first:stop] = ids[first:stop]
        if not stop or ids[stop - 1] not in self.ends:
            ids, labels = [*ids[:stop], self.eos], [*labels[:stop], self.eos]
        if row.raw and (whole := self._with_bos(ids)) is not ids:
            first = self.bos if labels[0] != MASKED else [MASKED]
            ids, labels = whole, first + labels
        return Row(row.where, ids, labels)


@dataclass
class Overlong:
    """Applies one policy to rows longer than `max_length`; counts what it met and did."""

    policy: OnOverlong
    max_length: int | None
    models_own: bool = False  # the limit is the model's: nobody set trainer.max_length
    rows: int = 0
    found: int = 0
    longest: int = 0
    longest_where: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    def fit(self, row: Row) -> list[Row]:
        """Return the row, what is left of it, its pieces, or nothing."""
        self.rows += 1
        if not row.supervised:
            raise RowFault("no token of it would be trained on")
        length = len(row.input_ids)
        if self.max_length is None or length <= self.max_length:
            return [row]
        self.found += 1
        if length > self.longest:
            self.longest, self.longest_where = length, str(row.where)
        if self.policy in (OnOverlong.error, OnOverlong.drop):
            self.counts["dropped"] += 1
            return []
        pieces = list(_pieces(row, self.max_length))
        if self.policy is OnOverlong.truncate:
            pieces = pieces[:1]
        kept = [piece for piece in pieces if piece.supervised]
        done = "truncated" if self.policy is OnOverlong.truncate else "split"
        self.counts[done if kept else "answer_cut_away"] += 1
        return kept

    def refuse(self) -> None:
        """Raise DataError when rows were too long and nobody said what to do with them."""
        if self.policy is not OnOverlong.error or not self.found:
            return
        limit = f"trainer.max_length={self.max_length}"
        raise DataError(
            f"{self.found:,} of {self.rows:,} rows are longer than "
            f"{f'the {self.max_length:,} tokens the model takes' if self.models_own else limit} "
            f"(longest {self.longest:,}: {self.longest_where}); "
            "add dataset.on_overlong=drop, truncate or split"
            + ("" if self.models_own else f", or trainer.max_length={self.longest}")
        )


def _pieces(row: Row, size: int) -> Iterator[Row]:
    for start in range(0, len(row.input_ids), size):
        stop = start + size
        yield Row(row.where, row.input_ids[start:stop], row.labels[start:stop])
