"""From RunConfig to Plan: names, stages, steps, and a description that writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from answers import Cli

from ftrecipe import plan
from ftrecipe.compose import compose
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.errors import ConfigError
from ftrecipe.plan import Plan
from ftrecipe.planned import describe


def made(*line: str) -> Plan:
    return plan.make(compose(list(line)))


@pytest.fixture
def quickstart(here: Path) -> Plan:
    return made("+recipe=quickstart")


def test_a_run_is_named_after_its_recipe(quickstart: Plan) -> None:
    assert quickstart.name == "quickstart"


def test_a_run_without_recipe_is_named_after_model_method_and_data(faq: str) -> None:
    assert made(f"dataset={faq}", "peft=dora", "quantization=nf4").name == "tiny_dora_nf4_faq"


def test_a_name_needs_no_quoting_whatever_the_files_are_called(here: Path) -> None:
    (here / "my model (ü)").symlink_to(BUILTIN / "tiny")
    (here / "a b, [c]=d.v2.csv").write_text("question,answer\na,b\n")
    assert made("dataset=a b, [c]=d.v2.csv", "model=my model (ü)", "eval=[]").name == (
        "my_model__ü_lora_a_b___c__d"
    )


def test_suites_that_will_have_no_rows_are_all_told_before_anything_starts(here: Path) -> None:
    (here / "three.csv").write_text("question,answer\na,b\nc,d\ne,f\n")
    with pytest.raises(ConfigError) as caught:
        made("dataset=three.csv", "eval=[qa,perplexity,forgetting]")
    assert [fault.partition(" ")[0] for fault in caught.value.faults] == [
        "eval=[qa]", "eval=[perplexity]",
    ]  # fmt: skip


def test_a_run_of_a_recipe_file_is_named_after_the_file(faq: str, here: Path) -> None:
    (here / "my best.yaml").write_text("seed: 1")
    assert made("+recipe=./my best.yaml", f"dataset={faq}").name == "my_best"


def test_steps_are_known_for_local_rows(faq: str) -> None:
    some = made(
        f"dataset={faq}", "trainer.per_device_train_batch_size=4",
        "trainer.gradient_accumulation_steps=2", "trainer.num_train_epochs=2.5",
    )  # fmt: skip
    assert (some.rows, some.steps_per_epoch, some.total_steps) == (18, 3, 8)


def test_max_steps_decides_where_it_is_set(faq: str) -> None:
    assert made(f"dataset={faq}", "trainer.max_steps=2").total_steps == 2


def test_steps_are_not_known_for_a_hub_id_or_packed_rows(faq: str) -> None:
    far = made("dataset=alpaca", "dataset.path=org/name")
    assert (far.rows, far.total_steps) == (None, None)
    packed = made(f"dataset={faq}", "trainer.packing=true")
    assert (packed.rows, packed.total_steps) == (18, None)


def test_nothing_is_measured_without_suites_or_exported_without_targets(faq: str) -> None:
    assert made(f"dataset={faq}", "eval=[]").stages == ["prepare", "train", "report"]


def test_a_tracked_run_also_keeps_what_its_tracker_has(faq: str) -> None:
    assert "tracking.json" not in made(f"dataset={faq}").files
    assert "tracking.json" in made(f"dataset={faq}", "tracking=tensorboard").files


def test_home_is_understood_in_runs_dir(faq: str) -> None:
    assert made(f"dataset={faq}", "runs_dir=~/x").runs_dir == Path.home() / "x"
    assert made(f"dataset={faq}", "runs_dir=~x").runs_dir == Path("~x")


def test_the_command_is_the_one_that_the_launcher_runs(quickstart: Plan) -> None:
    (command,) = quickstart.commands(Path("here"))
    assert command[1:] == ["-m", "ftrecipe.stages", "here", *quickstart.stages]


def test_a_description_tells_config_stages_steps_command_and_files(quickstart: Plan) -> None:
    text = "\n".join(describe(quickstart))
    for group in quickstart.choices:
        assert f"  {group}:" in text
    for word in ("stages    prepare → baseline → train", "in all", "command", "report.html"):
        assert word in text
    assert "True" not in text
    assert "None" not in text


def everything(folder: Path) -> dict[str, Any]:
    return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*")}


def test_plan_writes_nothing(faq: str, cli: Cli, here: Path) -> None:
    before = everything(here)
    assert cli("plan", f"dataset={faq}").code == 0
    assert everything(here) == before


def test_plan_for_machines_is_json_with_a_schema_version(cli: Cli) -> None:
    said = cli("plan", "--json", "+recipe=quickstart")
    found = json.loads(said.out)
    assert said.err == ""
    assert found["schema_version"] == 1
    assert found["recipe"] == "quickstart"
    assert found["config"]["peft"]["type"] == "lora"
    assert found["stages"] == found["commands"][0][-len(found["stages"]) :]
