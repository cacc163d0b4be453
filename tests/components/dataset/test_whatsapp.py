"""Whole WhatsApp exports: counts, archives, what is refused, and arbitrary input."""

import datetime
import json
import sys
import zipfile
from pathlib import Path

import export_reading
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning.boilerplate import Boilerplate
from ftrecipe.components.dataset.whatsapp import WhatsApp
from ftrecipe.components.dataset.whatsapp import headers as headers_module
from ftrecipe.components.dataset.whatsapp.survey import Survey
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.entries import Entry
from ftrecipe.data.files import data_files
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import ChatCount, Reading
from ftrecipe.errors import DataError

FIXTURES = export_reading.FIXTURES / "whatsapp"
SHARED = export_reading.SHARED
CHAT = "15/01/2024, 10:00 - Ann: hi\n15/01/2024, 10:01 - Bob: ho\n"


def counted(path: Path) -> ChatCount:
    chat = export_reading.read("whatsapp", path).chat
    assert chat is not None
    return chat


def numbers(path: Path) -> tuple[int, int, int, int, int]:
    chat = counted(path)
    return chat.messages, chat.system_entries, chat.media, chat.deleted, chat.edited


def test_a_group_of_an_iphone_is_counted_exactly() -> None:
    chat = counted(FIXTURES / "ios_german.txt")
    assert numbers(FIXTURES / "ios_german.txt") == (6, 5, 2, 1, 1)
    assert dict(chat.senders) == {"Anna": 2, "Bernd": 3, "+49 170 1234567": 1}
    assert chat.first == datetime.datetime(2024, 1, 5, 18, 3, 10)
    assert chat.last == datetime.datetime(2024, 1, 13, 9, 2)


def test_a_group_of_an_android_phone_is_counted_exactly() -> None:
    chat = counted(FIXTURES / "android_spanish.txt")
    assert numbers(FIXTURES / "android_spanish.txt") == (6, 3, 3, 1, 0)
    assert dict(chat.senders) == {"Marta": 3, "Luis Ñ.": 2, "+34 612 34 56 78": 1}
    assert (chat.first, chat.last) == (
        datetime.datetime(2023, 2, 28, 21, 16),
        datetime.datetime(2023, 3, 1, 12, 3),
    )


@export_reading.needs_shared
@pytest.mark.parametrize(
    "name",
    ["ddmmyy_24hrs", "mmddyy_24hrs", "mmddyyyy_12hrs", "yyyymmdd_24hrs", "bracket_mmddyy_24hrs"],
)
def test_chat_miner_agrees_with_us_on_its_own_files(name: str) -> None:
    folder = SHARED / "whatsapp-chat-miner"
    path = folder / f"test_{name}.txt"
    wanted = json.loads((folder / "chat_miner_expected.json").read_text(encoding="utf-8"))
    ours = [e for e in export_reading.entries("whatsapp", path) if e.sender is not None]
    rows = [(e.time and e.time.isoformat(), e.sender, e.text.replace("\n", " ")) for e in ours]
    assert rows[::-1] == [(row["timestamp"], row["author"], row["message"]) for row in wanted]
    assert numbers(path) == (6, 3, 0, 0, 0)


REAL = {
    "whatsapp-chatpack/whatsapp_export.txt": ((7, 0, 0, 0, 0), 2),
    "whatsapp-langchain/whatsapp_ios_12h.txt": ((11, 1, 3, 0, 0), 2),
    "whatsapp-langchain/whatsapp_mixed_headers.txt": ((10, 0, 1, 1, 0), 7),
    "whatsapp-locket/sarah.txt": ((145, 0, 1, 0, 0), 2),
    "whatsapp-locket/team.txt": ((187, 3, 1, 0, 0), 4),
    "whatsapp-locket/whatsapp_android.txt": ((6, 2, 1, 1, 1), 2),
    "whatsapp-locket/whatsapp_ios.txt": ((3, 0, 1, 0, 0), 2),
}


@export_reading.needs_shared
@pytest.mark.parametrize(("name", "wanted"), REAL.items())
def test_real_exports_are_counted_exactly(name: str, wanted: tuple[tuple[int, ...], int]) -> None:
    assert (numbers(SHARED / name), len(counted(SHARED / name).senders)) == wanted


def test_the_zip_of_a_phone_is_one_chat(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Ann.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_chat.txt", CHAT)
        archive.writestr("00000002-PHOTO-2024-01-15-10-00-00.jpg", b"\xff\xd8\xff")
        archive.writestr("notes.txt", "milk\neggs\n")
    reading = export_reading.read("whatsapp", path)
    assert reading.chat is not None
    assert reading.chat.messages == 2
    assert any("notes.txt" in note for note in reading.notes)


def test_texts_beside_the_folder_of_a_zipped_chat_are_no_chats(tmp_path: Path) -> None:
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Chat/_chat.txt", CHAT)
        archive.writestr("readme.txt", "milk\neggs\n")
        archive.writestr("Other/talk.txt", CHAT)
    reading = export_reading.read("whatsapp", path)
    assert reading.chat is not None
    assert reading.chat.messages == 4
    assert any("readme.txt" in note for note in reading.notes)


def test_zips_in_a_folder_are_chats_of_their_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr(f"WhatsApp Chat with {name}.txt", CHAT)
    assert len({entry.chat for entry in export_reading.entries("whatsapp", tmp_path)}) == 2


@pytest.mark.parametrize("content", ["", "just words\nand more\n", "12/13/2024 was fine"])
def test_a_text_without_headers_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=r"notes\.txt"):
        export_reading.entries("whatsapp", path)


def test_lines_before_the_first_message_are_malformed(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("\nexported today\n99/99/2024, 10:00 - Ann: hi\n" + CHAT)
    reading = export_reading.read("whatsapp", path)
    assert (reading.rows, reading.malformed) == (4, 2)
    assert reading.first is not None
    assert reading.first["line"] == 2


def test_a_byte_of_no_character_makes_one_message_malformed(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_bytes(
        "15/01/2024, 10:00 - Ann: é\n".encode() * 40 + b"15/01/2024, 10:00 - Ann: \xff\n"
    )
    reading = export_reading.read("whatsapp", path)
    assert (reading.rows, reading.malformed) == (41, 1)


def test_a_message_longer_than_what_is_read_at_once_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers_module, "BLOCK", 16)
    path = tmp_path / "chat.txt"
    text = "\n".join(f"line {number}" for number in range(50))
    path.write_text(f"15/01/2024, 10:00 - Ann: {text}\n" + CHAT)
    entries = export_reading.entries("whatsapp", path)
    assert [(e.where.number, e.text) for e in entries] == [(1, text), (51, "hi"), (52, "ho")]


def test_a_large_export_is_read_again_instead_of_being_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("head\n" + CHAT * 3)
    kept = list(WhatsApp().entries(data_files(path, [".txt"])))
    monkeypatch.setattr(sys.modules[Survey.__module__], "_KEPT", 10)
    assert list(map(str, WhatsApp().entries(data_files(path, [".txt"])))) == list(map(str, kept))


def test_an_export_is_known_by_its_text() -> None:
    for path in FIXTURES.glob("*.txt"):
        assert WhatsApp.fits_text(path.read_text(encoding="utf-8"))
    assert WhatsApp.fits_text("exported\n" + CHAT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Once upon a time.\nIt rained.",
        '{"messages": []}\n' * 9,
        "99/99/2024, 10:00 - A: b",
        "a\nb\nc\nd\n" + CHAT,
        "2024-01-05 10:00 - start\n" + "word\n" * 50,
    ],
)
def test_other_texts_are_no_export(text: str) -> None:
    assert not WhatsApp.fits_text(text)


@given(
    content=st.binary(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                b"15/01/2024, 10:00 - ",
                b"[15/1/24, 10:00:00 PM] ",
                "\u200e".encode(),
                b"Ann: ",
                b": ",
                b"\n",
                b"\r",
                b"<Media omitted>",
                b"99/99/9999 24:60 - ",
                "民國113年1月5日 下午3:22".encode(),
                b"\xff",
                b"\x00",
                b'"',
                "٥/١/٢٠٢٤، ٣:٢٢ م - ".encode(),
                b"00/00/00, 24:00 - ",
                b"<This message was edited>",
                b"x",
                "令和".encode(),
                b"13/13/13, 13:13 - ",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_bytes_are_rows_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "chat.txt"
    path.write_bytes(content)
    reading, cleaning = Reading(str(path)), Cleaning.of([Boilerplate()], Quarantine(None))
    used, refused = 0, ""
    try:
        used = sum(e.rows for e in read_examples(WhatsApp(path=str(path)), reading, cleaning))
    except DataError as error:
        refused = str(error)
    dropped = sum(log.dropped for _, log in cleaning.steps) + sum(reading.left.values())
    assert "chat.txt" in refused or reading.rows == used + dropped + reading.malformed


DIALECTS = {
    "british": ("{t:%d/%m/%Y, %H:%M} - ", "\n"),
    "american": ("{t.month}/{t.day}/{t:%y}, {h}:{t:%M} {t:%p} - ", "\n"),
    "iphone": ("\u200e[{t:%d.%m.%y, %H:%M}:00] ", "\r\n"),
    "iso": ("{t:%Y-%m-%d %H:%M} - ", "\n"),
    "korean": ("[{t.year}. {t.month}. {t.day}. {half} {h}:{t:%M}:00] ", "\n"),
}
_WORD = st.text(
    st.characters(
        blacklist_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Nd"],
        blacklist_characters=':：<>()/~"“„«「『‹《',
    ),
    min_size=1,
    max_size=8,
)
_TEXTS = st.lists(_WORD.map(lambda word: f"x{word}x"), min_size=1, max_size=4).map("\n".join)
_CHATS = st.lists(
    st.tuples(
        st.sampled_from(["Ann", "Bob Ö", "+44 7700 900123", "🤓", "J-J - D"]),
        st.integers(0, 900_000),
        _TEXTS,
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("name", DIALECTS)
@given(chat=_CHATS)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_chat_of_any_dialect_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, chat: list[tuple[str, int, str]]
) -> None:
    header, end = DIALECTS[name]
    start, minutes = datetime.datetime(2023, 1, 13, 0, 5), 0  # its day tells the order
    lines, wanted = [], []
    for sender, later, text in [("Ann", 0, "first"), *chat]:
        minutes += later
        t = start + datetime.timedelta(minutes=minutes)
        half = "오전" if t.hour < 12 else "오후"
        lines.append(header.format(t=t, h=t.hour % 12 or 12, half=half) + f"{sender}: {text}")
        wanted.append((t, sender, text))
    path = tmp_path_factory.mktemp("round") / "chat.txt"
    path.write_bytes("\n".join(lines).replace("\n", end).encode())
    found = export_reading.entries("whatsapp", path)
    assert [(e.time, e.sender, e.text) for e in found if isinstance(e, Entry)] == wanted
