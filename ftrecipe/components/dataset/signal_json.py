"""The JSON that tools around Signal write: each object becomes an entry, or names somebody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.components.dataset.json_export import NO_TEXT, epoch, iso, shown, text_of
from ftrecipe.data.columns import kind
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where

_MILLISECONDS = 1000
_SELF = "You"
_FRAMES = ("account", "recipient", "chat", "stickerPack", "adHocCall", "notificationProfile",
           "chatFolder", "version", "backupTimeMs")  # fmt: skip
_SAID_IN_BACKUP = ("standardMessage", "stickerMessage", "contactMessage", "viewOnceMessage",
                   "giftBadge", "paymentNotification", "directStoryReplyMessage",
                   "poll")  # fmt: skip


def is_message(value: Mapping[str, Any]) -> bool:
    """Say whether an object holds a message in one of the shapes known."""
    exported = {"date", "sender", "body"} <= set(value)
    row = "sent_at" in value and "conversationId" in value
    return exported or row or any(isinstance(value.get(k), dict) for k in ("envelope", "chatItem"))


def is_line(value: Mapping[str, Any]) -> bool:
    """Say whether an object is a message, or one of those that a backup has beside them."""
    return is_message(value) or "backupTimeMs" in value or _is_frame(value)


def _is_frame(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and any(isinstance(value.get(key), dict) for key in _FRAMES)


@dataclass
class Lines:
    """Reads the objects of one file in turn; backups name members and chats before messages."""

    chat: str
    members: dict[str, str] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)

    def entry(self, value: Any, where: Where) -> Entry | None:
        """Return the entry of an object; None for what only names somebody. Raises RowFault."""
        if not isinstance(value, dict):
            raise RowFault(f"is {kind(value)}, not a message")
        if not is_message(value):
            if _is_frame(value) or "backupTimeMs" in value:
                self._learn(value)
                return None
            raise RowFault("is no message of Signal")
        if isinstance(envelope := value.get("envelope"), dict):
            return _received(envelope, where)
        if isinstance(item := value.get("chatItem"), dict):
            return self._backed_up(item, where)
        return _row(value, where) if "sent_at" in value else self._exported(value, where)

    def _exported(self, message: dict[str, Any], where: Where) -> Entry:
        """Read a line of signal-export's data.json."""
        time = iso(message["date"], "date")
        sender = text_of(message, "sender")
        if not sender:
            raise RowFault("no sender")
        media = bool(message.get("attachments") or message.get("sticker"))
        return _said(where, time, sender, text_of(message, "body"), media, self.chat)

    def _learn(self, frame: dict[str, Any]) -> None:
        if isinstance(recipient := frame.get("recipient"), dict):
            self.members[str(recipient.get("id"))] = _name(recipient)
        if isinstance(chat := frame.get("chat"), dict):
            known = self.members.get(str(chat.get("recipientId")), "")
            self.chats[str(chat.get("id"))] = f"{known} ({shown(chat.get('id'))})"

    def _backed_up(self, item: dict[str, Any], where: Where) -> Entry:
        """Read a message of a plain backup."""
        time = epoch(item.get("dateSent"), "dateSent", _MILLISECONDS)
        author = str(item.get("authorId"))
        sender = self.members.get(author) or shown(author)
        chat = self.chats.get(str(item.get("chatId")), shown(item.get("chatId")))
        if "remoteDeletedMessage" in item:
            return Entry(where, time, sender, "[deleted]", Kind.deleted, chat=chat)
        key = next((key for key in _SAID_IN_BACKUP if isinstance(item.get(key), dict)), None)
        if key is None:
            return Entry(where, time, sender, "[notice]", Kind.system, chat=chat)
        held = item[key]
        body = held.get("text")
        text = text_of(body, "body") if isinstance(body, dict) else ""
        media = key != "standardMessage" or bool(held.get("attachments"))
        return _said(where, time, sender, text, media, chat, bool(item.get("revisions")))


def _said(
    where: Where, time: Any, sender: str, text: str, media: bool, chat: str, edited: bool = False
) -> Entry:
    words = text or ("[media]" if media else NO_TEXT)
    return Entry(where, time, sender, words, Kind.message if text else Kind.media, edited, chat,
                 media)  # fmt: skip


def _name(recipient: dict[str, Any]) -> str:
    """Return how a member of a backup is known, or its group's title."""
    if "self" in recipient:
        return _SELF
    contact, group = recipient.get("contact"), recipient.get("group")
    if isinstance(contact, dict):
        for start in ("system", "profile"):
            names = [shown(contact.get(f"{start}{part}Name")) for part in ("Given", "Family")]
            if any(names):
                return " ".join(filter(None, names))
        return shown(contact.get("e164") or recipient.get("id"))
    title: Any = group
    for key in ("snapshot", "title", "title"):
        title = title.get(key) if isinstance(title, dict) else title
    return title if isinstance(title, str) else shown(recipient.get("id"))


def _inner(holder: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return the object that lies under the keys, empty where there is none."""
    for key in keys:
        value = holder.get(key)
        holder = value if isinstance(value, dict) else {}
    return holder


def _received(envelope: dict[str, Any], where: Where) -> Entry:
    """Read what signal-cli received. What is typed, read or called is a notice."""
    time = epoch(envelope.get("timestamp"), "timestamp", _MILLISECONDS)
    numbers = [text_of(envelope, key) for key in ("sourceNumber", "source", "sourceUuid")]
    sender = text_of(envelope, "sourceName") or next(filter(None, numbers), None)
    sent = _inner(envelope, "syncMessage", "sentMessage")
    edit = (_inner(envelope, "editMessage", "dataMessage")
            or _inner(sent, "editMessage", "dataMessage"))  # fmt: skip
    message = edit or _inner(envelope, "dataMessage") or sent
    group = _inner(message, "groupInfo") or _inner(message, "groupV2")
    answered = sent.get("destinationNumber") or sent.get("destination")
    other = answered or next(filter(None, numbers), "")
    chat = shown(group.get("groupId") or group.get("id") or other)
    if "remoteDelete" in message:
        return Entry(where, time, sender, "[deleted]", Kind.deleted, chat=chat)
    text = text_of(message, "message")
    media = any(message.get(key) for key in ("attachments", "sticker", "contacts"))
    if not text and not media:
        return Entry(where, time, sender, "[notice]", Kind.system, chat=chat)
    if sender is None:
        raise RowFault("no source: nobody sent it")
    return _said(where, time, sender, text, media, chat, bool(edit))


def _row(row: dict[str, Any], where: Where) -> Entry:
    """Read a row of Signal Desktop's table of messages."""
    time = epoch(row["sent_at"], "sent_at", _MILLISECONDS)
    direction, chat = text_of(row, "type"), shown(row["conversationId"])
    keys = ("sourceName", "source", "sourceServiceId", "sourceUuid")
    known = next(filter(None, (text_of(row, key) for key in keys)), None)
    if direction not in ("incoming", "outgoing"):
        return Entry(where, time, known, f"[{direction or 'notice'}]", Kind.system, chat=chat)
    sender = _SELF if direction == "outgoing" else known or chat
    if row.get("deletedForEveryone") or row.get("isErased"):
        return Entry(where, time, sender, "[deleted]", Kind.deleted, chat=chat)
    media = bool(row.get("attachments") or row.get("sticker") or row.get("hasAttachments"))
    return _said(
        where, time, sender, text_of(row, "body"), media, chat, bool(row.get("editHistory"))
    )
