"""What chat exports in JSON share: how a file is opened, what its faults are, and whose turn it is.

It knows no app.
"""

import datetime
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ftrecipe.components.dataset.chat_export import ChatExport
from ftrecipe.data.columns import as_text, kind
from ftrecipe.data.entries import Entry
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import bad_byte
from ftrecipe.errors import DataError, listed

Place = tuple[Where, Entry | RowFault]

NO_TEXT = "[no text]"  # of an entry whose content an export cannot put into words

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SECONDS = re.compile(r"(\d{1,15})(?:\.(\d+))?", re.ASCII)
_LOOKED_AT = 50  # messages, to say what a file is


class Names:
    """The members of an export: a name that two of them bear is told apart by their ids."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def of(self, name: str, owner: object) -> str:
        """Return the name under which the member with the id `owner` is known."""
        ident = "" if owner is None else as_text(owner, "id")
        if not ident or self._owners.setdefault(name, ident) == ident:
            return name
        return f"{name} ({ident})"


@dataclass
class JsonExport(ChatExport):
    """A chat that an app exported as JSON; a class of an app says how one file of it is read."""

    expected: ClassVar[str]  # what a file should be, in words
    named: ClassVar[str] = ""  # in a folder, read only files of such names, if there are any

    def endings(self) -> tuple[str, ...]:
        return (".json",)

    def entries(self, files: list[DataFile]) -> Iterator[Place]:
        yield from in_order(self._as_written(self.chosen(files)))

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files that hold messages, where their names tell."""
        fitting = [f for f in files if re.fullmatch(self.named, PurePosixPath(f.name).name)]
        return fitting or files

    def _as_written(self, files: list[DataFile]) -> Iterator[Place]:
        names = Names()
        for file in files:
            document = load_json(file)
            if not self.reads(document):
                raise not_export(file, self.expected, document)
            yield from self.read(document, file, names)

    def read(self, document: Any, file: DataFile, names: Names) -> Iterator[Place]:
        """Yield the entries of one file, in any order."""
        raise NotImplementedError

    @classmethod
    def reads(cls, value: Any) -> bool:
        """Say whether a parsed file can be read as this app's, once the app is chosen."""
        return cls.fits_json(value)

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        """Say whether a parsed file is an export of this app, and of no other."""
        raise NotImplementedError


def load_json(file: DataFile) -> Any:
    """Return a whole file of JSON. Raises DataError, with line and column."""
    return parsed(whole_text(file), file.name)


def whole_text(file: DataFile) -> str:
    """Return the text of a file. Raises DataError for an empty one, and for bytes of no text."""
    with file.text() as opened:
        text = opened.read()
    if not text.strip():
        raise DataError(f"{file.name} is empty")
    if bad := bad_byte(text):
        line = text.count("\n", 0, bad[0]) + 1
        raise DataError(f"{file.name} line {line}: not UTF-8 text (byte 0x{bad[1]:02x})")
    return text


def parsed(text: str, name: str) -> Any:
    """Return the value of JSON text. Raises DataError, with line and column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise DataError(f"{name} {place}: broken JSON: {error.msg}") from None
    except RecursionError:
        raise DataError(f"{name}: broken JSON: nested too deeply") from None
    except ValueError:
        raise DataError(f"{name}: broken JSON: a number of thousands of digits") from None


def not_export(file: DataFile, expected: str, value: Any) -> DataError:
    """Return the error of a file that holds something else."""
    return DataError(f"{file.name} is not {expected}: it holds {_described(value)}")


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {listed([repr(key)[1:-1] for key in value]) or '(none)'}"
    if isinstance(value, list) and value:
        return f"a list, first {_described(value[0])}"
    return "an empty list" if value == [] else kind(value)


def first_messages(messages: Any) -> list[dict[str, Any]]:
    """Return the first objects of a list; none of what is no list."""
    some = messages[:_LOOKED_AT] if isinstance(messages, list) else []
    return [message for message in some if isinstance(message, dict)]


def places(
    messages: Iterable[Any], file: DataFile, entry: Callable[[dict[str, Any], Where], Entry],
    start: int = 1,
) -> Iterator[Place]:  # fmt: skip
    """Yield what `entry` makes of each message, or why it cannot, with its number."""
    for number, message in enumerate(messages, start):
        where = Where(file.name, "message", number)
        yield where, _entry_or_fault(message, where, entry)


def _entry_or_fault(
    message: Any, where: Where, entry: Callable[[dict[str, Any], Where], Entry]
) -> Entry | RowFault:
    try:
        if not isinstance(message, dict):
            raise RowFault(f"is {kind(message)}, not a message")
        return entry(message, where)
    except RowFault as fault:
        return fault


def in_order(rows: Iterable[Place]) -> Iterator[Place]:
    """Yield all faults, then the entries chat by chat, each in the order of time."""
    chats: dict[str, list[Entry]] = {}
    for where, row in rows:
        if isinstance(row, RowFault):
            yield where, row
        else:
            chats.setdefault(row.chat, []).append(row)
    for entries in chats.values():
        for entry in _by_time(entries):
            yield entry.where, entry


def _by_time(entries: list[Entry]) -> list[Entry]:
    """Sort by time, those without one after the entry before them; a zone is given to all."""
    zoned = any(entry.time is not None and entry.time.tzinfo for entry in entries)
    zone = datetime.UTC if zoned else None
    latest = datetime.datetime.min.replace(tzinfo=zone)
    keyed: list[tuple[datetime.datetime, int, Entry]] = []
    for at, entry in enumerate(entries):
        if entry.time is not None:
            if zoned and entry.time.tzinfo is None:
                entry = entry._replace(time=entry.time.replace(tzinfo=zone))
            latest = entry.time or latest
        keyed.append((latest, at, entry))
    return [entry for _, _, entry in sorted(keyed, key=lambda item: item[:2])]


def epoch(value: object, key: str, per_second: int = 1) -> datetime.datetime:
    """Return a count of seconds since 1970, or of parts of them. Raises RowFault."""
    found = None if isinstance(value, bool) else _SECONDS.fullmatch(str(value)[:40])
    if found is None:
        raise RowFault(f"no time in {key!r}: {str(value)[:40]!r}")
    micros = int(found[1]) * 1_000_000 + int((found[2] or "0")[:6].ljust(6, "0"))
    try:
        return _EPOCH + datetime.timedelta(microseconds=micros // per_second)
    except OverflowError:
        raise RowFault(f"no time in {key!r}: {str(value)[:40]!r} is too large") from None


def iso(value: object, key: str) -> datetime.datetime:
    """Return an ISO time, without a zone where it names none. Raises RowFault."""
    try:
        return datetime.datetime.fromisoformat(value) if isinstance(value, str) else _no_time()
    except ValueError:
        raise RowFault(f"no time in {key!r}: {str(value)[:40]!r}") from None


def _no_time() -> datetime.datetime:
    raise ValueError


def text_of(message: dict[str, Any], key: str) -> str:
    """Return the text under a key, empty where there is none. Raises RowFault."""
    return as_text(message.get(key), key).strip()


def shown(name: object) -> str:
    """Return the name of a chat as text that can be written down."""
    return "" if name is None else str(name).encode("utf-8", "replace").decode("utf-8")
