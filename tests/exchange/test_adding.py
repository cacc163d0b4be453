"""Recipes are taken in from other teams: vetted, shown, pinned, and nothing outside is touched."""

import json
import os
from pathlib import Path

import jsonschema
import pytest
from answers import ROOT, Cli

from ftrecipe.compose import compose
from ftrecipe.door import recipes


def pins(here: Path) -> dict[str, dict[str, object]]:
    written = json.loads((here / "recipes" / "shared.json").read_text("utf-8"))
    schema = json.loads((ROOT / "ftrecipe/schemas/shared.json").read_text("utf-8"))
    jsonschema.validate(written, schema)
    return written["recipes"]


def test_without_yes_nothing_is_written_and_all_is_shown(
    cli: Cli, here: Path, theirs: Path
) -> None:
    said = cli("recipes", "add", str(theirs / "base.yaml"))
    assert said.code == 0
    assert not (here / "recipes").exists()
    for told in ("recipes/shared/base.yaml  new", "peft.r=4", "recipe:faq.csv", "with --yes"):
        assert told in said.out


def test_an_added_recipe_runs_by_its_new_name_with_its_data(
    cli: Cli, here: Path, theirs: Path
) -> None:
    assert cli("recipes", "add", str(theirs / "base.yaml"), "--team", "a", "--yes").code == 0
    run = compose(["+recipe=a/base"]).run
    assert run.dataset.path == str(here / "recipes" / "a" / "faq.csv")
    assert set(pins(here)["a/base"]["files"]) == {"a/base.yaml", "a/faq.csv"}  # type: ignore[arg-type]


def test_a_parent_comes_along_and_is_found_under_the_team(
    cli: Cli, here: Path, theirs: Path
) -> None:
    assert cli("recipes", "add", str(theirs / "child.yaml"), "--yes").code == 0
    assert [one.name for one in recipes.lineage("shared/child")] == ["shared/base", "shared/child"]
    assert vars(compose(["+recipe=shared/child"]).run.peft)["r"] == 8
    assert set(pins(here)["shared/child"]["files"]) == {  # type: ignore[arg-type]
        "shared/base.yaml", "shared/child.yaml", "shared/faq.csv",
    }  # fmt: skip


def test_a_parent_that_is_shipped_stays_where_it_is(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "child.yaml").write_text("defaults: [/recipe/quickstart]\nseed: 7\n")
    said = cli("recipes", "add", str(theirs / "child.yaml"), "--yes")
    assert said.code == 0
    assert "extends quickstart, which is here" in said.out
    assert [one.name for one in recipes.lineage("shared/child")] == ["quickstart", "shared/child"]


def test_a_parent_that_is_nowhere_is_a_fault(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "child.yaml").write_text("defaults: [/recipe/nowhere]\n")
    said = cli("recipes", "add", str(theirs / "child.yaml"), "--yes")
    assert said.code == 2
    assert "extends nowhere, which is neither in the source nor here" in said.err


def test_a_folder_brings_all_its_recipes(cli: Cli, here: Path, theirs: Path) -> None:
    assert cli("recipes", "add", str(theirs), "--yes").code == 0
    assert set(pins(here)) == {"shared/base", "shared/child"}


def test_all_faults_of_all_recipes_come_together_and_nothing_is_written(
    cli: Cli, here: Path, theirs: Path
) -> None:
    (theirs / "base.yaml").write_text("trainer: {lerning_rate: 1}\nhydra: {}\n")
    (theirs / "third.yaml").write_text("peft: {r: 0}\n_target_: os.system\n")
    said = cli("recipes", "add", str(theirs), "--yes")
    assert said.code == 2
    assert {"hydra", "_target_"} <= {word for word in ("hydra", "_target_") if word in said.err}
    assert "recipes/shared/third.yaml line 2" in said.err
    assert not (here / "recipes").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dataset: {path: /etc/passwd}", "/etc/passwd"),
        ("dataset: {path: ~/.ssh/id_rsa}", "id_rsa"),
        ("dataset: {path: ../../x.csv}", "../../x.csv"),
        ("dataset: {path: 'file:///etc/passwd'}", "/etc/passwd"),
        ("dataset: {path: recipe:../x.csv}", "outside the recipe's folder"),
        ("runs_dir: /var/tmp", "/var/tmp"),
        ("model: {path: /opt/model}", "/opt/model"),
        ("consent: {remote_code: true}", "consent is given on the command line"),
        ('ftrecipe: ">=9"', "needs ftrecipe >=9"),
        ("seed: ${oc.env:HOME}", "line 1"),
    ],
)
def test_what_reaches_outside_is_refused(
    text: str, why: str, cli: Cli, here: Path, theirs: Path
) -> None:
    (theirs / "x.yaml").write_text(text)
    said = cli("recipes", "add", str(theirs / "x.yaml"), "--yes")
    assert said.code == 2
    assert why in said.err
    assert not (here / "recipes").exists()


def test_a_link_in_the_source_is_refused(cli: Cli, here: Path, theirs: Path) -> None:
    (here / "secret.csv").write_text("question,answer\na,b\n")
    (theirs / "faq.csv").unlink()
    (theirs / "faq.csv").symlink_to(here / "secret.csv")
    said = cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    assert said.code == 2
    assert "is a link; a shared recipe holds plain files only" in said.err


@pytest.mark.parametrize(
    ("content", "why"), [(b"a,b\0c", "is a binary file"), (b"x" * (1 << 21), "2,097,152 bytes")]
)
def test_data_that_is_no_small_text_stays_where_it_is(
    content: bytes, why: str, cli: Cli, here: Path, theirs: Path
) -> None:
    (theirs / "faq.csv").write_bytes(content)
    said = cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    assert said.code == 2
    assert why in said.err
    assert not (here / "recipes").exists()


def test_data_that_is_not_in_the_source_is_asked_for(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "faq.csv").unlink()
    said = cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    assert said.code == 0
    assert "needs     dataset.path=recipes/shared/faq.csv" in said.out


def test_a_newer_version_is_shown_as_a_difference(cli: Cli, here: Path, theirs: Path) -> None:
    cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    file = theirs / "base.yaml"
    file.write_text(file.read_text().replace("r: 4", "r: 16"))
    said = cli("recipes", "add", str(file))
    assert "recipes/shared/base.yaml  changed" in said.out
    assert "-peft: {r: 4}" in said.out
    assert "+peft: {r: 16}" in said.out
    assert cli("recipes", "add", str(file), "--yes").code == 0
    assert "r: 16" in (here / "recipes" / "shared" / "base.yaml").read_text()


@pytest.mark.parametrize("added_first", [True, False])
def test_what_was_written_here_is_not_overwritten(
    added_first: bool, cli: Cli, here: Path, theirs: Path
) -> None:
    if added_first:
        cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    mine = here / "recipes" / "shared" / "base.yaml"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("seed: 5")
    said = cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    assert said.code == 2
    assert mine.read_text() == "seed: 5"
    assert cli("recipes", "add", str(theirs / "base.yaml"), "--yes", "--force").code == 0
    assert "r: 4" in mine.read_text()


def test_a_team_folder_that_is_a_link_is_not_written_through(
    cli: Cli, here: Path, theirs: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (here / "recipes").mkdir()
    (here / "recipes" / "shared").symlink_to(outside)
    assert cli("recipes", "add", str(theirs / "base.yaml"), "--yes").code == 2
    assert os.listdir(outside) == []


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "", "x\x1b[31m"])
def test_a_name_that_climbs_is_refused(name: str, cli: Cli, here: Path, theirs: Path) -> None:
    said = cli("recipes", "add", str(theirs / "base.yaml"), f"--as={name}", "--yes")
    assert said.code == 2
    assert not (here / "recipes").exists()


def test_what_a_recipe_reaches_is_told(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "x.yaml").write_text(
        "defaults: [override /model: smollm2_135m, override /tracking: mlflow]\n"
        "tracking: {tracking_uri: 'https://elsewhere.example'}\n"
    )
    said = cli("recipes", "add", str(theirs / "x.yaml"))
    assert said.code == 0
    assert "reaches   tracking.tracking_uri reads or writes https://elsewhere.example" in said.out
    assert "model.path takes HuggingFaceTB/SmolLM2-135M-Instruct from the hub" in said.out


def test_a_lock_that_is_none_is_refused(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "base.lock.json").write_text('{"schema_version": 1, "config": []}')
    said = cli("recipes", "add", str(theirs / "base.yaml"), "--yes")
    assert said.code == 2
    assert "recipes/shared/base.lock.json" in said.err
    assert not (here / "recipes").exists()


def test_a_card_comes_along(cli: Cli, here: Path, theirs: Path) -> None:
    (theirs / "child.yaml").unlink()
    (theirs / "README.md").write_text("# theirs")
    assert cli("recipes", "add", str(theirs), "--yes").code == 0
    assert (here / "recipes" / "shared" / "base.md").read_text() == "# theirs"
