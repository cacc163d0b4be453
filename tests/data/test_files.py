"""Reading files: every kind, every encoding, every fault with its place."""

import csv
import gzip
import json
from typing import Any

import pytest

from ftrecipe.data.example import RowFault
from ftrecipe.data.files import data_files
from ftrecipe.data.files.locate import locate
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.errors import DataError

ROWS = [{"question": "hé?", "answer": "yes, 1"}, {"question": "two", "answer": "no"}]
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
CSV = 'question,answer\nhé?,"yes, 1"\ntwo,no\n'


def read_path(path):
    for file in data_files(locate(str(path)), ENDINGS):
        yield from read_file(file)


def records(path) -> list[Any]:
    return [row for _, row in read_path(path)]


def faults(path):
    return [f"{where}: {row}" for where, row in read_path(path) if isinstance(row, RowFault)]


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.jsonl", JSONL),
        ("x.JSONL", JSONL),
        ("x.ndjson", JSONL.replace("\n", "\r\n\r\n")),
        ("x.json", json.dumps(ROWS)),
        ("x.json", json.dumps({"version": 1, "data": ROWS}, indent=1)),
        ("x.json", JSONL),
        ("x.csv", CSV),
        ("x.csv", CSV.replace("\n", "\r\n") + "\n\n"),
        ("x.csv", "question;answer\nhé?;yes, 1\ntwo;no\n"),
        ("x.tsv", "question\tanswer\nhé?\tyes, 1\ntwo\tno\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_gives_its_rows(tmp_path, name, text, encoding, packed):
    path = write(tmp_path / name, text, encoding)
    if packed:
        whole = gzip.compress(path.read_bytes())
        path = tmp_path / f"{name}.gz"
        path.write_bytes(whole)
    assert records(path) == ROWS


def test_parquet_gives_its_rows(tmp_path):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "x.parquet")
    assert records(tmp_path / "x.parquet") == ROWS
    packed = tmp_path / "y.parquet.gz"
    packed.write_bytes(gzip.compress((tmp_path / "x.parquet").read_bytes()))
    assert records(packed) == ROWS


def test_a_folder_gives_the_rows_of_its_files_in_order_with_their_names(tmp_path):
    (tmp_path / "more").mkdir()
    write(tmp_path / "b.csv", CSV)
    write(tmp_path / "more" / "a.jsonl", JSONL)
    write(tmp_path / ".hidden.jsonl", "broken")
    write(tmp_path / "README.txt", "not data")
    places = [str(where) for where, _ in read_path(tmp_path)]
    assert places == ["b.csv line 2", "b.csv line 3", "more/a.jsonl line 1", "more/a.jsonl line 2"]


def test_a_folder_of_text_files_gives_their_text(tmp_path):
    write(tmp_path / "b.txt", "two")
    write(tmp_path / "a.txt", "one")
    assert records(tmp_path) == [{"text": "one"}, {"text": "two"}]


def test_text_is_cut_at_blank_lines(tmp_path):
    path = write(tmp_path / "x.txt", "one\nstill one\n\n\ntwo\n\n")
    assert [(str(w), r) for w, r in read_path(path)] == [
        ("x.txt line 1", {"text": "one\nstill one"}),
        ("x.txt line 5", {"text": "two"}),
    ]


def test_text_without_blank_lines_has_one_document_a_line(tmp_path):
    path = write(tmp_path / "x.txt", "one\ntwo\n\n")
    assert records(path) == [{"text": "one"}, {"text": "two"}]


def test_a_csv_row_is_named_by_the_line_on_which_it_starts(tmp_path):
    text = 'question,answer\n"a\nb\nc",1\n\ntwo,2\nthree\n'
    path = write(tmp_path / "faq.csv", text)
    assert [str(where) for where, _ in read_path(path)] == [
        "faq.csv line 2",
        "faq.csv line 6",
        "faq.csv line 7",
    ]
    assert faults(path) == ["faq.csv line 7: has 1 cells, the header has 2"]


def test_a_quote_that_is_never_closed_is_named_where_it_opens(tmp_path):
    path = write(tmp_path / "faq.csv", 'question,answer\none,1\ntwo,"2\nthree,3\n')
    assert faults(path) == ["faq.csv line 3: a quote that is never closed"]


def test_a_cell_of_a_megabyte_is_read(tmp_path):
    with (tmp_path / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], ["x" * 2**20]])
    assert len(records(tmp_path / "x.csv")[0]["text"]) == 2**20


def test_broken_json_names_its_line_and_the_rows_after_it_are_read(tmp_path):
    path = write(tmp_path / "data.jsonl", '{"a": 1}\n' * 499 + '{"a": 1,,}\n' + '{"a": 1}\n')
    assert faults(path) == [
        "data.jsonl line 500: broken JSON: Expecting property name enclosed in double quotes"
        " (column 9)"
    ]
    assert len(records(path)) == 501


def test_the_only_line_of_json_lines_is_named_as_a_line(tmp_path):
    path = write(tmp_path / "x.jsonl", '{"a": 1}\n')
    assert [str(where) for where, _ in read_path(path)] == ["x.jsonl line 1"]


def test_a_line_that_is_not_an_object_is_a_fault(tmp_path):
    path = write(tmp_path / "x.jsonl", '[1]\n"a"\n3\nnull\n')
    assert faults(path) == [
        "x.jsonl line 1: is a list, not an object",
        "x.jsonl line 3: is a number, not an object",
        "x.jsonl line 4: is nothing, not an object",
    ]


def test_json_nested_beyond_reason_is_a_fault(tmp_path):
    path = write(tmp_path / "x.jsonl", "[" * 200_000 + "\n")
    assert len(faults(path)) == 1
    assert "nested too deeply" in faults(path)[0]


def test_an_item_of_an_array_is_named_by_its_row(tmp_path):
    path = write(tmp_path / "x.json", '[\n{"a": 1},\n\n2]')
    assert faults(path) == ["x.json row 2: is a number, not an object"]


def test_a_broken_array_keeps_the_rows_before_the_break_and_names_its_place(tmp_path):
    path = write(tmp_path / "x.json", '[\n{"a": 1},\n{"a" 2},\n{"a": 3}]')
    assert records(path)[0] == {"a": 1}
    assert faults(path) == [
        "x.json row 2: broken JSON: Expecting ':' delimiter (line 3, column 6); what follows in "
        "the file is not read"
    ]
    assert len(records(path)) == 2


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_one_broken_byte_of_a_utf8_file_names_its_line(tmp_path, name):
    text = (JSONL if name == "x.jsonl" else CSV).replace("hé", "hééé")
    path = tmp_path / name
    path.write_bytes(text.encode().replace(b"no", b"n\xff"))
    line = 2 if name == "x.jsonl" else 3
    assert faults(path) == [
        f"{name} line {line}: not UTF-8 text (byte 0xff); save the file as UTF-8, "
        "or set dataset.encoding"
    ]


def test_one_broken_byte_in_an_array_costs_its_row(tmp_path):
    text = '[\n{"a": "é, é, é"},\n{"a": "?"},\n{"a": "é"}]'.encode().replace(b"?", b"\xff")
    (tmp_path / "x.json").write_bytes(text)
    assert [isinstance(row, RowFault) for row in records(tmp_path / "x.json")] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.tsv", "x.txt"])
@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, name, text):
    with pytest.raises(DataError, match=f"^{name} is empty$"):
        records(write(tmp_path / name, text))


def test_an_empty_array_is_said_to_be_empty(tmp_path):
    with pytest.raises(DataError, match=r"^x.json is empty$"):
        records(write(tmp_path / "x.json", "[]"))


def test_a_header_alone_is_said_to_have_no_rows(tmp_path):
    with pytest.raises(DataError, match=r"^x.csv has a header and no rows$"):
        records(write(tmp_path / "x.csv", "question,answer\n"))


def test_a_column_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"x.csv has more than one column answer"):
        records(write(tmp_path / "x.csv", "answer,answer\n1,2\n"))


def test_a_file_that_is_no_parquet_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"x.parquet is not a Parquet file"):
        records(write(tmp_path / "x.parquet", "hello"))


def test_a_cut_gzip_file_is_refused_by_name(tmp_path):
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(JSONL.encode())[:-12])
    with pytest.raises(DataError, match=r"x.jsonl.gz is not a whole gzip file"):
        records(tmp_path / "x.jsonl.gz")


def test_an_ending_that_is_not_known_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .xlsx \(known: .*\.csv"):
        records(write(tmp_path / "x.xlsx", "hello"))


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no data files"):
        records(tmp_path)


def test_nan_in_json_is_read(tmp_path):
    [row] = records(write(tmp_path / "x.jsonl", '{"a": NaN}\n'))
    assert row["a"] != row["a"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a|b\n1|2\n", [{"a": "1", "b": "2"}]),
        ("sep=;\na;b\n1,5;2\n", [{"a": "1,5", "b": "2"}]),
        ('a,b\n"x\ny; z; w",2\n', [{"a": "x\ny; z; w", "b": "2"}]),
        ("a;b\n1,2,3;4,5\n6;7\n", [{"a": "1,2,3", "b": "4,5"}, {"a": "6", "b": "7"}]),
        ('a,b\n5" pipe,it "is" so\n', [{"a": '5" pipe', "b": 'it "is" so'}]),
        ("text\nno delimiter, but a comma\nand none\n", [{"text": "no delimiter, but a comma"},
                                                         {"text": "and none"}]),
        ("a,b,,\n1,2,,\n", [{"a": "1", "b": "2"}]),
        ("a,b\r1,2\r3,4\r", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ],
)  # fmt: skip
def test_a_table_is_cut_as_its_rows_say(tmp_path, text, rows):
    assert records(write(tmp_path / "x.csv", text)) == rows


def test_tabs_cut_a_tsv_that_is_full_of_commas(tmp_path):
    path = write(tmp_path / "x.tsv", "a,x\tb,x\n1,5\t2,5\n")
    assert records(path) == [{"a,x": "1,5", "b,x": "2,5"}]


def test_rows_after_a_quote_that_is_never_closed_are_read(tmp_path):
    text = 'question,answer\none,1\ntwo,"2\nthree,3\n"four, 4",4\nfive,"5\nsix,6\n'
    path = write(tmp_path / "faq.csv", text)
    assert [row for row in records(path) if isinstance(row, dict)] == [
        {"question": "one", "answer": "1"},
        {"question": "three", "answer": "3"},
        {"question": "four, 4", "answer": "4"},
        {"question": "six", "answer": "6"},
    ]
    assert [fault.split(":")[0] for fault in faults(path)] == ["faq.csv line 3", "faq.csv line 6"]


@pytest.mark.parametrize(
    "text",
    [
        '{\n "a": 1\n}\n{\n "a": 2\n}\n',
        '[{"a": 1}]\n\n[{"a": 2}]'.replace("\n\n", " "),
        '{"a": 1} {"a": 2}',
        '{"meta": {"data": [3]}, "data": [{"a": 1}, {"a": 2}], "n": 2}',
        '{"n": "data", "rows":\n[\n{"a": 1},\n{"a": 2}]}',
        '\n\n[{"a": 1}\n,\n{"a": 2}\n]\n',
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_json_is_read_in_any_layout_under_either_ending(tmp_path, name, text):
    assert records(write(tmp_path / name, text)) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "items": [{"from": "human", "value": "a"}]},
        {"question": "a", "examples": ["b", "c"]},
        {"question": "a", "meta": {"data": [{"b": 1}]}},
    ],
)
def test_a_list_that_belongs_to_one_row_is_not_taken_for_rows(tmp_path, row):
    assert records(write(tmp_path / "x.json", json.dumps(row, indent=1))) == [row]
    assert records(write(tmp_path / "y.json", json.dumps([row]))) == [row]


@pytest.mark.parametrize("text", ['["one", "two"]', '"one"\n"two"\n', '[\n"one",\n"two"\n]'])
def test_plain_texts_in_json_are_rows_of_text(tmp_path, text):
    assert records(write(tmp_path / "x.json", text)) == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[\n{"a": 1},\n]', "a comma before the end of the array (line 3, column 1)"),
        ('[\n{"a": 1}\n', "the array is never closed (line 3, column 1)"),
        ('[{"a": 1}, // no\n{"a": 2}]', "Expecting value (line 1, column 12)"),
        ('[{"a": 1}] x', "Expecting value (line 1, column 12)"),
    ],
)
def test_what_is_no_json_is_one_fault_after_the_rows_before_it(tmp_path, text, place):
    found = records(write(tmp_path / "x.json", text))
    assert found[0] == {"a": 1}
    assert [place in str(row) for row in found[1:]] == [True]


def test_a_break_far_into_an_array_has_its_line_and_column(tmp_path):
    lines = ['{"text": "' + "x" * 1000 + '"},'] * 3000
    path = write(tmp_path / "x.json", "[\n" + "\n".join(lines) + '\n  {"a"; 1}]')
    found = records(path)
    assert len(found) == 3001
    assert "(line 3002, column 7)" in str(found[-1])


def test_a_large_array_is_never_in_memory_whole(tmp_path):
    import tracemalloc

    row = '{"instruction": "' + "x" * 2000 + '", "output": "y"}'
    size = (tmp_path / "x.json").write_text("[" + ",".join([row] * 6_000) + "]")
    tracemalloc.start()
    assert sum(1 for _ in read_path(tmp_path / "x.json")) == 6_000
    assert tracemalloc.get_traced_memory()[1] < size
    tracemalloc.stop()


def test_a_parquet_text_that_is_not_utf8_costs_its_row(tmp_path):
    import pyarrow
    import pyarrow.parquet

    texts = pyarrow.array([b"one", b"\xff", b"three"]).cast(pyarrow.binary())
    bad = pyarrow.Array.from_buffers(pyarrow.string(), 3, texts.buffers())
    pyarrow.parquet.write_table(pyarrow.table({"text": bad}), tmp_path / "x.parquet")
    assert [isinstance(row, RowFault) for row in records(tmp_path / "x.parquet")] == [
        False,
        True,
        False,
    ]
