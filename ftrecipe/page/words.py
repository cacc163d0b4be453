"""Names, numbers, sizes and spans of time as people write them."""

import math
import unicodedata

NAMES = {
    "f1": "F1", "bleu": "BLEU", "chrf": "chrF", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L", "distinct_1": "Distinct-1", "distinct_2": "Distinct-2",
    "macro_f1": "Macro F1", "weighted_f1": "Weighted F1", "valid_json": "Valid JSON",
}  # fmt: skip
MISSING = "not measured"


def title(metric: str) -> str:
    """Return a metric's name for people: `exact_match` becomes "Exact match"."""
    return NAMES.get(metric, metric.replace("_", " ").capitalize())


def number(value: float | None, percent: bool = False) -> str:
    """Return a number as a person writes it; percentages with one digit after the point."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if percent:
        return f"{value:.0f} %" if value == round(value) else f"{value:.1f} %"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def size(count: float) -> str:
    """Return bytes for people."""
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit in ("B", "KB") else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a span of time for people."""
    if 0 < seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


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
