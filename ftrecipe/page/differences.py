"""Two texts with the words that differ marked, as HTML: what went is `<del>`, what came `<ins>`."""

import re
from difflib import SequenceMatcher
from html import escape

_ALIKE = 0.3  # below that, marks would say nothing but that the texts are different
_WORDS = re.compile(r"\s+|\w+|.", re.DOTALL)


def marked(before: str, after: str) -> tuple[str, str]:
    """Return both texts as HTML, with the words that differ marked if they are few."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    compared = SequenceMatcher(None, old, new, autojunk=False)
    if _likeness(compared, old, new) < _ALIKE:
        return escape(before), escape(after)
    left, right = [], []
    for tag, a, b, c, d in compared.get_opcodes():
        was, now = escape("".join(old[a:b])), escape("".join(new[c:d]))
        same = tag == "equal"
        left.append(was if same or not was else f"<del>{was}</del>")
        right.append(now if same or not now else f"<ins>{now}</ins>")
    return _joined("".join(left)), _joined("".join(right))


def _joined(html: str) -> str:
    """Return marks with nothing but white space between them as one."""
    return re.sub(r"</(ins|del)>(\s+)<\1>", r"\2", html)


def _likeness(compared: SequenceMatcher[str], old: list[str], new: list[str]) -> float:
    """Return the share of words that both have in the same order; white space is in every text."""
    same = sum(
        part.isalnum()
        for tag, a, b, _, _ in compared.get_opcodes()
        if tag == "equal"
        for part in old[a:b]
    )
    return 2 * same / max(1, sum(part.isalnum() for part in [*old, *new]))
