"""Drops what a chat app wrote itself: notices, placeholders of media, marks of deleted messages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ftrecipe.components.cleaning import GROUP, Cleaning, Log
from ftrecipe.data.entries import Entry, Kind


@GROUP.option("boilerplate")
@dataclass
class Boilerplate(Cleaning):
    """What no member of the chat has said."""

    media: bool = True
    deleted: bool = True

    def entries(self, entries: Iterable[Entry], log: Log) -> Iterator[Entry]:
        unwanted = {Kind.system: "notice of the app"}
        if self.media:
            unwanted[Kind.media] = "placeholder of media"
        if self.deleted:
            unwanted[Kind.deleted] = "deleted message"
        for entry in entries:
            if entry.kind is Kind.message or (why := unwanted.get(entry.kind)) is None:
                yield entry
            else:
                log.drop(entry, why)
