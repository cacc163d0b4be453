"""Texts that models and people wrote, made fit for a page: cut, harmless, and each in its box."""

from html import escape
from typing import Any

from ftrecipe.page.differences import marked
from ftrecipe.page.words import printable

LONGEST = 1200  # characters


def shortened(text: str, most: int = LONGEST) -> tuple[str, str]:
    """Return the beginning of a text, and how much is left out; nothing in it does anything."""
    told = printable(text[:most], keep="\n\t")
    left = len(text) - most
    return told, f" … {left:,} more characters" if left > 0 else ""


def quoted(text: str, most: int = LONGEST) -> str:
    """Return a text as HTML."""
    told, left = shortened(text, most)
    return _box(escape(told), left)


def side_by_side(before: str, after: str) -> tuple[str, str]:
    """Return two texts as HTML with the words that differ marked."""
    (old, more), (new, rest) = shortened(before), shortened(after)
    was, now = marked(old, new)
    return _box(was, more), _box(now, rest)


def _box(html: str, left: str) -> str:
    if not html:
        return '<p class="even">(nothing)</p>'
    more = f'<span class="even">{left}</span>' if left else ""
    return f'<p dir="auto">{html}{more}</p>'


def title_of(row: dict[str, Any]) -> str:
    """Return what a person would read of an example; empty where its row has numbers alone."""
    return str(row.get("question") or row.get("text") or "")


def expected(row: dict[str, Any]) -> str:
    """Return the answers that are accepted, as HTML; empty where none is known."""
    answers = [str(each) for each in row.get("expected") or []]
    if not answers:
        return ""
    told, left = shortened(" · ".join(answers), 600)
    return (
        f'<p class="wanted"><span class="label">expected</span> <bdi>{escape(told)}</bdi>{left}</p>'
    )
