"""One entry of a chat export: what was said, by whom and when; knows no app."""

import datetime
from enum import Enum
from typing import NamedTuple

from ftrecipe.data.example import Where


class Kind(Enum):
    """What an entry is. Only `message` holds words that a member wrote."""

    message = "message"
    media = "media"  # a picture, a recording, a sticker without words; the text stands for it
    deleted = "deleted"
    system = "system"  # a notice of the app: somebody joined, a call, encryption


class Entry(NamedTuple):
    """One entry of a chat.

    where: its first line, or its number in the file.
    time: when it was sent, in the export's own zone unless it names one; None where unknown.
    sender: the member's name; None for notices that have none.
    text: what was said, without the app's marks; of media and notices what the export says.
    edited: whether the app marks it as edited; the mark is not in the text.
    chat: which conversation of the export it belongs to (a channel, a direct message).
    media: whether a picture, a recording or a file came with the words of a message.
    """

    where: Where
    time: datetime.datetime | None
    sender: str | None
    text: str
    kind: Kind = Kind.message
    edited: bool = False
    chat: str = ""
    media: bool = False
