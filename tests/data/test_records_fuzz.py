"""Readers of records under random bytes, and under random tables that are valid."""

import csv
import gzip
import io
import json
import math
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftrecipe.data.example import RowFault
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.data.records.literals import container
from ftrecipe.errors import DataError

FUZZ = settings(max_examples=50, deadline=None, derandomize=True, database=None)
NAMES = [f"x{ending}{packed}" for ending in ENDINGS for packed in ("", ".gz")] + ["x.jsonl.zst"]
PIECES = [b'{"a": ', b'"b"', b"}", b"[", b"]", b",", b"\n", b"\r\n", b'"', b"\0", b"\xff",
          b"\xc3\xa9", b"PAR1", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"sep=;",
          b"a,b\n", b"1e999", b"\\ud800", b"null", b"data", b":", b" "]  # fmt: skip

noise = st.one_of(
    st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
)
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
rows = st.lists(st.fixed_dictionaries({"question": words, "answer": words}), min_size=1, max_size=8)


def file_of(name, data):
    return DataFile(name, len(data), lambda: io.BytesIO(data))


def read(name, data):
    return [row for _, row in read_file(file_of(name, data))]


@pytest.mark.parametrize("name", NAMES)
@FUZZ
@example(b"")
@example(b"PAR1" + bytes(20) + b"PAR1")
@example(gzip.compress(b'{"a": 1}')[:-3])
@example(b"\xff\xfe{\0\n")
@example(b"\xff\xfe\0\0a")
@given(noise)
def test_any_bytes_give_rows_or_a_data_error(name, data):
    found, said = [], ""
    try:
        found = read(name, data)
    except DataError as error:
        said = str(error)
    assert found or said.startswith("x.")
    assert all(isinstance(row, (dict, RowFault)) for row in found)


def containers():
    import pyarrow
    import pyarrow.parquet
    import zstandard

    lines = b"".join(b'{"text": "row %d", "n": [%d]}\n' % (i, i) for i in range(40))
    table = pyarrow.Table.from_pylist([json.loads(line) for line in lines.splitlines()])
    parquet, arrow, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pyarrow.parquet.write_table(table, parquet)
    with pyarrow.ipc.new_stream(arrow, table.schema) as out:
        out.write_table(table)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x.jsonl", lines)
    checked = zstandard.ZstdCompressor(write_checksum=True)
    return {"x.parquet": parquet.getvalue(), "x.arrow": arrow.getvalue(),
            "x.zip": archive.getvalue(), "x.jsonl.gz": gzip.compress(lines),
            "x.jsonl.zst": checked.compress(lines)}  # fmt: skip


WHOLE = containers()


@pytest.mark.parametrize("name", WHOLE)
@FUZZ
@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_wrong_byte_in_a_container_gives_rows_or_a_data_error(tmp_path_factory, name, at, byte):
    data = bytearray(WHOLE[name])
    data[int(at * len(data))] = byte
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    found, said = [], ""
    try:
        found = [row for file in data_files(path, ENDINGS) for row in read_file(file)]
    except DataError as error:
        said = str(error)
    assert name in said or len(found) == 40


@FUZZ
@given(rows, st.sampled_from(["x.jsonl", "x.json", "x.ndjson"]), st.booleans(),
       st.sampled_from([None, 1]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))  # fmt: skip
def test_json_gives_every_row_in_any_layout(table, name, ascii_only, indent, encoding):
    one_each = [json.dumps(row, ensure_ascii=ascii_only, indent=indent) for row in table]
    array = json.dumps(table, ensure_ascii=ascii_only, indent=indent)
    wrapped = json.dumps({"version": "1", "data": table}, ensure_ascii=ascii_only, indent=indent)
    for text in ("\n".join(one_each), array, wrapped):
        assert read(name, text.encode(encoding)) == table


@FUZZ
@given(rows, st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]),
       st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))  # fmt: skip
def test_csv_gives_every_row_that_is_not_blank(table, delimiter, ends, encoding):
    out = io.StringIO()
    writer = csv.DictWriter(out, ["question", "answer"], delimiter=delimiter, lineterminator=ends,
                            quoting=csv.QUOTE_ALL)  # fmt: skip
    writer.writeheader()
    writer.writerows(table)
    expected = [row for row in table if any(cell.strip() for cell in row.values())]
    if expected:
        assert read("x.csv", out.getvalue().encode(encoding)) == expected


@FUZZ
@given(st.lists(st.fixed_dictionaries({"text": words, "items": st.lists(st.integers(0, 9))}),
                min_size=1, max_size=30), st.integers(1, 7))  # fmt: skip
def test_parquet_gives_every_row_of_every_row_group(table, size):
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), out, row_group_size=size)
    assert read("x.parquet", out.getvalue()) == table


@FUZZ
@given(rows, st.data())
def test_a_broken_line_costs_one_row_of_json_lines(table, data):
    lines = [json.dumps(row) for row in table] + ['{"question": "last"}']
    at = data.draw(st.integers(0, len(lines)))
    lines.insert(at, '{"question": "x",, "answer": 1}')
    found = read("x.jsonl", "\n".join(lines).encode())
    assert len(found) == len(lines)
    assert [number for number, row in enumerate(found) if isinstance(row, RowFault)] == [at]


@FUZZ
@given(rows, st.data())
def test_a_cut_array_gives_the_rows_before_the_cut_and_one_fault(table, data):
    text = json.dumps(table)
    cut = data.draw(st.integers(2, len(text) - 1))
    found = read("x.json", text[:cut].encode())
    assert found[:-1] == table[: len(found) - 1]
    assert isinstance(found[-1], RowFault)


literals = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        words,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
).filter(lambda value: isinstance(value, (list, dict)))


@FUZZ
@given(literals)
def test_python_literals_are_read_as_what_they_are(value):
    assert container(repr(value)).value == value


@FUZZ
@given(st.lists(st.sampled_from([*"[]{}'\",:a1\\ ", "None", "é"]), max_size=40).map("".join))
def test_any_cell_is_read_or_a_fault(text):
    value, said = None, ""
    try:
        value = container(f"[{text}").value
    except RowFault as fault:
        said = str(fault)
    assert said or isinstance(value, (list, dict))


def test_numbers_beyond_reason_are_faults_or_infinite():
    big, infinite = read("x.jsonl", b'{"a": ' + b"9" * 5000 + b'}\n{"a": 1e999}\n')
    assert isinstance(big, RowFault)
    assert isinstance(infinite, dict)
    assert math.isinf(infinite["a"])
