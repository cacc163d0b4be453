"""Where data lies: packed, in archives, folders and globs, behind URLs, and under wrong names."""

import bz2
import gzip
import http.server
import io
import json
import lzma
import pickle
import threading
import zipfile

import pytest

from ftrecipe.data.files import archives, data_files, digests
from ftrecipe.data.files.locate import Url, locate
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.errors import DataError

ROWS = [{"question": "é?", "answer": "one"}, {"question": "b", "answer": "two"}]
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def zst(data: bytes) -> bytes:
    import zstandard

    return zstandard.compress(data)


PACK = {"gz": gzip.compress, "zst": zst, "bz2": bz2.compress, "xz": lzma.compress}


def files(path):
    return data_files(locate(str(path)), ENDINGS)


def records(path):
    return [row for file in files(path) for _, row in read_file(file)]


def notes(path):
    found = files(path)
    assert [row for file in found for _, row in read_file(file)]
    return [note for file in found for note in file.notes]


def write(path, data):
    path.write_bytes(data)
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("packing", PACK)
def test_a_packed_file_is_read(tmp_path, packing):
    assert records(write(tmp_path / f"x.jsonl.{packing}", PACK[packing](JSONL))) == ROWS


def test_several_frames_in_one_file_are_read(tmp_path):
    half = len(JSONL) // 2
    for packing, pack in PACK.items():
        data = pack(JSONL[:half]) + pack(JSONL[half:])
        assert records(write(tmp_path / f"x.jsonl.{packing}", data)) == ROWS


@pytest.mark.parametrize("packing", PACK)
def test_a_packed_file_without_the_ending_is_read_and_noted(tmp_path, packing):
    path = write(tmp_path / "x.jsonl", PACK[packing](JSONL))
    assert records(path) == ROWS
    assert "though not named so" in notes(path)[0]


def test_a_plain_file_that_is_named_packed_is_read(tmp_path):
    assert records(write(tmp_path / "x.jsonl.gz", JSONL)) == ROWS


@pytest.mark.parametrize("packing", PACK)
def test_a_cut_packed_file_is_refused_by_name(tmp_path, packing):
    path = write(tmp_path / f"x.jsonl.{packing}", PACK[packing](JSONL * 50)[:-9])
    with pytest.raises(DataError, match=f"x.jsonl.{packing} is not a whole"):
        records(path)


def test_a_zip_gives_its_files_of_records_by_name(tmp_path):
    members = {"b.jsonl": JSONL, "a/c.jsonl.gz": gzip.compress(JSONL), "README.md": b"hello",
               "__MACOSX/b.jsonl": b"junk", "notes.txt": b"hello"}  # fmt: skip
    path = zipped(tmp_path / "x.zip", members)
    assert [file.name for file in files(path)] == ["x.zip/a/c.jsonl.gz", "x.zip/b.jsonl"]
    assert records(path) == ROWS * 2


def test_a_zip_of_one_file_and_a_zip_of_another_name_are_read(tmp_path):
    assert records(zipped(tmp_path / "x.csv.zip", {"x.csv": "question,answer\na,b\n"})) == [
        {"question": "a", "answer": "b"}
    ]
    assert records(zipped(tmp_path / "x.jsonl", {"deep/y.jsonl": JSONL})) == ROWS


def test_parquet_in_a_zip_is_read(tmp_path):
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), out)
    assert records(zipped(tmp_path / "x.zip", {"x.parquet": out.getvalue()})) == ROWS
    assert records(write(tmp_path / "x.json", out.getvalue())) == ROWS
    assert notes(tmp_path / "x.json") == ["x.json is a parquet file, though not named so"]


def test_a_broken_zip_is_refused(tmp_path):
    whole = zipped(tmp_path / "x.zip", {"x.jsonl": JSONL * 50}).read_bytes()
    for broken in (whole[:-30], b"PK\x03\x04" + bytes(200)):
        with pytest.raises(DataError, match=r"y.zip is not a whole zip file"):
            records(write(tmp_path / "y.zip", broken))
    flipped = bytearray(whole)
    flipped[60] ^= 255
    with pytest.raises(DataError, match=r"z.zip/x.jsonl (is not a whole|cannot be read)"):
        records(write(tmp_path / "z.zip", bytes(flipped)))
    with pytest.raises(DataError, match=r"t.zip is not a zip file"):
        records(write(tmp_path / "t.zip", b"hello"))


def test_an_encrypted_zip_is_refused(tmp_path):
    whole = bytearray(zipped(tmp_path / "x.zip", {"x.jsonl": JSONL}).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + offset] |= 1
    with pytest.raises(DataError, match="is encrypted; unpack it"):
        records(write(tmp_path / "x.zip", bytes(whole)))


@pytest.mark.parametrize("packing", PACK)
def test_a_file_made_to_fill_memory_is_refused(tmp_path, monkeypatch, packing):
    monkeypatch.setattr(archives, "_BOMB_BYTES", 2**20)
    monkeypatch.setattr(archives, "_BOMB_RATIO", 100)
    path = write(tmp_path / f"x.jsonl.{packing}", PACK[packing](b"a" * 2**23))
    with pytest.raises(DataError, match="unpacks to more than"):
        records(path)


def test_a_glob_gives_its_files(tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("a.jsonl", "b.jsonl", "more/c.jsonl", "d.csv"):
        write(tmp_path / name, JSONL)
    assert [file.name for file in files(f"{tmp_path}/*.jsonl")] == ["a.jsonl", "b.jsonl"]
    assert [file.name for file in files(f"{tmp_path}/**/*.jsonl")] == [
        "a.jsonl",
        "b.jsonl",
        "more/c.jsonl",
    ]


def test_a_folder_without_data_says_what_it_holds(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.md"):
        write(tmp_path / name, b"x")
    with pytest.raises(DataError, match=r"holds no data files .*; it holds 2 .jpg, 1 .md"):
        files(tmp_path)


def test_a_description_of_the_data_beside_it_is_no_row(tmp_path):
    write(tmp_path / "a.jsonl", JSONL)
    write(tmp_path / "dataset_info.json", b'{"a": {"file_name": "a.jsonl"}}')
    assert [file.name for file in data_files(tmp_path, ENDINGS)] == ["a.jsonl"]


def test_text_beside_records_is_no_data(tmp_path):
    write(tmp_path / "LICENSE.txt", b"licence")
    write(tmp_path / "x.jsonl", JSONL)
    assert records(tmp_path) == ROWS


def test_a_folder_that_datasets_saved_is_read(tmp_path):
    import pyarrow

    table = pyarrow.Table.from_pylist(ROWS)
    with pyarrow.ipc.new_stream(str(tmp_path / "data-00000-of-00001.arrow"), table.schema) as out:
        out.write_table(table)
    write(tmp_path / "state.json", b'{"_fingerprint": "x"}')
    write(tmp_path / "dataset_info.json", b"{}")
    assert records(tmp_path) == ROWS


def test_an_arrow_file_is_read(tmp_path):
    import pyarrow

    table = pyarrow.Table.from_pylist(ROWS)
    with pyarrow.ipc.new_file(str(tmp_path / "x.arrow"), table.schema) as out:
        out.write_table(table)
    assert records(tmp_path / "x.arrow") == ROWS


def test_splits_that_datasets_saved_have_to_be_named(tmp_path):
    write(tmp_path / "dataset_dict.json", b'{"splits": ["train", "test"]}')
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match=r"several splits \(test, train\); name one"):
        files(tmp_path)


@pytest.mark.parametrize(("name", "data", "said"), [
    ("x.json", b"<!DOCTYPE html><html>Sign in</html>", "is an HTML page, not .json"),
    ("x.csv", b"\xef\xbb\xbf\n <html lang=en>", "is an HTML page, not .csv"),
    ("x.txt", "<html>".encode("utf-16"), "is an HTML page, not .txt"),
    ("x.json", b'<?xml version="1.0"?><a/>', "is an XML file, not .json"),
    ("x.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    ("x.csv", b"%PDF-1.7 ...", "is a PDF"),
    ("x.txt", b"\x89PNG\r\n\x1a\n", "is a picture"),
    ("x.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1....", "export it as CSV"),
    ("x.json", pickle.dumps([1]), "is a Python pickle"),
    ("x.json", b"\x10\0\0\0\0\0\0\0" + b'{"a": 1}        ', "is model weights"),
    ("x.jsonl", bytes(100), "holds nothing but NUL bytes"),
    ("x.jsonl", bytes(range(1, 32)) * 9, "is a binary file of an unknown kind"),
    ("x.jsonl", b"   \n\t\n", "x.jsonl is empty"),
    ("x.jsonl.gz", gzip.compress(b"", mtime=0), "x.jsonl.gz is empty"),
])  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name, data, said):
    with pytest.raises(DataError, match=said) as raised:
        records(write(tmp_path / name, data))
    assert str(raised.value).startswith(name)


@pytest.mark.parametrize("word", ["ORCs", "ID3 tags", "GGUF", "BZh", "PAR10", "GIF89a", "OggS"])
def test_a_text_may_begin_with_the_mark_of_something_else(tmp_path, word):
    path = write(tmp_path / "x.txt", f"{word} begins this text\n".encode())
    assert records(path) == [{"text": f"{word} begins this text"}]


def test_office_files_are_told_from_zip_files(tmp_path):
    members = {"[Content_Types].xml": "", "xl/workbook.xml": ""}
    with pytest.raises(DataError, match="is an Excel file; export the sheet as CSV"):
        records(zipped(tmp_path / "x.xlsx", members))


def test_a_fingerprint_changes_with_a_file_and_only_then(tmp_path):
    write(tmp_path / "a.jsonl", JSONL)
    write(tmp_path / "README.md", b"one")
    before = list(digests(tmp_path, ENDINGS))
    write(tmp_path / "README.md", b"two")
    assert list(digests(tmp_path, ENDINGS)) == before
    write(tmp_path / "a.jsonl", JSONL + b"\n")
    assert list(digests(tmp_path, ENDINGS)) != before


def test_a_url_of_a_file_a_folder_and_a_glob_are_read():
    import fsspec

    system = fsspec.filesystem("memory")
    for name in ("a.jsonl", "more/b.jsonl.gz", "c.md"):
        system.pipe(f"/bucket/{name}", gzip.compress(JSONL) if name.endswith("gz") else JSONL)
    assert records("memory://bucket/a.jsonl") == ROWS
    assert [file.name for file in files("memory://bucket")] == ["a.jsonl", "more/b.jsonl.gz"]
    assert records("memory://bucket/*.jsonl") == ROWS
    [mark] = digests(Url("memory://bucket/a.jsonl"), ENDINGS)
    assert f"size={len(JSONL)}" in mark
    with pytest.raises(DataError, match=r"memory://bucket/x.jsonl does not exist"):
        records("memory://bucket/x.jsonl")


def test_a_file_url_is_a_path(tmp_path):
    write(tmp_path / "a.jsonl", JSONL)
    assert records(f"file://{tmp_path}/a.jsonl") == ROWS


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = (
            200 if self.path.startswith("/x.jsonl") else int(self.path.strip("/").split(".")[0])
        )
        body = JSONL if status == 200 else b"no"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_web_address_is_read(site):
    assert records(f"{site}/x.jsonl") == ROWS
    [file] = files(f"{site}/x.jsonl?download=true")
    assert file.name == "x.jsonl"


@pytest.mark.parametrize(
    ("status", "said"),
    [("404", "does not exist"), ("403", "HTTP status 403"), ("500", "HTTP status 500")],
)
def test_a_server_that_refuses_is_told_with_its_status(site, status, said):
    with pytest.raises(DataError, match=said):
        records(f"{site}/{status}.jsonl")


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(DataError, match=r"http://127.0.0.1:9/x.jsonl cannot be read"):
        records("http://127.0.0.1:9/x.jsonl")
