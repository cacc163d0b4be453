"""What was taken in is what is there, composes, and comes to what its run was."""

import json
from pathlib import Path

import pytest
from answers import Cli


@pytest.fixture
def added(cli: Cli, here: Path, theirs: Path) -> Path:
    """The folder of a team's recipes that were added here."""
    assert cli("recipes", "add", str(theirs), "--yes").code == 0
    return here / "recipes" / "shared"


def test_what_was_added_is_verified(cli: Cli, added: Path) -> None:
    said = cli("recipes", "verify")
    assert (said.code, said.out) == (0, "verified  shared/base\nverified  shared/child\n")


def test_a_changed_file_is_told_with_what_to_do(cli: Cli, added: Path) -> None:
    (added / "base.yaml").write_text("defaults: [override /dataset: faq]\nseed: 5\n")
    said = cli("recipes", "verify", "shared/base")
    assert said.code == 1
    assert "recipes/shared/base.yaml: is not what was added" in said.out
    assert "in a recipe of your own that extends shared/base, or to take it again" in said.out


def test_changed_data_beside_a_recipe_is_told(cli: Cli, added: Path) -> None:
    (added / "faq.csv").write_text("question,answer\nx,y\n")
    assert cli("recipes", "verify").out.count("faq.csv: is not what was added") == 2


def test_a_file_that_is_gone_is_told(cli: Cli, added: Path) -> None:
    (added / "faq.csv").unlink()
    said = cli("recipes", "verify", "shared/base")
    assert said.code == 1
    assert "recipes/shared/faq.csv: is gone" in said.out


def test_a_recipe_that_no_longer_composes_is_told(cli: Cli, here: Path) -> None:
    (here / "recipes").mkdir()
    (here / "recipes" / "mine.yaml").write_text("peft: {r: 0}\n")
    said = cli("recipes", "verify", "mine")
    assert said.code == 1
    assert "peft.r=0" in said.out


def test_a_recipe_of_our_own_is_looked_at_without_a_pin(cli: Cli, here: Path) -> None:
    said = cli("recipes", "verify", "quickstart")
    assert (said.code, said.out) == (0, "composes  quickstart\n")


def test_a_recipe_that_is_not_there_is_refused(cli: Cli, added: Path) -> None:
    assert cli("recipes", "verify", "shared/bse").code == 2


def test_a_broken_pin_file_is_an_error_in_words(cli: Cli, added: Path) -> None:
    pins = added.parent / "shared.json"
    pins.write_text(json.dumps({"schema_version": 1, "recipes": {"a/b": {"source": 1}}}))
    said = cli("recipes", "verify")
    assert said.code == 2
    assert "recipes/shared.json" in said.err


def test_a_pin_that_names_a_file_outside_reads_nothing_there(cli: Cli, added: Path) -> None:
    pins = added.parent / "shared.json"
    whole = json.loads(pins.read_text())
    whole["recipes"]["shared/base"]["files"]["../../../etc/passwd"] = "0" * 64
    pins.write_text(json.dumps(whole))
    said = cli("recipes", "verify")
    assert said.code == 2
    assert "recipes/shared.json" in said.err
