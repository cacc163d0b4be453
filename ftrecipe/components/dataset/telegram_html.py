"""The pages `messages.html` of a Telegram export: one page's messages become entries."""

import datetime
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ftrecipe.components.dataset.json_export import NO_TEXT, Place, whole_text
from ftrecipe.data.columns import as_text
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

PAGES = (".html", ".htm")

_TIME = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (\d\d:\d\d:\d\d)(?: UTC([+-]\d\d:\d\d))?", re.ASCII)


def is_page(file: DataFile) -> bool:
    """Say whether a file is a page and not JSON."""
    return file.ending in PAGES


def read_page(file: DataFile) -> Iterator[Place]:
    """Yield the entries of a page. The lines with a date, which only the page has, are none.

    Raises DataError for a page without messages.
    """
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(whole_text(file).encode("utf-8"))
    nodes = [node for node in tree.css("div.message") if not _is_date(node)]
    if not nodes and tree.css_first("div.chat_page") is None:
        raise DataError(f"{file.name} is not a page of a chat that Telegram exported")
    title = _words(tree.css_first(".page_header .text"))
    chat = f"{PurePosixPath(file.name).parent}/{title}"
    sender: str | None = None
    for number, node in enumerate(nodes, 1):
        where = Where(file.name, "message", number)
        sender = _sender(node) or sender
        try:
            yield where, _entry(node, where, sender, chat)
        except RowFault as fault:
            yield where, fault


def _is_date(node: "LexborNode") -> bool:
    """Say whether it is the line with a new day's date: those have negative numbers."""
    return (node.attributes.get("id") or "").startswith("message-")


def _entry(node: "LexborNode", where: Where, sender: str | None, chat: str) -> Entry:
    if "service" in (node.attributes.get("class") or "").split():
        notice = _words(node.css_first(".body")) or NO_TEXT
        return Entry(where, None, None, notice, Kind.system, chat=chat)
    if sender is None:
        raise RowFault("no sender: neither here nor before")
    time = _time(node)
    text = as_text(_words(node.css_first("div.text")), "text")
    media = _media(node)
    kind = Kind.message if text else Kind.media
    return Entry(where, time, sender, text or media or NO_TEXT, kind, chat=chat, media=bool(media))


def _sender(node: "LexborNode") -> str | None:
    """Return who it is from: said in the first of consecutive messages, beside a forwarded name."""
    body = node.css_first("div.body")
    for child in body.iter() if body is not None else ():
        if "from_name" in (child.attributes.get("class") or "").split():
            return child.text(deep=False).strip() or None
    return None


def _time(node: "LexborNode") -> datetime.datetime:
    date = node.css_first(".date.details")
    title = (date.attributes.get("title") or "") if date is not None else ""
    found = _TIME.fullmatch(title.strip())
    if found is None:
        raise RowFault(f"no time: {title[:40]!r}")
    day, month, year, clock, zone = found.groups()
    try:
        return datetime.datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{zone or ''}")
    except ValueError:
        raise RowFault(f"no such time: {title[:40]!r}") from None


def _media(node: "LexborNode") -> str:
    if node.css_first(".media_wrap") is None:
        return ""
    title = _words(node.css_first(".media_wrap .title"))
    return f"[{title.lower() or 'media'}]"


def _words(node: "LexborNode | None") -> str:
    if node is None:
        return ""
    for line in node.css("br"):
        line.replace_with("\n")
    lines = (line.strip() for line in node.text().strip().split("\n"))
    return "\n".join(lines)
