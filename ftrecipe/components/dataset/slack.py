"""Slack: the export of a workspace, a folder or a zip with one folder a channel."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    in_order,
    load_json,
    not_export,
    places,
    shown,
    text_of,
)
from ftrecipe.components.dataset.slack_markup import plain
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.errors import DataError

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_USERS = ("users.json", "org_users.json")
_CHANNELS = ("channels.json", "groups.json", "mpims.json", "dms.json")
# Files of an export that hold no messages.
_OTHERS = (*_USERS, *_CHANNELS, "integration_logs.json", "canvases.json", "lists.json",
           "huddle_transcripts.json", "file_conversations.json")  # fmt: skip
# The subtypes that somebody wrote; all others are notices.
_SAID = ("", "me_message", "thread_broadcast", "reply_broadcast", "bot_message", "file_share",
         "file_comment", "file_mention", "slackbot_response", "assistant_app_thread")  # fmt: skip
_GONE = ("tombstone", "message_deleted")
_SLACKBOT = "USLACKBOT"


@GROUP.option("slack")
@dataclass
class Slack(JsonExport):
    """A workspace's channels and direct messages; one channel's folder or one day's file also do.

    A thread is a chat of its own, begun by the message that it answers: what is said in between
    in the channel is no part of it. Members are known by their display names.
    """

    expected: ClassVar[str] = "a day of a Slack export (a list of messages with ts)"

    def entries(self, files: list[DataFile]) -> Iterator[Place]:
        days = self.chosen(files)
        workspace = _Workspace.of(files, days)
        by_channel: dict[str, list[DataFile]] = {}
        for file in days:
            by_channel.setdefault(str(PurePosixPath(file.name).parent), []).append(file)
        for folder, own in by_channel.items():
            yield from in_order(self._of_channel(folder, own, workspace))

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files with messages. Raises DataError when there are none."""
        days = [file for file in files if _DAY.fullmatch(PurePosixPath(file.name).name)]
        found = days or [f for f in files if PurePosixPath(f.name).name not in _OTHERS]
        if not found:
            raise DataError(f"{files[0].name}: no messages; a Slack export has a folder for each "
                            "channel, with files such as general/2024-05-31.json")  # fmt: skip
        return found

    def _of_channel(
        self, folder: str, files: list[DataFile], workspace: "_Workspace"
    ) -> Iterator[Place]:
        reader = _Reader(shown(PurePosixPath(folder).name), workspace)
        for file in files:
            yield from places(_messages(file), file, reader.entry)

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        return isinstance(value, list) and any(map(_is_of_slack, first_messages(value)))


def _is_of_slack(item: dict[str, Any]) -> bool:
    """Say whether it is a message, or a member or channel of the lists beside them."""
    if "ts" in item:
        return "type" in item or "user" in item
    keys = set(item)
    return {"id", "profile"} <= keys or {"id", "created", "members"} <= keys


def _messages(file: DataFile) -> list[Any]:
    """Return the messages of a day, which may have none; other files must show what they are."""
    value = load_json(file)
    if isinstance(value, list):
        is_day = _DAY.fullmatch(PurePosixPath(file.name).name) or not value
        if is_day or any("ts" in message for message in first_messages(value)):
            return value
    raise not_export(file, Slack.expected, value)


@dataclass
class _Workspace:
    """The names of members and channels."""

    members: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    @classmethod
    def of(cls, files: list[DataFile], days: list[DataFile]) -> "_Workspace":
        """Read the lists beside the messages; who is missing there, is in some message."""
        workspace = cls(members={_SLACKBOT: "Slackbot"})
        for file in days:
            for message in _messages(file):
                if isinstance(message, dict) and isinstance(message.get("user_profile"), dict):
                    workspace._add_member(message.get("user"), message["user_profile"])
        for file in files:
            name = PurePosixPath(file.name).name
            if name in (*_USERS, *_CHANNELS) and file not in days:
                workspace._add_list(load_json(file), name in _USERS)
        return workspace

    def _add_list(self, value: Any, members: bool) -> None:
        for item in value if isinstance(value, list) else []:
            if not isinstance(item, dict):
                continue
            if not members:
                self.channels[str(item.get("id"))] = shown(item.get("name") or item.get("id"))
            elif isinstance(profile := item.get("profile"), dict):
                self._add_member(item.get("id"), {**item, **profile})
            else:
                self._add_member(item.get("id"), item)

    def _add_member(self, ident: object, profile: dict[str, Any]) -> None:
        found = (profile.get(key) for key in ("display_name", "real_name", "name"))
        name = next((n.strip() for n in found if isinstance(n, str) and n.strip()), None)
        if name and isinstance(ident, str):
            self.members[ident] = name

    def member(self, ident: str) -> str:
        """Return a member's name, or the id of one who is not known."""
        return self.names.of(self.members.get(ident, ident), ident)


@dataclass
class _Reader:
    """Reads the messages of one channel."""

    channel: str
    workspace: _Workspace

    def entry(self, message: dict[str, Any], where: Where) -> Entry:
        time = epoch(message.get("ts"), "ts")
        text = self._words(message)
        sender = self._sender(message)
        subtype = text_of(message, "subtype")
        chat = self._chat(message)
        if subtype in _GONE:
            # Slackbot stands in for whoever wrote it.
            return Entry(where, time, None, text or "[deleted]", Kind.deleted, chat=chat)
        if subtype not in _SAID or message.get("type", "message") != "message":
            return Entry(where, time, sender, text or f"[{subtype}]", Kind.system, chat=chat)
        if sender is None:
            raise RowFault("no sender: neither user nor username nor bot_id")
        media = _media(message)
        return Entry(
            where, time, sender, text or media or NO_TEXT, Kind.message if text else Kind.media,
            edited=bool(message.get("edited")), chat=chat, media=bool(media),
        )  # fmt: skip

    def _chat(self, message: dict[str, Any]) -> str:
        thread = text_of(message, "thread_ts")
        return f"{self.channel}/{thread}" if thread else self.channel

    def _sender(self, message: dict[str, Any]) -> str | None:
        if user := text_of(message, "user"):
            return self.workspace.member(user)
        bot = message.get("bot_profile")
        named = text_of(bot, "name") if isinstance(bot, dict) else ""
        return text_of(message, "username") or named or text_of(message, "bot_id") or None

    def _words(self, message: dict[str, Any]) -> str:
        """Return what was said; apps often say it in attachments alone."""
        said = text_of(message, "text")
        if not said:
            parts = first_messages(message.get("attachments"))
            said = "\n".join(filter(None, (_of_attachment(part) for part in parts)))
        return plain(said, self.workspace.member, self.workspace.channels).strip()


def _of_attachment(part: dict[str, Any]) -> str:
    lines = [text_of(part, key) for key in ("pretext", "title", "text")]
    return "\n".join(filter(None, lines)) or text_of(part, "fallback")


def _media(message: dict[str, Any]) -> str:
    """Return what stands for the files of a message, empty without any."""
    files = first_messages(message.get("files")) or first_messages([message.get("file")])
    if not files:
        return ""
    name = text_of(files[0], "title") or text_of(files[0], "name")
    return f"[file {name}]" if name else "[file]"
