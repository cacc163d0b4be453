"""What a data name means."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from ftrecipe.data.files.locate import BUILTIN, HubId, Url, locate
from ftrecipe.errors import DataError


def test_builtin_is_in_the_package():
    assert locate("builtin:faq/train.jsonl") == BUILTIN / "faq" / "train.jsonl"


def test_a_missing_builtin_file_gets_a_hint():
    with pytest.raises(DataError, match=r"does not exist; did you mean train.jsonl\?"):
        locate("builtin:faq/trian.jsonl")


def test_an_existing_file_or_folder_is_itself(tmp_path):
    (tmp_path / "a=b, [c] & d.csv").write_text("x")
    assert locate(str(tmp_path)) == tmp_path
    assert locate(str(tmp_path / "a=b, [c] & d.csv")).name == "a=b, [c] & d.csv"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "faq.csv").write_text("x")
    assert locate("~/faq.csv") == tmp_path / "faq.csv"


def test_org_and_name_is_a_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert locate("tatsu-lab/alpaca") == HubId("tatsu-lab/alpaca")


def test_org_and_name_that_is_a_folder_here_is_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data" / "faq").mkdir(parents=True)
    assert locate("data/faq") == Path("data/faq")


def test_a_missing_file_is_named_with_the_nearest_one(tmp_path):
    (tmp_path / "faq.csv").write_text("x")
    with pytest.raises(DataError, match=r"faqs.csv does not exist; did you mean faq.csv\?"):
        locate(str(tmp_path / "faqs.csv"))


def test_a_missing_file_in_a_folder_that_exists_is_no_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="data/faq does not exist"):
        locate("data/faq")


def test_a_missing_folder_is_named():
    with pytest.raises(DataError, match=r"there is no folder /no/such"):
        locate("/no/such/faq.csv")


def test_a_glob_is_a_path_when_something_matches(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    assert locate(f"{tmp_path}/*.csv") == tmp_path / "*.csv"
    with pytest.raises(DataError, match=r"\*.json matches no file"):
        locate(f"{tmp_path}/*.json")


def test_a_url_is_taken_without_asking_for_it():
    assert locate("https://nowhere.invalid/x.jsonl") == Url("https://nowhere.invalid/x.jsonl")


def test_a_url_of_an_unknown_kind_gets_a_hint():
    with pytest.raises(DataError, match="did you mean http"):
        locate("htps://example.org/x.jsonl")


@pytest.mark.skipif(find_spec("s3fs") is not None, reason="the driver is installed")
def test_a_url_whose_driver_is_missing_names_the_package():
    with pytest.raises(DataError, match="pip install s3fs"):
        locate("s3://bucket/x.jsonl")


def test_a_file_url_is_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    assert locate(f"file://{tmp_path}/a.csv") == tmp_path / "a.csv"
