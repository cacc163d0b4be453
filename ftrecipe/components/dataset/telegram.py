"""Telegram: what its desktop app exports, one chat or a whole account, as JSON or as HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.json_export import (
    NO_TEXT,
    JsonExport,
    Names,
    Place,
    epoch,
    first_messages,
    iso,
    places,
    shown,
    text_of,
)
from ftrecipe.components.dataset.telegram_html import PAGES, is_page, read_page
from ftrecipe.data.columns import as_text, kind
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile

_CHATS = ("personal_chat", "bot_chat", "saved_messages", "replies", "verify_codes",
          "private_group", "private_supergroup", "public_supergroup", "private_channel",
          "public_channel")  # fmt: skip
_DATES = ("date", "date_unixtime")
_DELETED = "Deleted Account"
# What a message holds beside text, most telling first: key and its words.
_MEDIA = {
    "sticker_emoji": "sticker", "media_type": "", "photo": "photo", "file": "file",
    "location_information": "location", "place_name": "place", "contact_information": "contact",
    "poll": "poll", "todo_list": "to-do list", "game_title": "game", "dice": "dice",
    "invoice_information": "invoice", "giveaway_information": "giveaway", "paid_media": "media",
    "giveaway_results": "giveaway", "story_expires": "story",
}  # fmt: skip


@GROUP.option("telegram")
@dataclass
class Telegram(JsonExport):
    """One chat's `result.json`, a whole account's, or the pages `messages.html`.

    A message that a picture came with keeps its caption. Members of one name are told apart by id.
    A list of messages with `sender_id`, which scripts on Telegram's API write, is read too.
    """

    expected: ClassVar[str] = "a chat that Telegram exported (messages, or chats with a list)"
    named: ClassVar[str] = r"result.*\.json|messages\d*\.html"

    def endings(self) -> tuple[str, ...]:
        return (".json", *PAGES)

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files with messages; an export in both formats is read once, from JSON."""
        chosen = super().chosen(files)
        if len(files) < 2 or not re.fullmatch(self.named, PurePosixPath(chosen[0].name).name):
            return chosen
        told = {PurePosixPath(file.name).parent for file in chosen if not is_page(file)}
        return [f for f in chosen
                if not is_page(f) or told.isdisjoint(PurePosixPath(f.name).parents)]  # fmt: skip

    def _as_written(self, files: list[DataFile]) -> Iterator[Place]:
        pages = [file for file in files if is_page(file)]
        for file in sorted(pages, key=_page_number):
            yield from read_page(file)
        yield from super()._as_written([file for file in files if file not in pages])

    def read(self, document: Any, file: DataFile, names: Names) -> Iterator[Place]:
        start = 1
        for number, chat in enumerate(_chats(document), 1):
            messages = chat.get("messages") if isinstance(chat, dict) else None
            if not isinstance(chat, dict) or not isinstance(messages, list):
                where = Where(file.name, "chat", number)
                yield where, RowFault(f"is {kind(chat)} without a list of messages")
                continue
            reader = _Reader(f"{shown(chat.get('name'))} ({shown(chat.get('id'))})", names)
            yield from places(messages, file, reader.entry, start)
            start += len(messages)

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        if isinstance(value, list):
            return any("sender_id" in m and "date" in m for m in first_messages(value))
        if not isinstance(value, dict):
            return False
        if any(_is_list_of_chats(value.get(key)) for key in ("chats", "left_chats")):
            return True
        messages = value.get("messages")
        if messages == []:
            return value.get("type") in _CHATS
        return any(map(_is_message, first_messages(messages)))

    @classmethod
    def fits_text(cls, head: str) -> bool:
        """Say whether the beginning of a text file is that of an exported page."""
        return "<html" in head and ("page_body chat_page" in head or "CheckLocation()" in head)


def _folder(file: DataFile) -> str:
    return str(PurePosixPath(file.name).parent)


def _page_number(file: DataFile) -> tuple[str, int, str]:
    """Order `messages2.html` before `messages10.html`."""
    digits = "".join(c for c in PurePosixPath(file.name).stem if c.isdecimal() and c.isascii())
    return _folder(file), int(digits[:9] or 1), file.name


def _is_list_of_chats(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("list"), list)


def _is_message(message: dict[str, Any]) -> bool:
    dated = any(key in message for key in _DATES)
    return dated and "type" in message and "author" not in message and "content" not in message


def _chats(document: Any) -> Iterator[Any]:
    if isinstance(document, list):
        yield {"messages": document}
        return
    if "messages" in document:
        yield document
    for key in ("chats", "left_chats"):
        if _is_list_of_chats(document.get(key)):
            yield from document[key]["list"]


@dataclass
class _Reader:
    """Reads the messages of one chat."""

    chat: str
    names: Names

    def entry(self, message: dict[str, Any], where: Where) -> Entry:
        if message.get("type") == "unsupported":  # it has nothing but an id
            return Entry(where, None, None, "[unsupported]", Kind.media, chat=self.chat)
        time = (epoch(message["date_unixtime"], "date_unixtime") if "date_unixtime" in message
                else iso(message.get("date"), "date"))  # fmt: skip
        text = _text(message)
        if message.get("type") == "service":
            actor, action = text_of(message, "actor") or None, text_of(message, "action")
            notice = text or f"[{action.replace('_', ' ') or 'notice'}]"
            return Entry(where, time, actor, notice, Kind.system, chat=self.chat)
        media = _media(message)
        return Entry(
            where, time, self._sender(message), text or media or NO_TEXT,
            Kind.message if text else Kind.media,
            edited=bool(message.get("edited") or message.get("edited_unixtime")),
            chat=self.chat, media=bool(media),
        )  # fmt: skip

    def _sender(self, message: dict[str, Any]) -> str:
        ident = message.get("from_id", message.get("sender_id"))
        if name := text_of(message, "from"):
            return self.names.of(name, ident)
        number = "" if ident is None else as_text(ident, "from_id")
        if "sender_id" in message:
            return number or _DELETED
        return f"{_DELETED} ({number})" if number else _DELETED


def _text(message: dict[str, Any]) -> str:
    """Return the text, which is a string, or a list of strings and of objects with a `text`."""
    value = message.get("text")
    if isinstance(value, list):
        return "".join(_piece(piece) for piece in value).strip()
    return as_text(value, "text").strip()


def _piece(piece: object) -> str:
    if isinstance(piece, dict):
        return as_text(piece.get("text"), "text")
    if isinstance(piece, str):
        return as_text(piece, "text")
    raise RowFault(f"the text has a part that is {kind(piece)}")


def _media(message: dict[str, Any]) -> str:
    """Return what stands for the picture, recording or file of a message, empty without one."""
    key = next((key for key in _MEDIA if message.get(key) not in (None, "")), None)
    if key is None:
        return ""
    value = message[key]
    if key == "poll" and isinstance(value, dict):
        return f"[poll: {as_text(value.get('question'), 'question')}]"
    if key == "sticker_emoji":
        return f"[sticker {as_text(value, key)}]"
    return f"[{_MEDIA[key] or as_text(value, key).replace('_', ' ')}]"
