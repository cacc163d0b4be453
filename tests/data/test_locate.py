"""What a data name means."""

from pathlib import Path

import pytest

from ftrecipe.data.locate import BUILTIN, HubId, locate
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
