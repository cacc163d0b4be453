"""Turns rendered rows into token ids and labels."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ftrecipe.data.example import Where
from ftrecipe.data.tokens.boundaries import Boundaries
from ftrecipe.data.tokens.masks import Span
from ftrecipe.data.tokens.render import Rendered
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

MASKED = -100
_FEW = 0.1  # share of rows that may be encoded twice
_MANY = 16  # spans from which on all offsets are read at once
_NEAR = 16  # characters without a token that are looked at before all offsets are


@dataclass(frozen=True)
class Row:
    """What the model is given: token ids, and the same as labels where they are trained on.

    supervised: how many tokens are trained on; counted where it is not told.
    head: how many of the first tokens are the BOS and the system prompt.
    """

    where: Where
    input_ids: list[int]
    labels: list[int]
    supervised: int = -1
    head: int = 0

    def __post_init__(self) -> None:
        if self.supervised < 0:
            supervised = len(self.labels) - self.labels.count(MASKED)
            object.__setattr__(self, "supervised", supervised)


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
        self.backend: Any = tokenizer.backend_tokenizer  # pyright: ignore[reportAttributeAccessIssue]
        self.bos = own_bos(tokenizer)
        self.first = tokenizer.bos_token_id
        self.ends = end_tokens(tokenizer)
        self.boundaries = Boundaries(tokenizer)
        self.quick = self.boundaries.lossless
        self.eos = int(tokenizer.eos_token_id)  # pyright: ignore[reportArgumentType]

    def rows(self, rendered: list[Rendered]) -> list[Row]:
        """Return one row for each text, with its answers' tokens as labels."""
        if not rendered:
            return []
        # What a tokenizer was saved with, or another caller set, is none of our business.
        self.backend.no_truncation()
        self.backend.no_padding()
        return self._quick(rendered) if self.quick else self._slow(rendered)

    def _slow(self, rendered: list[Rendered]) -> list[Row]:
        # A chat template writes its own special tokens.
        texts = [row.text for row in rendered]
        encoded = self.backend.encode_batch(texts, add_special_tokens=False)
        return [self._row(row, one) for row, one in zip(rendered, encoded, strict=True)]

    def _quick(self, rendered: list[Rendered]) -> list[Row]:
        """Do the same without offsets, which are a fifth of the work, where they can be spared."""
        texts = [row.text for row in rendered]
        encoded = self.backend.encode_batch_fast(texts, add_special_tokens=False)
        rows = [self._certain(row, one.ids) for row, one in zip(rendered, encoded, strict=True)]
        unsure = [at for at, row in enumerate(rows) if row is None]
        self.quick = len(unsure) <= _FEW * len(rows)
        redone = dict(zip(unsure, self._slow([rendered[at] for at in unsure]), strict=True))
        return [row or redone[at] for at, row in enumerate(rows)]

    def _certain(self, row: Rendered, ids: list[int]) -> Row | None:
        """Return the row by its special tokens; None where they do not tell all."""
        spans = self.boundaries.tokens(row.text, ids, row.spans)
        head = self.boundaries.first(row.text, ids, row.head)
        if spans is None or head is None:
            return None
        made = self._masked(row, ids, spans)
        return replace(made, head=head) if row.head else made

    def prompt_ids(self, text: str, raw: bool) -> list[int]:
        """Return the ids of a prompt as the model is given it at inference."""
        ids = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return self._with_bos(ids) if raw else ids

    def _with_bos(self, ids: list[int]) -> list[int]:
        return ids if ids[: len(self.bos)] == self.bos else self.bos + ids

    def _row(self, row: Rendered, encoded: "Encoding") -> Row:
        ids: list[int] = encoded.ids
        size = len(row.text), len(ids)
        made = self._masked(row, ids, spans_of_tokens(encoded, row.spans, *size))
        return replace(made, head=_first_behind(encoded, row.head, *size)) if row.head else made

    def _masked(self, row: Rendered, ids: list[int], spans: list[Span]) -> Row:
        labels = [MASKED] * len(ids)
        stop = supervised = 0
        for first, stop in spans:
            labels[first:stop] = ids[first:stop]
            supervised += stop - first
        return self._finished(row, ids, labels, stop, supervised)

    def _finished(
        self, row: Rendered, ids: list[int], labels: list[int], stop: int, supervised: int
    ) -> Row:
        """Return the row with an end token behind its last span, and with the BOS of a raw one."""
        if not stop or ids[stop - 1] not in self.ends:
            ids, labels = [*ids[:stop], self.eos], [*labels[:stop], self.eos]
            supervised += 1
        if row.raw and (whole := self._with_bos(ids)) is not ids:
            trained = labels[0] != MASKED
            ids, labels = whole, (self.bos if trained else [MASKED]) + labels
            supervised += trained
        return Row(row.where, ids, labels, supervised, int(ids[0] == self.first))


def spans_of_tokens(encoded: "Encoding", spans: list[Span], length: int, count: int) -> list[Span]:
    """Return the tokens of each span of characters as (first, behind the last)."""
    if len(spans) < _MANY:
        return [tokens_of(encoded, span, length, count) for span in spans]
    offsets = encoded.offsets  # asking for one place reads them from the start each time
    return [
        (bisect_right(offsets, start, key=itemgetter(1)),
         bisect_left(offsets, end, key=itemgetter(0)))
        for start, end in spans
    ]  # fmt: skip


def tokens_of(encoded: "Encoding", span: Span, length: int, count: int) -> tuple[int, int]:
    """Return the first token of a span of characters, and the one behind its last.

    length: of the text; count: of the tokens. A token that is only in part in the span belongs to
    it. A character of several tokens has them all.
    """
    start, end = span
    first = _first_behind(encoded, start, length, count)
    if end >= length:
        return first, count
    stop = _first_behind(encoded, end, length, count)
    while stop < count and _start_of(encoded, stop) < end:
        stop += 1
    return first, stop


def _first_behind(encoded: "Encoding", at: int, length: int, count: int) -> int:
    """Return the first token that ends behind the character `at`."""
    for place in range(at, min(at + _NEAR, length)):
        if (token := encoded.char_to_token(place)) is not None:
            return token
    if at + _NEAR >= length:
        return count
    return bisect_right(encoded.offsets, at, key=itemgetter(1))


def _start_of(encoded: "Encoding", token: int) -> int:
    found = encoded.token_to_chars(token)
    return 0 if found is None else found[0]
