"""What each cleaning step changed and dropped, with examples of it before and after."""

import re
from collections import Counter
from html import escape
from typing import Any

from ftrecipe.page.bars import counted
from ftrecipe.page.differences import marked
from ftrecipe.page.words import printable

Report = dict[str, Any]

_REASONS = 12
_AROUND = 60  # characters shown on each side of a tag


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
    seen: set[tuple[str, ...]] = set()
    shown = "".join(
        f'<p class="note">{escape(printable(why))}: {reasons.get(why, 0):,}</p>'
        + (_samples(samples, seen) or '<p class="note">The rows shown above.</p>')
        for why, samples in list(step["samples"].items())[:_REASONS]
    )
    only = "".join(f" · {escape(printable(why))}" for why in reasons if len(reasons) == 1
                   and why != "changed")  # fmt: skip
    return (
        f"<details><summary><b>{escape(name)}</b> <small>{', '.join(done)}{only}</small></summary>"
        f"{told}{shown}</details>"
    )


def _samples(samples: list[Report], seen: set[tuple[str, ...]]) -> str:
    """Draw samples; one that is `seen` under another reason is not drawn again."""
    drawn = ""
    for sample in samples:
        key = (sample["where"], sample["before"], sample["after"] or "")
        drawn += "" if key in seen else _sample(sample)
        seen.add(key)
    return drawn


def _sample(sample: Report) -> str:
    before, after = (_text(sample[key]) for key in ("before", "after"))
    where = f'<span class="where">{escape(printable(sample["where"]))}</span>'
    if after is None:
        return f'<div class="change alone">{where}<p dir="auto">{escape(before or "")}</p></div>'
    if "tags" in sample:  # what was there before may not be shown
        tags = [printable(tag, keep="\n\t") for tag in sample["tags"]]
        return f'<div class="change alone">{where}<p dir="auto">{tagged(after, tags)}</p></div>'
    old, new = marked(before or "", after)
    return (
        f'<div class="change">{where}<p dir="auto">{old}</p>'
        f'<p dir="auto">{new or "<em>nothing</em>"}</p></div>'
    )


def _text(text: str | None) -> str | None:
    return None if text is None else printable(text, keep="\n\t")


def tagged(text: str, tags: list[str]) -> str:
    """Return the text around its tags as HTML, with them marked."""
    ordered = sorted(tags, key=len, reverse=True)
    known = "|".join(rf"(?<!\w){re.escape(tag)}(?!\w)" for tag in ordered)
    places = [match.span() for match in re.finditer(known, text)] if tags else []
    windows: list[list[int]] = []
    for start, end in places or [(0, _AROUND)]:
        start, end = max(0, start - _AROUND), min(len(text), end + _AROUND)
        if windows and start <= windows[-1][1]:
            windows[-1][1] = end
        else:
            windows.append([start, end])
    drawn = " … ".join(_inserted(text[start:end], known) for start, end in windows)
    opening, ending = windows[0][0] > 0, windows[-1][1] < len(text)
    return f"{'…' if opening else ''}{drawn}{'…' if ending else ''}"


def _inserted(text: str, known: str) -> str:
    parts = re.split(f"({known})", text) if known else [text]
    return "".join(
        f"<ins>{escape(part)}</ins>" if at % 2 else escape(part) for at, part in enumerate(parts)
    )
