"""What each cleaning step changed and dropped, with examples of it before and after."""

import re
from collections import Counter
from difflib import SequenceMatcher
from html import escape
from typing import Any

from ftrecipe.page.bars import counted
from ftrecipe.page.words import printable

Report = dict[str, Any]

_REASONS = 12
_ALIKE = 0.3  # below that, marks would say nothing but that the texts are different
_WORDS = re.compile(r"\s+|\w+|.", re.DOTALL)


def section(report: Report) -> str:
    """Each step with its counts, its reasons, and examples to open."""
    steps = merged(report["cleaning"])
    if not steps:
        return '<h2>Cleaning</h2><p class="note">No cleaning step was asked for.</p>'
    idle = [name for name, step in steps.items() if not step["dropped"] and not step["changed"]]
    drawn = "".join(_step(name, step) for name, step in steps.items() if name not in idle)
    nothing = f'<p class="note">Nothing to do for: {escape(", ".join(idle))}.</p>' if idle else ""
    return (
        f'<h2>Cleaning</h2><p class="note">In this order; what was dropped is in '
        f"quarantine.jsonl, whole.</p>{drawn}{nothing}"
    )


def merged(steps: list[Report]) -> dict[str, Report]:
    """Return the steps by name, those of several sources added up."""
    found: dict[str, Report] = {}
    for step in steps:
        known = found.setdefault(
            step["step"], {"dropped": 0, "changed": 0, "reasons": Counter(), "samples": {}}
        )
        known["dropped"] += step["dropped"]
        known["changed"] += step["changed"]
        known["reasons"].update(step["reasons"])
        for why, samples in step["samples"].items():
            known["samples"].setdefault(why, []).extend(samples)
    return found


def _step(name: str, step: Report) -> str:
    done = [f"{word} {step[word]:,}" for word in ("changed", "dropped") if step[word]]
    reasons = step["reasons"]
    told = counted(reasons, _REASONS, "reasons") if len(reasons) > 1 else ""
    shown = "".join(
        f'<p class="note">{escape(printable(why))}: {reasons.get(why, 0):,}</p>'
        + "".join(_sample(sample) for sample in samples)
        for why, samples in list(step["samples"].items())[:_REASONS]
    )
    only = "".join(f" · {escape(printable(why))}" for why in reasons if len(reasons) == 1
                   and why != "changed")  # fmt: skip
    return (
        f"<details><summary><b>{escape(name)}</b> <small>{', '.join(done)}{only}</small></summary>"
        f"{told}{shown}</details>"
    )


def _sample(sample: Report) -> str:
    before, after = (_text(sample[key]) for key in ("before", "after"))
    where = f'<span class="where">{escape(printable(sample["where"]))}</span>'
    if after is None:
        return f'<div class="change alone">{where}<p dir="auto">{escape(before or "")}</p></div>'
    old, new = marked(before or "", after)
    return (
        f'<div class="change">{where}<p dir="auto">{old}</p>'
        f'<p dir="auto">{new or "<em>nothing</em>"}</p></div>'
    )


def _text(text: str | None) -> str | None:
    return None if text is None else printable(text, keep="\n\t")


def marked(before: str, after: str) -> tuple[str, str]:
    """Return both texts as HTML, with the words that differ marked if they are few."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    compared = SequenceMatcher(None, old, new, autojunk=False)
    if compared.ratio() < _ALIKE:
        return escape(before), escape(after)
    left, right = [], []
    for tag, a, b, c, d in compared.get_opcodes():
        was, now = escape("".join(old[a:b])), escape("".join(new[c:d]))
        same = tag == "equal"
        left.append(was if same or not was else f"<del>{was}</del>")
        right.append(now if same or not now else f"<ins>{now}</ins>")
    return "".join(left), "".join(right)
