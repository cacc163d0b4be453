"""A recipe names files below the working folder, beside itself, or where people allow."""

from pathlib import Path

import pytest

from ftrecipe.door.reach import FILES, leads_out, outside
from ftrecipe.door.words import field_types

INSIDE = ["data.csv", "a/b/../c.csv", "./data", "builtin:x", "https://x/y", "s3://x/y", "org/name"]
OUTSIDE = ["/etc/passwd", "../x", "a/../../x", "~/x", "file:///etc/passwd", "file://../x"]


@pytest.mark.parametrize("text", INSIDE)
def test_what_lies_below_the_working_folder_may_be_named(text: str, here: Path) -> None:
    assert not leads_out(text, here / "recipes")


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_lies_elsewhere_may_not_be_named(text: str, here: Path) -> None:
    assert leads_out(text, here / "recipes")


def test_a_whole_path_below_the_working_folder_may_be_named(here: Path) -> None:
    assert not leads_out(str(here / "data.csv"), here / "recipes")


def test_a_whole_path_beside_the_recipe_may_be_named(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("team")
    assert not leads_out(str(folder / "data.csv"), folder)


def test_a_folder_that_people_allow_may_be_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FTRECIPE_DATA", "/data:/scratch")
    assert not leads_out("/scratch/x.csv", here)
    assert leads_out("/data/../etc/passwd", here)


@pytest.mark.parametrize("key", ["dataset.path", "dataset.sources.a.path", "runs_dir",
                                 "trainer.extra.a.b", "strategy.deepspeed.aio.path"])  # fmt: skip
def test_keys_that_name_files_are_looked_at(key: str, here: Path) -> None:
    assert list(outside(tuple(key.split(".")), "/etc/x", here))


@pytest.mark.parametrize("key", ["description", "dataset.system", "dataset.columns.question"])
def test_keys_that_hold_text_are_not(key: str, here: Path) -> None:
    assert not list(outside(tuple(key.split(".")), "/no_think", here))


def test_a_template_is_no_file(here: Path) -> None:
    assert not list(outside(("model", "chat_template"), "/{{ x }}/../..", here))


def test_every_field_that_is_called_a_path_is_looked_at() -> None:
    named = {key.rpartition(".")[2] for key in field_types()}
    assert {name for name in named if name.endswith(("path", "_dir", "file"))} <= set(FILES)


@pytest.mark.parametrize(
    "text", ["http://169.254.169.254/latest/meta-data", "http://metadata.google.internal/x"]
)
def test_no_recipe_reads_the_credentials_of_a_machine_in_a_cloud(text: str, here: Path) -> None:
    (why,) = outside(("dataset", "path"), text, here)
    assert "credentials" in why
