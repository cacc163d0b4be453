"""What was read: each file or folder with its encoding, its faults and, of chats, its senders."""

from collections import Counter
from html import escape
from typing import Any

from ftrecipe.amounts import size
from ftrecipe.data.audit.told import place
from ftrecipe.page.bars import counted
from ftrecipe.page.words import cut, printable

Report = dict[str, Any]

_SENDERS = 12
_OPEN = 3  # sources that are shown without a click
_LONGEST = 300  # characters


def section(report: Report) -> str:
    """Every source."""
    drawn = [_source(source) for source in report["sources"]]
    rest = drawn[_OPEN:]
    more = (
        f"<details><summary>{len(rest)} more sources</summary>{''.join(rest)}</details>"
        if rest
        else ""
    )
    shares = _per_source(report["examples_per_source"])
    return f"<h2>What was read</h2>{shares}{''.join(drawn[:_OPEN])}{more}"


def _per_source(counts: dict[str, int]) -> str:
    if not counts:
        return ""
    named = Counter[str]()
    for name, count in counts.items():
        named[cut(printable(name), _LONGEST)] += count
    drawn = counted(named, _SENDERS, "sources")
    return f'<div class="panel"><h3>Examples of each source</h3>{drawn}</div>'


def _source(source: Report) -> str:
    facts = [source["format"], source["encoding"], size(source["bytes"])]
    facts += [f"{source['files']:,} files"] if source["files"] > 1 else []
    told = " · ".join(_said(fact) for fact in facts if fact)
    notes = "".join(f'<p class="note">{_said(note)}</p>' for note in source["notes"])
    return (
        f'<div class="panel"><h3>{_said(source["path"])} <small>· {told}</small></h3>'
        f'<div class="cards">{_cards(source)}</div>{notes}{_malformed(source)}{_chat(source)}</div>'
    )


def _said(text: str) -> str:
    return escape(cut(printable(text), _LONGEST))


def _cards(source: Report) -> str:
    shown = {"rows read": source["rows_read"], "malformed": source["rows_malformed"],
             "used": source["rows_used"]}  # fmt: skip
    for key in ("messages", "senders", "system_entries", "media", "deleted", "edited"):
        if source.get(key):
            shown[key.replace("_", " ")] = source[key]
    cards = {name: f"{count:,}" for name, count in shown.items()}
    for key in ("first_message", "last_message"):
        if source.get(key):
            cards[key.replace("_", " ")] = source[key][:16].replace("T", " ")
    return "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{name}</span></div>'
        for name, value in cards.items()
    )


def _malformed(source: Report) -> str:
    first = source["first_malformed"]
    if first is None:
        return ""
    rows = "".join(
        f"<tr><td>{_said(why)}</td><td>{count:,}</td></tr>"
        for why, count in source["malformed_reasons"].items()
    )
    return (
        f"<details><summary>Malformed rows <small>the first: {_said(place(first))}"
        f"</small></summary><table>{rows}</table></details>"
    )


def _chat(source: Report) -> str:
    senders = source.get("messages_per_sender")
    if not senders:
        return ""
    named = Counter[str]()
    for name, count in senders.items():
        named[printable(name) or "(no name)"] += count
    return f"<h3>Messages by sender</h3>{counted(named, _SENDERS, 'senders')}"
