"""The top of the page: may this data be trained on, and if not, why."""

import re
from html import escape
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.audit.told import verdict
from ftrecipe.page.bars import share
from ftrecipe.page.words import cut, printable

Report = dict[str, Any]

_PLACED = re.compile(r".*\S \w+ \d+: ")  # "chat.txt line 5: …", one of the rows of a reason
_SHOWN = 3
_LONGEST = 400  # characters
_WARNINGS = 8


def opening(report: Report) -> str:
    """The verdict with its reasons, the warnings, and what was counted."""
    told = reasons(report["failures"])
    body = "".join(_reason(summary, places) for summary, places in told)
    return (
        f'<header class="verdict{" no" if told else ""}"><h1>{escape(headline(report))}</h1>'
        f'<div class="reasons">{body}</div></header>'
        f"{_warnings(report['warnings'])}{_cards(report)}{_chips(report)}"
    )


def headline(report: Report) -> str:
    """Return the verdict as one line."""
    if report["failures"]:
        return f"Cannot be trained on: {many(len(reasons(report['failures'])), 'reason')}"
    return f"{verdict(report)}: {many(report['examples']['train'], 'example')}"


def reasons(failures: list[str]) -> list[tuple[str, list[str]]]:
    """Return each reason with the rows that it is about, which are told before it."""
    found: list[tuple[str, list[str]]] = []
    places: list[str] = []
    for line in failures:
        if _PLACED.match(line):
            places.append(line)
        else:
            found.append((line, places))
            places = []
    if places:
        found.append((places[0], places[1:]))
    return found


def _reason(summary: str, places: list[str]) -> str:
    shown, rest = places[:_SHOWN], places[_SHOWN:]
    more = f"<details><summary>{len(rest)} more</summary>{_list(rest)}</details>" if rest else ""
    return f'<p class="fails">{_said(summary)}</p>{_list(shown) if shown else ""}{more}'


def _list(lines: list[str]) -> str:
    return f'<ul class="places">{"".join(f"<li>{_said(line)}</li>" for line in lines)}</ul>'


def _said(line: str) -> str:
    return escape(cut(printable(line), _LONGEST))


def _warnings(warnings: list[str]) -> str:
    told = [f'<p class="warning">{_said(line)}</p>' for line in warnings]
    if len(told) <= _WARNINGS:
        return "".join(told)
    rest = len(told) - _WARNINGS
    return (
        f"{''.join(told[:_WARNINGS])}<details><summary>{rest} more warnings</summary>"
        f"{''.join(told[_WARNINGS:])}</details>"
    )


def _cards(report: Report) -> str:
    examples, train = report["examples"], report["tokens"]["train"]
    held = " + ".join(f"{examples[name]:,}" for name in ("validation", "test"))
    longest = max((split["max"] or 0 for split in report["tokens"].values()), default=0)
    shown = {
        "examples to train on": f"{examples['train']:,}",
        "held out: validation + test": held,
        "tokens to train with": f"{train['total']:,}",
        "of them learned, the rest is context": share(train["supervised"], train["total"]),
        "of rows end with a learned end token": share(report["eos_supervised"], 1),
        "tokens in the longest row": f"{longest:,}",
    }
    cards = "".join(
        f'<div class="card"><b>{value or "none"}</b><span>{name}</span></div>'
        for name, value in shown.items()
    )
    return f'<div class="cards">{cards}</div>'


def _chips(report: Report) -> str:
    tokenizer = report["tokenizer"]
    named = {
        "format": report["format"],
        "tokenizer": tokenizer["name"],
        "template": report["chat_template"],
        "trained on": report["train_on"],
        "limit": _limit(report["overlong"]),
    }
    chips = "".join(
        f'<span class="chip"><b>{name}</b> {escape(printable(str(value)))}</span>'
        for name, value in named.items()
    )
    assumed = (
        '<p class="note">Assumed: no model was named, so everything is counted with the embedded '
        "one. Add model=… to count with the tokenizer and the template that will be used.</p>"
        if tokenizer["assumed"]
        else ""
    )
    return f"<p>{chips}</p>{assumed}"


def _limit(overlong: Report) -> str:
    most = overlong["max_length"]
    return "none" if most is None else f"{most:,} tokens, else {overlong['policy']}"
