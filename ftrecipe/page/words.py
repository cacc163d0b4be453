"""Names and texts as people read them, on a page or a terminal; what they hold does nothing."""

import unicodedata
from collections.abc import Mapping

from ftrecipe.amounts import duration

NAMES = {
    "f1": "F1", "bleu": "BLEU", "chrf": "chrF", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L", "distinct_1": "Distinct-1", "distinct_2": "Distinct-2",
    "macro_f1": "Macro F1", "weighted_f1": "Weighted F1", "valid_json": "Valid JSON",
}  # fmt: skip
MISSING = "not measured"
COUNTS = 0.05  # of all the time: a stage that took less is not named


def title(metric: str) -> str:
    """Return a metric's name for people: `exact_match` becomes "Exact match"."""
    return NAMES.get(metric, metric.replace("_", " ").capitalize())


def took(seconds: Mapping[str, float]) -> str:
    """Return how long the stages of a run took together, and those that count; "" for nothing."""
    whole = sum(seconds.values())
    parts = [f"{name} {duration(each)}" for name, each in seconds.items() if each > COUNTS * whole]
    return f"{duration(whole)}: {', '.join(parts)}" if parts else ""


def cut(text: str, most: int) -> str:
    """Return at most `most` characters of a text."""
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(text: str, keep: str = "") -> str:
    """Return text that does nothing but be read, on a terminal and on a page.

    Control characters, and those that turn the direction of what follows, are written as their
    names (`␛`, `[U+202E]`), but for those in `keep`; line breaks become `↵`.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep else shown(c) for c in text)


def shown(character: str) -> str:
    """Return a character, or what is written in the place of one that cannot be seen."""
    code = ord(character)
    if character == "\n":
        return "↵"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if is_hidden(character):
        return f"[U+{code:04X}]"
    return character


def is_hidden(character: str) -> bool:
    """Say whether a character has no form of its own, or changes how its neighbors are read.

    Joiners are none of these: emoji, Persian and Indic scripts are written with them.
    """
    if character.isprintable() or character in "\u200c\u200d\u3000\xa0":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
