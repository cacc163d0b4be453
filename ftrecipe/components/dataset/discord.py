"""Discord: channels as DiscordChatExporter writes them to JSON."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.json_export import (
    NO_TEXT,
    JsonExport,
    Names,
    Place,
    first_messages,
    iso,
    places,
    shown,
    text_of,
)
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile

# Numbers stand for kinds that the exporter has no name for: 20 and 23 are commands to bots.
_MESSAGES = ("Default", "Reply", "ChatInputCommand", "ContextMenuCommand", "0", "19", "20", "23")
_PART = re.compile(r" \[part (\d{1,9})\]\.", re.ASCII)
_MENTION = re.compile(r"<@!?(\d+)>", re.ASCII)


@GROUP.option("discord")
@dataclass
class Discord(JsonExport):
    """One file a channel or thread, in one or more parts; each channel is a chat of its own.

    A member is known by the nickname. Whatever is no message or reply is a notice of the app.
    """

    expected: ClassVar[str] = "a channel that DiscordChatExporter exported (channel, messages)"

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files, the parts of a channel in their order."""
        return sorted(files, key=lambda file: (_PART.sub(".", file.name), _part(file)))

    def read(self, document: Any, file: DataFile, names: Names) -> Iterator[Place]:
        reader = _Reader(_chat(document), names)
        yield from places(document["messages"], file, reader.entry)

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
            return False
        if isinstance(value.get("channel"), dict):
            return True
        messages = first_messages(value["messages"])
        return any({"author", "timestamp", "content"} <= set(message) for message in messages)


def _part(file: DataFile) -> int:
    found = _PART.search(file.name)
    return int(found[1]) if found else 1


def _chat(document: dict[str, Any]) -> str:
    guild, channel = (_object(document, key) for key in ("guild", "channel"))
    return f"{shown(guild.get('name'))}/{shown(channel.get('name'))} ({shown(channel.get('id'))})"


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


@dataclass
class _Reader:
    """Reads the messages of one channel."""

    chat: str
    names: Names

    def entry(self, message: dict[str, Any], where: Where) -> Entry:
        time = iso(message.get("timestamp"), "timestamp")
        text = self._words(message)
        if str(message.get("type", "Default")) not in _MESSAGES:
            sender = self._member(_object(message, "author")) or None
            return Entry(where, time, sender, text or f"[{shown(message['type'])}]", Kind.system,
                         chat=self.chat)  # fmt: skip
        sender = self._member(_object(message, "author"))
        if not sender:
            raise RowFault("no author with a name")
        media = _media(message)
        return Entry(
            where, time, sender, text or media or NO_TEXT, Kind.message if text else Kind.media,
            edited=bool(message.get("timestampEdited")), chat=self.chat, media=bool(media),
        )  # fmt: skip

    def _member(self, author: dict[str, Any]) -> str:
        name = text_of(author, "nickname") or text_of(author, "name")
        return self.names.of(name, author.get("id")) if name else ""

    def _words(self, message: dict[str, Any]) -> str:
        """Return what was said; mentions by number, which raw exports have, become names."""
        forwarded = _object(message, "forwardedMessage")
        text = text_of(message, "content") or text_of(forwarded, "content")
        if "<@" not in text:
            return text
        mentioned = {
            str(member.get("id")): self._member(member)
            for member in first_messages(message.get("mentions"))
        }
        return _MENTION.sub(lambda m: f"@{mentioned.get(m[1]) or m[1]}", text)


def _media(message: dict[str, Any]) -> str:
    """Return what stands for the files and stickers of a message, empty without any."""
    if files := first_messages(message.get("attachments")):
        return f"[file {text_of(files[0], 'fileName')}]".replace(" ]", "]")
    if stickers := first_messages(message.get("stickers")):
        return f"[sticker {text_of(stickers[0], 'name')}]".replace(" ]", "]")
    return "[embed]" if message.get("embeds") and not message.get("content") else ""
