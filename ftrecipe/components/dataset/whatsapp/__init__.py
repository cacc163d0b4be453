"""WhatsApp chats, as phones export them: text files, or the zips that they come in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.chat_export import ChatExport
from ftrecipe.components.dataset.whatsapp.chat import Chat, Found
from ftrecipe.components.dataset.whatsapp.clocks import clock
from ftrecipe.components.dataset.whatsapp.dates import DateOrder
from ftrecipe.components.dataset.whatsapp.headers import cut
from ftrecipe.components.dataset.whatsapp.survey import Survey, as_key, is_possible, survey
from ftrecipe.data.files import DataFile
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

__all__ = ["DateOrder", "WhatsApp"]

_LOOKED_AT = 200  # lines, to tell whether a text is an export
_NOTES = 3  # doubts about dates that are told of one file


@GROUP.option("whatsapp")
@dataclass
class WhatsApp(ChatExport):
    """A chat exported by WhatsApp on Android or iOS, in any language.

    date_order: dmy, mdy or ymd where `auto` cannot know. A line whose date does not exist in the
    order is no header: it belongs to the message above.
    """

    date_order: DateOrder = DateOrder.auto

    def endings(self) -> Sequence[str]:
        return (".txt",)

    def entries(self, files: list[DataFile]) -> Iterator[Found]:
        for file, found in self._surveyed(files):
            if found is not None:
                yield from Chat(file, found).entries()

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        for file, found in self._surveyed(files):
            if found is None:
                reading.note(f"{file.name} was left out: an attachment, no chat")
                continue
            for doubt in found.doubts[:_NOTES]:
                order = found.orders
                reading.note(_doubt(file.name, doubt, [*order.values()]))
            if found.impossible:
                reading.note(_impossible(file.name, found.impossible))
            yield from Chat(file, found).entries()
            reading.encodings[file.encoding] += 1

    def _surveyed(self, files: list[DataFile]) -> Iterator[tuple[DataFile, Survey | None]]:
        """Yield each file with its survey; None for a text that was sent in a zipped chat."""
        named = [file for file in files if _is_named_as_chat(file)]
        chats, zips = set(map(_folder, named)), set(map(_zip, named))
        for file in files:
            beside = bool(_zip(file)) and not _is_named_as_chat(file)
            if beside and _folder(file) in chats:
                yield file, None
                continue
            found = survey(file, self.date_order)
            if found.headers:
                yield file, found
            elif beside and _zip(file) in zips:
                yield file, None
            else:
                raise DataError(_refusal(file, found.first_line))

    @classmethod
    def fits_text(cls, head: str) -> bool:
        """Say whether the beginning of a text, about 64 KB of it, is that of an export.

        It is when a header with a day and a time that exist is among its first lines, and the
        headers set off at least every tenth line of it.
        """
        lines = head.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
        piece = cut("\n" + "\n".join(lines[:_LOOKED_AT]))
        good = [
            is_possible(as_key(key)) and clock(text) is not None
            for key, text in zip(piece.keys, piece.clocks, strict=True)
        ]
        return (
            any(good)
            and piece.before.count("\n") <= 3
            and 2 * sum(good) > len(good)
            and sum(good) * 10 >= min(len(lines), _LOOKED_AT)
        )


def _zip(file: DataFile) -> str:
    """Return the zip that a file is in, or nothing."""
    parents = PurePosixPath(file.name).parents
    return next((str(one) for one in parents if one.name.lower().endswith(".zip")), "")


def _folder(file: DataFile) -> str:
    return str(PurePosixPath(file.name).parent)


def _is_named_as_chat(file: DataFile) -> bool:
    name = PurePosixPath(file.name).name.casefold()
    return name == "_chat.txt" or "whatsapp" in name


def _refusal(file: DataFile, first_line: str) -> str:
    shown = f"; first line: {first_line!r}" if first_line else "; it is empty"
    return (f"{file.name} is not a WhatsApp export: none of its lines begins with a date and time "
            f"as in '31/12/2024, 23:59 - Name: text'{shown}")  # fmt: skip


def _impossible(name: str, dates: Counter[str]) -> str:
    first = next(iter(dates))
    return (
        f"{name}: lines that begin with a date that does not exist, such as {first}, belong to the "
        f"message above ({dates.total():,} in all)"
    )


def _doubt(name: str, date: str, used: Iterable[DateOrder]) -> str:
    words = {DateOrder.dmy: "day, month, year", DateOrder.mdy: "month, day, year",
             DateOrder.ymd: "year, month, day"}  # fmt: skip
    read = " or ".join(dict.fromkeys(words[one] for one in used if one in words))
    return (f"{name}: dates such as {date} can be read in two ways, and nothing tells which; they "
            f"were read as {read} (dataset.date_order=dmy, mdy or ymd says it)")  # fmt: skip
