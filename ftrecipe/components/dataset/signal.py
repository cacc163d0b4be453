"""Signal: exports as text, and as the JSON that tools around Signal write."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.json_export import (
    NO_TEXT,
    JsonExport,
    Place,
    in_order,
    iso,
    not_export,
    parsed,
    shown,
)
from ftrecipe.components.dataset.signal_json import Lines, is_line
from ftrecipe.data.columns import broken
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.errors import DataError

_HEAD = re.compile(r"\[(\d{4}-\d\d-\d\d),? (\d\d:\d\d(?::\d\d)?)\](?: (.*)|$)", re.ASCII)
_HEADS = re.compile(rf"^\ufeff?{_HEAD.pattern}", re.ASCII | re.MULTILINE)
# WhatsApp writes seconds after its comma; what has no comma shows its author in other ways.
_MINUTES = re.compile(r"\[\d{4}-\d\d-\d\d, \d\d:\d\d\]", re.ASCII)
_OWN = re.compile(r"^\[[\d -]{10} [\d:]{5,8}\] Me:|\]\(\.?/?media/|^\(- .* -\)\s*$", re.ASCII)
_SENDER = re.compile(r"([^:]{1,100}):(?: (.*)|$)", re.DOTALL)
_REACTIONS = re.compile(r"\s*\(- [^\n]* -\)\s*$")
_ATTACHMENT = re.compile(r"!?\[[^\]\n]*\]\(\.?/?media/[^)\n]*\)")
_JSON_LINES = (".jsonl", ".ndjson")


@GROUP.option("signal")
@dataclass
class Signal(JsonExport):
    """Text with `[2019-12-24, 12:23] Jane: Hello` (also signal-export's chat.md), or JSON.

    JSON is signal-export's data.json, signal-cli's received messages, Signal's own plain backup
    (main.jsonl), or rows of Signal Desktop's table of messages: a list, or one object a line.
    """

    narrow: ClassVar[bool] = True
    expected: ClassVar[str] = "an export of Signal ([2019-12-24, 12:23] Name: text, or JSON)"

    def endings(self) -> tuple[str, ...]:
        return (".json", *_JSON_LINES, ".txt", ".md")

    def chosen(self, files: list[DataFile]) -> list[DataFile]:
        """Return the files with messages; where there is JSON, chat.md says the same again."""
        folders = {PurePosixPath(f.name).parent for f in files if f.ending not in (".txt", ".md")}
        return [f for f in files
                if f.ending != ".md" or PurePosixPath(f.name).parent not in folders]  # fmt: skip

    def entries(self, files: list[DataFile]) -> Iterator[Place]:
        for file in self.chosen(files):
            with file.text() as opened:
                text = opened.read()
            if not text.strip():
                raise DataError(f"{file.name} is empty")
            read = _of_text if _HEADS.search(text) else _of_json
            yield from in_order(read(text, file))

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        some = value[:50] if isinstance(value, list) else [value]
        return any(isinstance(item, dict) and is_line(item) for item in some)

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        return is_line(record)  # one object a line

    @classmethod
    def fits_text(cls, head: str) -> bool:
        """Say whether the beginning of a text file has this format's first lines."""
        lines = [line for line in head.lstrip("\ufeff").splitlines()[:50] if line.strip()]
        if not lines or _HEAD.match(lines[0]) is None:
            return False
        return bool(_MINUTES.match(lines[0])) or any(_OWN.search(line) for line in lines)


def _of_text(text: str, file: DataFile) -> Iterator[Place]:
    """Yield an entry for each line with a date, and the lines that follow it."""
    chat = shown(file.name)
    start, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if _HEAD.match(line.lstrip("\ufeff")) and lines:
            yield from _entry_of_lines(lines, Where(file.name, "line", start), chat)
            lines = []
        start = start if lines else number
        lines.append(line)
    yield from _entry_of_lines(lines, Where(file.name, "line", start), chat)


def _entry_of_lines(lines: list[str], where: Where, chat: str) -> Iterator[Place]:
    if not "".join(lines).strip():
        return
    try:
        yield where, _entry(lines, where, chat)
    except RowFault as fault:
        yield where, fault


def _entry(lines: list[str], where: Where, chat: str) -> Entry:
    found = _HEAD.match(lines[0].lstrip("\ufeff"))
    if found is None:
        raise RowFault("text before the first message")
    refuse_bad_bytes("\n".join(lines))
    if broken("\n".join(lines)):
        raise RowFault("a broken character (half of a surrogate pair)")
    time = iso(f"{found[1]}T{found[2]}", "the date")
    said = "\n".join([found[3] or "", *lines[1:]]).strip()
    named = _SENDER.match(said)
    if named is None or not named[1].strip():
        return Entry(where, time, None, said or NO_TEXT, Kind.system, chat=chat)
    text, media = _words(named[2] or said[named.end() :])
    kind = Kind.message if text else Kind.media
    return Entry(where, time, named[1].strip(), text or NO_TEXT, kind, chat=chat, media=media)


def _words(text: str) -> tuple[str, bool]:
    """Return a message without quotes, reactions and attachments, and whether it had one."""
    lines = _REACTIONS.sub("", text).strip().split("\n")
    quoted = 0
    while quoted < len(lines) and (lines[quoted].startswith(">") or not lines[quoted].strip()):
        quoted += 1
    own = lines[quoted:] if quoted < len(lines) else lines
    bare = _ATTACHMENT.sub("", "\n".join(line.rstrip() for line in own))
    return bare.strip(), _ATTACHMENT.search(text) is not None


def _of_json(text: str, file: DataFile) -> Iterator[Place]:
    """Yield the entries of a list, or of one object a line."""
    reader = Lines(shown(PurePosixPath(file.name).parent))
    values = _values(text, file)
    if not any(is_line(value) for _, value in values[:1000] if isinstance(value, dict)):
        raise not_export(file, Signal.expected, [value for _, value in values if value is not None])
    for where, value in values:
        try:
            if isinstance(value, RowFault):
                raise value
            if (entry := reader.entry(value, where)) is not None:
                yield where, entry
        except RowFault as fault:
            yield where, fault


def _values(text: str, file: DataFile) -> list[tuple[Where, Any]]:
    """Return the objects of a list or of lines, with their places; of a bad line its fault."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start != "{":
        value = parsed(text, file.name)
        if not isinstance(value, list):
            raise not_export(file, Signal.expected, value)
        return [(Where(file.name, "message", n), item) for n, item in enumerate(value, 1)]
    if file.ending not in _JSON_LINES and (whole := _whole(text)) is not None:
        messages = whole.get("messages", [whole])
        listed = messages if isinstance(messages, list) else [whole]
        return [(Where(file.name, "message", n), item) for n, item in enumerate(listed, 1)]
    return [(Where(file.name, "line", number), _line(line))
            for number, line in enumerate(text.split("\n"), 1) if line.strip()]  # fmt: skip


def _whole(text: str) -> dict[str, Any] | None:
    """Return the one object that a file is; None for one object a line."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _line(line: str) -> Any:
    try:
        refuse_bad_bytes(line)
        return json.loads(line)
    except json.JSONDecodeError as error:
        return RowFault(f"broken JSON: {error.msg} (column {error.colno})")
    except (RecursionError, ValueError):
        return RowFault("broken JSON: nested too deeply, or a number of thousands of digits")
    except RowFault as fault:
        return fault
