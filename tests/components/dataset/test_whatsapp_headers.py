"""Dates, clocks and names in the headers that phones of many languages write."""

import datetime
from pathlib import Path

import pytest

from ftrecipe.components.dataset.whatsapp import DateOrder, WhatsApp
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault
from ftrecipe.data.files import data_files
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading

AFTERNOON = datetime.datetime(2024, 1, 5, 15, 22)
MORNING = datetime.datetime(2024, 1, 5, 3, 22)


def read(folder: Path, text: str, order: DateOrder = DateOrder.auto) -> list[Entry | RowFault]:
    path = folder / "chat.txt"
    path.write_bytes(text.encode())
    return [entry for _, entry in WhatsApp(date_order=order).entries(data_files(path, [".txt"]))]


def said(folder: Path, text: str) -> list[tuple[str | None, str]]:
    return [(e.sender, e.text) for e in read(folder, text) if isinstance(e, Entry)]


def report(folder: Path, text: str) -> Reading:
    path = folder / "chat.txt"
    path.write_bytes(text.encode())
    reading = Reading(str(path))
    list(read_examples(WhatsApp(path=str(path)), reading, Cleaning([])))
    return reading


HEADERS = {
    "Android, British": "05/01/2024, 15:22 - ",
    "Android, American": "1/5/24, 3:22 PM - ",
    "Android, American, narrow space": "1/5/24, 3:22\u202fPM - ",
    "Android, underscore": "1/5/24, 3:22_PM - ",
    "Android, Indian": "05/01/24, 3:22 pm - ",
    "Android, Spanish": "5/1/24, 3:22 p. m. - ",
    "Android, Spanish, no-break": "5/1/24, 3:22 p.\u00a0m. - ",
    "Android, Spanish, no comma": "5/1/2024 15:22 - ",
    "Android, German": "05.01.24, 15:22 - ",
    "Android, Finnish": "5.1.2024 klo 15.22 - ",
    "Android, French": "05/01/2024 à 15:22 - ",
    "Android, Canadian French": "2024-01-05 15 h 22 - ",
    "Android, Italian": "05/01/24, 15:22 - ",
    "Android, Dutch": "05-01-2024 15:22 - ",
    "Android, Swedish": "2024-01-05 15:22 - ",
    "Android, Hungarian": "2024. 01. 05. 15:22 - ",
    "Android, Hungarian, twelve hours": "2024. 01. 05. du. 3:22 - ",
    "Android, Korean": "2024년 1월 5일 오후 3:22, ",
    "Android, Korean, dash": "2024. 1. 5. 오후 3:22 - ",
    "Android, Chinese": "2024/1/5 下午3:22 - ",
    "Android, Chinese, words": "2024年1月5日 下午3:22 - ",
    "Android, Japanese": "2024/01/05 15:22 - ",
    "Android, Arabic": "٥\u200f/١\u200f/٢٠٢٤، ٣:٢٢ م - ",
    "Android, Persian digits": "۲۰۲۴/۱/۵،\u200f ۱۵:۲۲ - ",
    "Android, Hindi": "5/1/24, 3:22 अपराह्न - ",
    "Android, Hindi digits": "०५/०१/२०२४, १५:२२ - ",
    "Android, Bengali digits": "৫/১/২৪, ৩:২২ PM - ",
    "Android, Thai year": "5/1/2567 15:22 - ",
    "Android, Thai digits": "๕/๑/๒๕๖๗ ๑๕:๒๒ - ",
    "Android, Thai era": "5/1/67 พ.ศ. 15:22 - ",
    "Android, Vietnamese": "05/01/2024, 3:22 CH - ",
    "Android, Vietnamese, clock first": "15:22, 05/01/2024 - ",
    "Android, Greek": "5/1/24, 3:22 μ.μ. - ",
    "Android, Turkish": "05.01.2024 ÖS 3:22 - ",
    "Android, Albanian": "5.1.2024, 3:22 e pasdites - ",
    "Android, Bulgarian": "5.01.24 г., 15:22 - ",
    "Android, Croatian": "05. 01. 2024. u 15:22 - ",
    "Android, Czech": "05.01.24 15:22 - ",
    "Android, en dash": "05/01/2024, 15:22 – ",
    "Android, Chinese republic": "民國113年1月5日 下午3:22 - ",
    "Android, Persian year": "۱۴۰۲/۱۰/۱۵،\u200f ۱۵:۲۲ - ",
    "iOS, British": "[05/01/2024, 15:22:00] ",
    "iOS, American": "[1/5/24, 3:22:00\u202fPM] ",
    "iOS, marked": "\u200e[05/01/2024, 15:22:00] \u200e",
    "iOS, isolated": "\u2068[05/01/2024, 15:22:00]\u2069 ",
    "iOS, German": "[05.01.24, 15:22:00] ",
    "iOS, Danish": "[05.01.2024 15.22.00] ",
    "iOS, Chinese": "[2024/1/5 下午3:22:00] ",
    "iOS, Japanese": "[2024/01/05 15:22:00] ",
    "iOS, Japanese, era": "[令和6年1月5日 15:22:00] ",
    "iOS, Japanese, short era": "[R6/1/5 15:22:00] ",
    "iOS, Korean": "[2024. 1. 5. 오후 3:22:00] ",
    "iOS, Korean, short year": "[24. 1. 5. 오후 3:22:00] ",
    "iOS, Arabic": "[٥/١/٢٠٢٤، ٣:٢٢:٠٠ م] ",
    "iOS, Hebrew": "[5.1.2024, 15:22:00] ",
    "iOS, Spanish": "[5/1/24, 3:22:00 p.\u00a0m.] ",
    "iOS, Portuguese": "[05/01/24, 15:22:00] ",
    "iOS, French": "[05/01/2024 à 15:22:00] ",
    "iOS, Islamic year": "[23/6/1445 هـ، 15:22:00] ",
    "iOS before 2018": "05/01/2024, 15:22:00: ",
    "web": "[15:22, 05/01/2024] ",
    "web, American": "[3:22 PM, 1/5/2024] ",
    "brackets, no comma": "[05/01/24 15:22] ",
    "no space after the comma": "05/01/2024,15:22 - ",
    "round brackets": "(05/01/2024, 15:22:00) ",
    "nothing before the name": "05. 01. 2024. 15:22:00 ",
    "nothing before the name, twelve hours": "05/01/2024 3:22 p.m. ",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_header_of_any_language_is_read(tmp_path: Path, header: str) -> None:
    text = f"{header}Ann: one\n{header}Bob: two\nmore\n{header}Ann: three\n"
    order = DateOrder.mdy if "1/5/2" in header and "PM" in header else DateOrder.auto
    entries = [e for e in read(tmp_path, text, order) if isinstance(e, Entry)]
    assert [(e.sender, e.text) for e in entries] == [
        ("Ann", "one"),
        ("Bob", "two\nmore"),
        ("Ann", "three"),
    ]
    assert {e.time for e in entries} == {AFTERNOON}


@pytest.mark.parametrize(
    "marker",
    ["AM", "am", "a.m.", "a. m.", "오전", "上午", "午前", "ص", "SA", "öö", "πμ", "de.", "पूर्वाह्न"],
)
def test_markers_of_the_morning_leave_the_hour(tmp_path: Path, marker: str) -> None:
    [entry] = read(tmp_path, f"5/1/2024, 3:22 {marker} - Ann: hi")
    assert isinstance(entry, Entry)
    assert entry.time == MORNING


def test_twelve_is_midnight_in_the_morning_and_noon_after_it(tmp_path: Path) -> None:
    text = "15/1/24, 12:10 am - A: x\n15/1/24, 12:10 pm - A: y\n15/1/24, 00:10 a. m. - A: z"
    hours = [e.time.hour for e in read(tmp_path, text) if isinstance(e, Entry) and e.time]
    assert hours == [0, 12, 0]


def days(folder: Path, *dates: str, clock: str = "10:00") -> list[str]:
    text = "\n".join(f"{date}, {clock} - Ann: hi" for date in dates)
    return [
        e.time.date().isoformat() for e in read(folder, text) if isinstance(e, Entry) and e.time
    ]


def test_one_day_above_twelve_tells_the_order_of_all(tmp_path: Path) -> None:
    assert days(tmp_path, "05/01/2024", "13/01/2024") == ["2024-01-05", "2024-01-13"]
    assert days(tmp_path, "01/05/2024", "01/13/2024") == ["2024-01-05", "2024-01-13"]


def test_time_does_not_go_back_where_an_order_keeps_it(tmp_path: Path) -> None:
    assert (
        days(tmp_path, "11/12/2023", "01/02/2024", "01/03/2024", "02/01/2024")[-1] == "2024-02-01"
    )


def test_a_year_comes_first_with_two_digits_where_nothing_else_does(tmp_path: Path) -> None:
    assert days(tmp_path, "24-01-05", "24-01-06") == ["2024-01-05", "2024-01-06"]
    assert days(tmp_path, "24-01-15", "24-01-16", clock="오전 10:00") == [
        "2024-01-15",
        "2024-01-16",
    ]
    assert days(tmp_path, "24-01-15", "24-01-16") == ["2015-01-24", "2016-01-24"]


@pytest.mark.parametrize("order", [DateOrder.auto, DateOrder.dmy])
@pytest.mark.parametrize("wrong", ["31.02.24", "30.02.24", "15.13.24", "32.01.24"])
def test_one_impossible_date_is_text_and_changes_no_other(
    tmp_path: Path, order: DateOrder, wrong: str
) -> None:
    dates = ["05.01.24", "06.01.24", "07.02.24"]
    text = "".join(f"{date}, 10:00 - Ann: hi\n" for date in dates) + f"{wrong}, 10:00 - Bob: ho"
    entries = [e for e in read(tmp_path, text, order) if isinstance(e, Entry)]
    assert [e.time.date().isoformat() for e in entries if e.time] == [
        "2024-01-05", "2024-01-06", "2024-02-07"
    ]  # fmt: skip
    assert entries[-1].text == f"hi\n{wrong}, 10:00 - Bob: ho"


def test_an_impossible_date_before_all_others_is_a_malformed_row(tmp_path: Path) -> None:
    text = "31.02.24, 10:00 - Bob: ho\n15.01.24, 10:00 - Ann: hi\n16.01.24, 10:00 - Ann: hi"
    first, *rest = read(tmp_path, text)
    assert isinstance(first, RowFault)
    assert [e.sender for e in rest if isinstance(e, Entry)] == ["Ann", "Ann"]


def test_lines_with_impossible_dates_are_counted_in_a_note(tmp_path: Path) -> None:
    reading = report(tmp_path, "15.01.24, 10:00 - Ann: hi\n" * 9 + "31.02.24, 10:00 - Bob: ho")
    assert any("31.02.24" in note and "(1 in all)" in note for note in reading.notes)


def test_a_year_of_four_digits_comes_first_whatever_order_is_said(tmp_path: Path) -> None:
    [entry] = read(tmp_path, "2024-05-06, 10:00 - Ann: hi", DateOrder.dmy)
    assert isinstance(entry, Entry)
    assert entry.time == datetime.datetime(2024, 5, 6, 10)


@pytest.mark.parametrize("notice", [
    "Verpasster Sprachanruf", "Verpasster Videoanruf um 10:01", "Missed voice call",
    "Llamada de voz perdida", "Appel vocal manqué", "Chiamata vocale persa",
])  # fmt: skip
def test_a_missed_call_under_a_name_is_a_notice(tmp_path: Path, notice: str) -> None:
    text = f"15.01.24, 10:00 - Jürgen: Hallo\n15.01.24, 10:01 - Jürgen: {notice}\n"
    assert [e.sender for e in read(tmp_path, text) if isinstance(e, Entry)] == ["Jürgen", None]


def test_undecided_dates_are_day_first_and_said(tmp_path: Path) -> None:
    reading = report(tmp_path, "05/06/2024, 10:00 - Ann: hi\n05/06/2024, 10:01 - Bob: ho\n")
    assert reading.chat is not None
    assert reading.chat.first == datetime.datetime(2024, 6, 5, 10)
    assert any("05/06/2024" in note and "date_order" in note for note in reading.notes)


def test_undecided_american_dates_are_month_first(tmp_path: Path) -> None:
    assert days(tmp_path, "5/6/24", clock="3:00 PM") == ["2024-05-06"]


def test_dates_that_read_the_same_are_not_in_doubt(tmp_path: Path) -> None:
    assert report(tmp_path, "05/05/2024, 10:00 - Ann: hi\n").notes == []


def test_date_order_can_be_said(tmp_path: Path) -> None:
    [entry] = read(tmp_path, "05/06/2024, 10:00 - Ann: hi", DateOrder.mdy)
    assert isinstance(entry, Entry)
    assert entry.time == datetime.datetime(2024, 5, 6, 10)


def test_a_date_that_does_not_exist_is_text(tmp_path: Path) -> None:
    text = "15/01/2024, 10:00 - Ann: hi\n99/99/2024, 10:00 - Bob: ho\n15/01/2024, 29:00 - Bob: ho"
    [(sender, words)] = said(tmp_path, text)
    assert (sender, words.count("\n")) == ("Ann", 2)


def test_without_anything_before_the_name_a_day_has_to_exist(tmp_path: Path) -> None:
    text = "05.01.2024 15:22 Ann: hi\n41.01.2024 15:22 Bob: no\n05.01.2024 15:23 Bob: yes"
    assert said(tmp_path, text) == [("Ann", "hi\n41.01.2024 15:22 Bob: no"), ("Bob", "yes")]


def test_a_date_in_a_text_begins_no_message(tmp_path: Path) -> None:
    text = (
        "15/01/2024, 10:00 - Ann: dates:\n12/05/2024 was good\n12/05/2024, 10:30 is bad\n16/01/2024"
    )
    assert len(said(tmp_path, text)) == 1


def test_a_pasted_message_of_the_web_is_text(tmp_path: Path) -> None:
    text = "15/01/2024, 10:00 - Ann: look\n[10:30, 12/05/2024] Bob: hi\n15/01/2024, 10:01 - Bob: no"
    assert [sender for sender, _ in said(tmp_path, text)] == ["Ann", "Bob"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(tmp_path: Path, end: str) -> None:
    text = f"\ufeff15/01/2024, 10:00 - Ann: a{end}b{end}{end}c{end}15/01/2024, 10:01 - Bob: d{end}"
    assert said(tmp_path, text) == [("Ann", "a\nb\n\nc"), ("Bob", "d")]


def test_lines_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text("\nhello\n15/01/2024, 10:00 - A: a\nb\n\n15/01/2024, 10:01 - B: c\n")
    found = list(WhatsApp().entries(data_files(path, [".txt"])))
    assert [(w.number, isinstance(e, RowFault)) for w, e in found] == [
        (2, True),
        (3, False),
        (6, False),
    ]


NAMES = {
    "+44 7700 900123": "\u202a+44 7700 900123\u202c",
    "Dave": "~\u00a0Dave",
    "Eve": "~ Eve",
    "🤓": "🤓",
    "John-John - Doe": "John-John - Doe",
    "👨‍👩‍👧 Home": "👨‍👩‍👧 Home",
    "10:30 club": "10:30 club",
    "Bob": "\u2068Bob\u2069",
}


@pytest.mark.parametrize(("name", "written"), NAMES.items())
def test_a_name_is_read_without_marks(tmp_path: Path, name: str, written: str) -> None:
    assert said(tmp_path, f"15/01/2024, 10:00 - {written}: so: yes") == [(name, "so: yes")]


def test_a_name_with_colons_is_known_by_coming_again(tmp_path: Path) -> None:
    lines = ["Re: Zero: hi", "Ann: Re: what", "Re: Zero: ho: ha", "Re: Zero left", "Ann: PS: yes"]
    text = "\n".join(f"15/01/2024, 10:00 - {line}" for line in lines)
    assert said(tmp_path, text) == [
        ("Re: Zero", "hi"),
        ("Ann", "Re: what"),
        ("Re: Zero", "ho: ha"),
        (None, "Re: Zero left"),
        ("Ann", "PS: yes"),
    ]


def test_a_mark_of_the_app_shows_where_a_name_ends(tmp_path: Path) -> None:
    text = "[15/01/24, 10:00:00] Re: Zero: \u200eimage omitted\n[15/01/24, 10:00:01] Re: Zero: hi"
    entries = [e for e in read(tmp_path, text) if isinstance(e, Entry)]
    assert [(e.sender, e.kind) for e in entries] == [
        ("Re: Zero", Kind.media),
        ("Re: Zero", Kind.message),
    ]


def test_words_before_colons_are_no_name_unless_all_are_alike(tmp_path: Path) -> None:
    lines = ["Ann: Plan: go", "Ann: Plan: stay", "Ann: no plan", "Bob: hi"]
    text = "\n".join(f"15/01/2024, 10:00 - {line}" for line in lines)
    assert {sender for sender, _ in said(tmp_path, text)} == {"Ann", "Bob"}


def test_an_empty_message_has_a_sender(tmp_path: Path) -> None:
    text = "15/01/2024, 10:00 - Ann: \n15/01/2024, 10:01 - Bob:\n15/01/2024, 10:02 - Ann: x"
    assert said(tmp_path, text) == [("Ann", ""), ("Bob", ""), ("Ann", "x")]
