"""Reading files: every kind, every encoding, every fault with its place."""

import csv
import gzip
import json
from typing import Any

import pytest

from ftrecipe.data.example import RowFault
from ftrecipe.data.files import read_path
from ftrecipe.errors import DataError

ROWS = [{"question": "hé?", "answer": "yes, 1"}, {"question": "two", "answer": "no"}]
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
CSV = 'question,answer\nhé?,"yes, 1"\ntwo,no\n'


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


def test_a_line_that_is_not_an_object_is_a_fault(tmp_path):
    path = write(tmp_path / "x.jsonl", '[1]\n"a"\n3\nnull\n')
    assert faults(path) == [
        "x.jsonl line 1: is a list, not an object",
        "x.jsonl line 2: is text, not an object",
        "x.jsonl line 3: is a number, not an object",
        "x.jsonl line 4: is nothing, not an object",
    ]


def test_json_nested_beyond_reason_is_a_fault(tmp_path):
    path = write(tmp_path / "x.jsonl", "[" * 200_000 + "\n")
    assert faults(path) == ["x.jsonl line 1: broken JSON: nested too deeply"]


def test_an_item_of_an_array_is_named_by_its_row(tmp_path):
    path = write(tmp_path / "x.json", '[\n{"a": 1},\n\n"two"]')
    assert faults(path) == ["x.json row 2: is text, not an object"]


def test_a_broken_array_names_the_line(tmp_path):
    path = write(tmp_path / "x.json", '[\n{"a": 1},\n{"a" 2}]')
    with pytest.raises(DataError, match=r"x.json line 3: broken JSON: Expecting ':' delimiter"):
        records(path)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_bytes_that_are_not_utf8_name_their_line(tmp_path, name):
    text = (JSONL if name == "x.jsonl" else CSV).replace("no", "caf\xe9")
    path = tmp_path / name
    path.write_bytes(text.replace("hé", "he").encode("latin-1"))
    line = 2 if name == "x.jsonl" else 3
    assert faults(path) == [
        f"{name} line {line}: not UTF-8 text (byte 0xe9); save the file as UTF-8"
    ]


def test_bytes_that_are_not_utf8_in_an_array_name_their_line(tmp_path):
    (tmp_path / "x.json").write_bytes(b'[\n{"a": "caf\xe9"}]')
    with pytest.raises(DataError, match=r"x.json line 2: not UTF-8 text"):
        records(tmp_path / "x.json")


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
