"""In which encoding a text is: by mark, by its bytes, by its letters, or as asked."""

import io
import json
from pathlib import Path

import pytest

from ftrecipe.data.example import RowFault
from ftrecipe.data.files import data_files
from ftrecipe.data.files.encoding import detect
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.errors import DataError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "encodings"

SENTENCES = {
    "french": "Une fenêtre, un garçon, le cœur : c'est Molière, à Paris, où l'été…",
    "german": "Die Straße ist schön, über den Flüssen wächst Gras",
    "spanish": "¿Dónde está el niño? ¡Mañana por la mañana!",
    "icelandic": "Það er gott að þú komst í dag, já",
    "english": "It’s a “test” — really…",
    "one_word": "café",
    "polish": "Zażółć gęślą jaźń, proszę państwa; był to piękny dzień",
    "czech": "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "hungarian": "Árvíztűrő tükörfúrógép, szép őszi idő",
    "turkish": "Şu çılgın Türk, ığdır'da güneşli bir gün geçirdi",
    "lithuanian": "Ąžuolas, čia yra ėjimas, šįryt, ūkis, žmogus",
    "russian": "Привет, как дела? Съешь ещё этих мягких булок",
    "small": "привет как дела",
    "ukrainian": "Привіт, як справи? Її їжак",
    "greek": "Καλημέρα, τι κάνετε; Η Ελλάδα είναι όμορφη",
    "hebrew": "שלום עולם, מה שלומך היום",
    "arabic": "مرحبا بالعالم، كيف حالك اليوم",
    "thai": "สวัสดีครับ วันนี้อากาศดีมาก",
    "simplified": "你好，世界。今天天气很好，我们去公园吧。",
    "traditional": "你好，世界。今天天氣很好，我們去公園吧。",
    "thanks": "謝謝你",
    "japanese": "こんにちは、世界。今日はいい天気ですね。",
    "korean": "안녕하세요 세계. 오늘 날씨가 참 좋습니다.",
}
WRITTEN = {
    "cp1252": "french german spanish icelandic english one_word",
    "mac-roman": "french german spanish",
    "cp850": "german spanish",
    "cp1250": "polish czech hungarian",
    "iso8859-2": "polish czech hungarian",
    "cp1254": "turkish",
    "cp1257": "lithuanian",
    "cp1251": "russian small ukrainian",
    "koi8-r": "russian small",
    "cp866": "russian",
    "cp1253": "greek",
    "cp1255": "hebrew",
    "cp1256": "arabic",
    "cp874": "thai",
    "gb18030": "simplified",
    "big5": "traditional thanks",
    "cp932": "japanese",
    "euc_jp": "japanese",
    "euc_kr": "korean",
    "utf-8": "french russian japanese",
    "utf-16-le": "french simplified",
    "utf-16-be": "russian japanese",
    "utf-32-le": "english",
    "iso2022_jp": "japanese",
}
CASES = [(encoding, which) for encoding, names in WRITTEN.items() for which in names.split()]


def found(data: bytes) -> str:
    return detect(io.BytesIO(data), "x")


@pytest.mark.parametrize(
    "form", ['[{"instruction": "What?", "output": "%s"}]\n', "a,b\n1,%s\n2,yes\n"]
)
@pytest.mark.parametrize(("encoding", "which"), CASES)
def test_a_sentence_in_a_file_of_records_is_read_as_it_was_written(encoding, which, form):
    text = form % SENTENCES[which]
    data = text.encode(encoding)
    assert data.decode(found(data)) == text


@pytest.mark.parametrize(
    ("encoding", "which"),
    [case for case in CASES if "utf" not in case[0] and case != ("iso8859-2", "hungarian")],
)  # Hungarian has the same bytes in cp1250
def test_the_encoding_is_named_as_python_names_it(encoding, which):
    assert found(SENTENCES[which].encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8-sig",) * 2, ("utf-16",) * 2, ("utf-32",) * 2, ("ascii", "utf-8")],
)
def test_marks_and_plain_ascii_are_recognised(encoding, name):
    assert found("a,b\n1,2\n".encode(encoding)) == name


def test_one_broken_byte_does_not_make_utf8_something_else():
    assert found("déjà vu, naïve café\n".encode() * 50 + b"caf\xe9\n") == "utf-8"


def test_a_stray_byte_in_a_long_ascii_file_is_a_broken_one():
    assert found(b"all is plain here\n" * 500 + b"but \xff this\n") == "utf-8"


@pytest.mark.parametrize("word", [
    "café", "Zoë", "São Paulo", "Ångström", "a fiancée", "RÉSUMÉ", "à la carte", "it’s", "“so”",
    "£5", "10 €", "20 °C", "wait…", "½ cup", "© 2024",
])  # fmt: skip
def test_a_lone_accent_or_sign_where_it_belongs_makes_a_long_ascii_file_cp1252(word):
    rows = b"all is plain here\n" * 300
    assert found(rows + f"but {word} here\n".encode("cp1252") + rows) == "cp1252"


@pytest.mark.parametrize("bad", [
    b"but \x80 this", b"caf\xc3 this", b"it\xe2\x80 s", b"hi \xf0\x9f\x98 there", b"a\x81b",
    b"\xfe\xff", b"word \xe2 next", b"caf\xc3s",
])  # fmt: skip
def test_what_no_text_in_cp1252_has_is_broken_utf8(bad):
    rows = b"all is plain here\n" * 300
    assert found(rows + bad + b"\n" + rows) == "utf-8"


@pytest.mark.parametrize("bad", [
    b"\xff", b"\xfe", b"\xff\xfe", b"\x80", b"\x81", b"\x80\x81", b"\xc3(", b"\xc0\xaf",
    b"\xe2\x82(", b"\xf0(\x8c\xbc", b"\xf0\x90(\xbc", b"\xf8\xa1\xa1\xa1\xa1", b"\xed\xa0\x80",
    b"\xff\xff\xff", b"\xf5\x80\x80\x80", b"\xca\xfe\xba\xbe", b"\xa0\xa1", b"\xe2(\xa1",
])  # fmt: skip
@pytest.mark.parametrize("more", ["", "déjà\n"])
def test_broken_bytes_in_a_short_file_are_no_other_encoding(bad, more):
    assert found(b'{"a": "one"}\n{"a": "bad ' + bad + b' here"}\n' + more.encode()) == "utf-8"


def test_a_stray_nul_does_not_make_ascii_a_text_in_utf16():
    assert found(b'{"text": "one"}\n{"text": "t\0wo"}\n') == "utf-8"


def test_a_character_cut_by_the_end_of_what_is_read_at_once_is_whole():
    data = b"a" * (2**20 - 1) + "é".encode() + b"\n"
    assert found(data) == "utf-8"


def test_letters_far_into_a_file_decide_too():
    data = b"nothing but ascii\n" * 100_000 + "Привет, как дела? Всё хорошо\n".encode("cp1251") * 3
    assert found(data) == "cp1251"


def test_a_long_line_of_ascii_takes_no_time():
    assert found("é\n".encode() + b"a" * 2**22) == "utf-8"
    assert found(b"a" * 2**20 + "Привет, как дела? Всё хорошо".encode("cp1251")) == "cp1251"


def test_an_encoding_that_is_asked_for_is_used(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(json.dumps({"a": "ж"}, ensure_ascii=False).encode("cp866"))
    [file] = data_files(tmp_path / "x.jsonl", ENDINGS, encoding="ibm866")
    assert file.encoding == "cp866"
    assert [row for _, row in read_file(file)] == [{"a": "ж"}]


@pytest.mark.parametrize(
    ("name", "hint"),
    [("cp1521", "did you mean cp125"), ("rot13", "no encoding"), ("utf-9", "did you mean utf-8")],
)
def test_an_encoding_that_does_not_exist_is_refused(tmp_path, name, hint):
    (tmp_path / "x.jsonl").write_text("{}")
    with pytest.raises(DataError, match=f"dataset.encoding={name}.*{hint}"):
        data_files(tmp_path / "x.jsonl", ENDINGS, encoding=name)


def test_half_a_character_of_utf16_costs_its_row(tmp_path):
    text = '{"a": "x"}\n{"a": "?"}\n'.encode("utf-16-le").replace(b"?\0", b"\x00\xd8")
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe" + text)
    [file] = data_files(tmp_path / "x.jsonl", ENDINGS)
    first, second = [row for _, row in read_file(file)]
    assert first == {"a": "x"}
    assert isinstance(second, RowFault)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real samples are not here")
@pytest.mark.parametrize(("name", "encoding", "begins"), [
    ("sample-chinese.txt", "big5", "維基大典（Wikipedia）者，網路為礎"),
    ("sample-french-1.txt", "cp1252", "JEAN-BAPTISTE POQUELIN MOLIÈRE"),
    ("sample-russian-2.txt", "utf-8", "В гимназии он не был в числе"),
    ("sample-english.bom.txt", "utf-8-sig", "1\n00:00:06,500"),
])  # fmt: skip
def test_real_samples_are_read(name, encoding, begins):
    [file] = data_files(SHARED / name, (".txt",))
    assert file.encoding == encoding
    with file.text() as text:
        assert text.read().replace("\r\n", "\n").startswith(begins)
