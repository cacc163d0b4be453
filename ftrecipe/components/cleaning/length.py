"""Drops examples that are too short or too long, counted in characters and words."""

from dataclasses import dataclass

from ftrecipe.components.cleaning import GROUP, Filter, order_faults
from ftrecipe.components.cleaning.parts import answer, calls_tools
from ftrecipe.data.example import Example
from ftrecipe.data.ngrams import words
from ftrecipe.registry import bounded

_LIMITS = (
    ("answer_min_chars", "answer_max_chars"),
    ("answer_min_words", "answer_max_words"),
    ("min_chars", "max_chars"),
    ("min_words", "max_words"),
)


@GROUP.option("length")
@dataclass
class Length(Filter):
    """Limits for the last answer (`answer_…`) and for all texts of an example together.

    In scripts without spaces each character is a word. Limits in tokens are exact only with the
    model's tokenizer and its template: `trainer.max_length` and `dataset.on_overlong` set them.
    """

    answer_min_chars: int | None = bounded(1, 0)
    answer_max_chars: int | None = bounded(None, 1)
    answer_min_words: int | None = bounded(None, 0)
    answer_max_words: int | None = bounded(None, 1)
    min_chars: int | None = bounded(None, 0)
    max_chars: int | None = bounded(None, 1)
    min_words: int | None = bounded(None, 0)
    max_words: int | None = bounded(None, 1)

    def takes_empty(self) -> bool:
        return bool(self.answer_min_chars or self.answer_min_words)

    def fault(self, example: Example) -> str | None:
        texts = [text.strip() for text in example.texts()]
        own = answer(example).strip()
        if not calls_tools(example):
            found = _outside("answer", len(own), "characters", self.answer_min_chars,
                             self.answer_max_chars)  # fmt: skip
            if found is None and (self.answer_min_words or self.answer_max_words):
                found = _outside("answer", len(words(own)), "words", self.answer_min_words,
                                 self.answer_max_words)  # fmt: skip
            if found:
                return found
        found = _outside("example", sum(map(len, texts)), "characters", self.min_chars,
                         self.max_chars)  # fmt: skip
        if found is None and (self.min_words or self.max_words):
            count = sum(len(words(text)) for text in texts)
            found = _outside("example", count, "words", self.min_words, self.max_words)
        return found

    def faults(self) -> list[str]:
        return [fault for low, high in _LIMITS for fault in order_faults(self, low, high)]


def _outside(what: str, count: int, unit: str, least: int | None, most: int | None) -> str | None:
    if least is not None and count < least:
        return f"{what} shorter than {least} {unit if least != 1 else unit[:-1]}"
    if most is not None and count > most:
        return f"{what} longer than {most} {unit if most != 1 else unit[:-1]}"
    return None
