"""Threads of messages as Meta's apps export them, whose texts are UTF-8 bytes taken for Latin-1."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ftrecipe.components.dataset.json_export import (
    NO_TEXT,
    JsonExport,
    Names,
    Place,
    epoch,
    first_messages,
    places,
    shown,
    text_of,
)
from ftrecipe.components.dataset.thread_notices import is_notice, is_placeholder, is_unsending
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile

_MEDIA = {"photos": "photo", "videos": "video", "audio_files": "audio", "gifs": "GIF",
          "files": "file", "sticker": "sticker", "media": "media"}  # fmt: skip
_MILLISECONDS = 1000
_SYSTEM_TYPES = ("Call", "Subscribe", "Unsubscribe", "Plan", "placeholder", "call")


@dataclass
class ThreadExport(JsonExport):
    """Threads of one of Meta's apps: the parts of one are put together, oldest message first.

    gone: the name of members who left the app.
    """

    named: ClassVar[str] = r"message_\d+\.json"
    gone: ClassVar[str]

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files of threads, oldest part first: message_1.json is the newest."""
        return sorted(super().chosen(files), key=_part, reverse=True)

    def read(self, document: Any, file: DataFile, names: Names) -> Iterator[Place]:
        reader = _Reader(_chat(document, file), self.gone)
        rows = list(places(document["messages"], file, reader.entry))
        yield from reversed(rows) if _newest_first(document["messages"]) else rows

    @classmethod
    def reads(cls, value: Any) -> bool:
        return is_thread(value)


def is_thread(value: Any) -> bool:
    """Say whether a parsed file is a thread of either app."""
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    if not value["messages"]:
        return "participants" in value and any(k in value for k in ("title", "threadName"))
    messages = first_messages(value["messages"])
    return any("sender_name" in m and "timestamp_ms" in m for m in messages) or any(
        "senderName" in m and "timestamp" in m for m in messages
    )


def is_of_instagram(thread: dict[str, Any]) -> bool:
    """Say which app a thread is of: what only one of them writes decides."""
    messages = first_messages(thread["messages"])
    if "threadName" in thread or any("senderName" in message for message in messages):
        return False
    uris = [uri for message in messages for uri in _uris(message)]
    if any("instagram" in uri for uri in uris) or any(map(_is_instagrams, messages)):
        return True
    own = ("thread_type", "joinable_mode", "image")
    facebook = any("type" in m or "ip" in m or "bumped_message_metadata" in m for m in messages)
    return not (any(key in thread for key in own) or facebook or "facebook" in "".join(uris))


def _is_instagrams(message: dict[str, Any]) -> bool:
    share = message.get("share")
    owned = isinstance(share, dict) and "original_content_owner" in share
    return owned or message.get("content") == "Liked a message"


def _uris(message: dict[str, Any]) -> Iterator[str]:
    for key in _MEDIA:
        value = message.get(key)
        for item in first_messages(value if isinstance(value, list) else [value]):
            yield str(item.get("uri"))


def _part(file: DataFile) -> tuple[str, int]:
    path = PurePosixPath(file.name)
    number = re.search(r"_(\d{1,9})$", path.stem, re.ASCII)
    return str(path.parent), int(number[1]) if number else 0


def _chat(document: dict[str, Any], file: DataFile) -> str:
    for key in ("thread_path", "threadName"):
        if isinstance(document.get(key), str):
            return shown(repaired(document[key]))
    folder = PurePosixPath(file.name).parent
    return f"{folder}/{shown(repaired(str(document.get('title', ''))))}"


def _newest_first(messages: list[Any]) -> bool:
    times = [time for m in messages if isinstance(m, dict)
             if isinstance(time := m.get("timestamp_ms", m.get("timestamp")), int)]  # fmt: skip
    return bool(times) and times[0] >= times[-1]


def repaired(text: str) -> str:
    """Return what was meant, where UTF-8 bytes were each written as a character of Latin-1."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _said(message: dict[str, Any], *keys: str) -> str:
    found = (repaired(text_of(message, key)) for key in keys)
    return next(filter(None, found), "")


@dataclass
class _Reader:
    """Reads the messages of one thread, in the older shape or the encrypted chats' newer one."""

    chat: str
    gone: str

    def entry(self, message: dict[str, Any], where: Where) -> Entry:
        key = "timestamp_ms" if "timestamp_ms" in message else "timestamp"
        time = epoch(message.get(key), key, _MILLISECONDS)
        if message.get("sender_name", message.get("senderName")) is None:
            raise RowFault("no sender_name")
        sender = _said(message, "sender_name", "senderName") or self.gone
        text = _said(message, "content", "text")
        media = _media(message)
        kind = _kind(message, text, media)
        if kind is Kind.media:
            text = media or NO_TEXT
        return Entry(where, time, sender, text or f"[{kind.value}]", kind, chat=self.chat,
                     media=bool(media) and kind is Kind.message)  # fmt: skip


def _kind(message: dict[str, Any], text: str, media: str) -> Kind:
    if message.get("is_unsent") or message.get("isUnsent") or is_unsending(text):
        return Kind.deleted
    if "call_duration" in message or str(message.get("type")) in _SYSTEM_TYPES or is_notice(text):
        return Kind.system
    return Kind.media if not text or is_placeholder(text) else Kind.message


def _media(message: dict[str, Any]) -> str:
    """Return what stands for the pictures, recordings or links of a message, empty without any."""
    found = next((words for key, words in _MEDIA.items() if message.get(key)), None)
    if found is not None:
        return f"[{found}]"
    share = message.get("share")
    if isinstance(share, dict) and not (message.get("content") or message.get("text")):
        return f"[link {text_of(share, 'link')}]".replace(" ]", "]")
    return "[attachment]" if is_placeholder(_said(message, "content")) else ""
