"""A run planned again from its lock: every value as it was, files found, harm left out."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import ROOT, Cli

from ftrecipe.assemble import THREADS
from ftrecipe.config import to_plain
from ftrecipe.errors import ConfigError
from ftrecipe.lock.contents import config_of
from ftrecipe.plan import Plan
from ftrecipe.repeat import told
from ftrecipe.repeat.locked import open_lock
from ftrecipe.repeat.planned import composed, environment, planned
from ftrecipe.rundir import RunDir, read_json, write_json

Sealed = Callable[..., RunDir]
SOURCES = "{a: {format: question_answer, path: 'builtin:faq/train.jsonl', weight: 2}}"


def again(run: RunDir | Path, *changes: str) -> dict[str, Any]:
    path = run.path if isinstance(run, RunDir) else run
    config = to_plain(composed(open_lock(str(path)), changes).run)
    return {key: value for key, value in config.items() if key != "runs_dir"}


def plan_of(run: RunDir, *changes: str) -> Plan:
    locked = open_lock(str(run.path))
    return planned(locked, composed(locked, changes))


def config(run: RunDir) -> dict[str, Any]:
    lock = read_json(run.lock_json)
    return {key: value for key, value in config_of(lock).items() if key != "runs_dir"}


def change(run: RunDir, **parts: Any) -> None:
    lock = read_json(run.lock_json)
    lock.pop("schema_version")
    write_json(run.lock_json, lock | parts)


@pytest.mark.parametrize(
    "words",
    [
        ["recipe=quickstart"],
        ["recipe=qlora_mistral"],
        ["hardware=cpu_2", "trainer.global_batch_size=64"],
        ["cleaning=[urls,normalize]", "cleaning.urls.tag=LINK"],
        ["eval=[]", "export=[]", "tracking=tensorboard"],
        ["dataset=mix", f"dataset.sources={SOURCES}"],
        ["model.chat_template={{ messages }} ${x} {% for a in b %}"],
    ],
    ids=" ".join,
)
def test_a_run_planned_from_its_lock_is_the_run(words: list[str], sealed: Sealed) -> None:
    run = sealed(*words)
    assert again(run) == config(run)


def test_a_default_that_changed_since_does_not_change_the_run(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    known = read_json(run.lock_json)["config"]
    change(run, config=known | {"peft": known["peft"] | {"r": 5}})  # as if 5 had been the default
    assert again(run)["peft"]["r"] == 5


def test_a_value_of_a_lock_that_has_no_effect_is_repeated(sealed: Sealed) -> None:
    run = sealed("dataset=mix", f"dataset.sources={SOURCES}", "eval=[qa]")
    known = read_json(run.lock_json)["config"]
    known["eval"]["qa"]["top_p"] = 0.9  # as a version noted it that did not ask
    known["dataset"]["sources"]["a"]["hub_split"] = "x"
    change(run, config=known)
    assert again(run)["eval"]["qa"]["top_p"] == 0.9
    assert again(run)["dataset"]["sources"]["a"]["hub_split"] == "x"


def test_a_lock_of_fields_that_there_are_not_is_refused(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    known = read_json(run.lock_json)["config"]
    change(run, config=known | {"peft": known["peft"] | {"rr": 5}})
    with pytest.raises(ConfigError, match=r"peft\.rr"):
        again(run)


def test_an_interpolation_in_a_lock_is_text(
    faq: str, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "canary")
    run = sealed(f"dataset={faq}")
    known = read_json(run.lock_json)["config"]
    change(run, config=known | {"description": "${oc.env:PLANTED}"})
    assert again(run)["description"] == "${oc.env:PLANTED}"


def test_the_hub_is_asked_for_the_very_commit(sealed: Sealed) -> None:
    run = sealed("recipe=lora_smollm2_135m")
    change(run, model=read_json(run.lock_json)["model"] | {"commit": "a" * 40})
    assert again(run)["model"]["revision"] == "a" * 40


def test_consent_is_not_taken_over_from_a_lock(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}", "consent.remote_code=true")
    with pytest.raises(ConfigError, match=r"add consent\.remote_code=true"):
        again(run)
    assert again(run, "consent.remote_code=true")["consent"]["remote_code"] is True


def test_files_beside_the_lock_are_found(
    faq: str, here: Path, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = sealed(f"dataset.path={here / faq}", "dataset=question_answer")
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    shutil.move(here / faq, elsewhere / faq)
    shutil.move(run.lock_json, elsewhere / "lock.json")
    shutil.rmtree(run.path)
    monkeypatch.chdir("/")
    assert again(elsewhere / "lock.json")["dataset"]["path"] == str(elsewhere / faq)


def test_a_file_beside_the_recipe_is_found_where_the_recipe_is_now(
    here: Path, sealed: Sealed, recipe: Callable[[str, str], Path]
) -> None:
    file = recipe("ours/r", "defaults: [/recipe/quickstart]\ndataset: {path: 'recipe:own.csv'}\n")
    (file.parent / "own.csv").write_text("question,answer\nWho?,Me.\n")
    run = sealed("recipe=ours/r")
    known = read_json(run.lock_json)["config"]
    moved = known["dataset"] | {"path": "/the/other/machine/recipes/ours/own.csv"}
    change(run, config=known | {"dataset": moved})
    assert again(run)["dataset"]["path"] == str(file.parent / "own.csv")


def test_all_that_is_missing_is_told_together(
    here: Path, faq: str, sealed: Sealed, cli: Cli
) -> None:
    shutil.copy(faq, "held.csv")
    shutil.copytree(ROOT / "ftrecipe" / "builtin" / "tiny", "model")
    run = sealed(f"dataset={faq}", "dataset.test_path=held.csv", "model=./model")
    for name in (faq, "held.csv"):
        (here / name).unlink()
    shutil.rmtree("model")
    said = cli("replay", str(run.path))
    assert said.code == 2
    for key in ("dataset.path", "dataset.test_path", "model.path"):
        assert f"add {key}=<your copy of it>" in said.err


def test_held_out_files_stay_when_the_data_lies_elsewhere(
    here: Path, faq: str, sealed: Sealed
) -> None:
    shutil.copy(faq, "held.csv")
    run = sealed(f"dataset={faq}", "dataset.validation_path=held.csv")
    shutil.move(faq, "moved.csv")
    found = again(run, "dataset.path=moved.csv")["dataset"]
    assert (found["path"], found["validation_path"]) == ("moved.csv", "held.csv")


def test_changed_data_is_refused_with_both_hashes(
    faq: str, here: Path, sealed: Sealed, cli: Cli
) -> None:
    run = sealed(f"dataset={faq}")
    before = read_json(run.lock_json)["data"]["files"][0]["sha256"][:12]
    (here / faq).write_text("question,answer\nWho?,Me.\n")
    said = cli("replay", str(run.path))
    assert said.code == 2
    assert f"data files: not those of the run: dataset.path {before} → " in said.err
    assert "--anyway" in said.err
    assert len(list(run.path.parent.iterdir())) == 1  # no run began


def test_changed_base_weights_are_refused(faq: str, here: Path, sealed: Sealed, cli: Cli) -> None:
    shutil.copytree(ROOT / "ftrecipe" / "builtin" / "tiny", "model")
    run = sealed(f"dataset={faq}", "model=./model")
    weights = here / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    said = cli("replay", str(run.path))
    assert said.code == 2
    assert "base weights: not those of the run: model.safetensors" in said.err


def test_other_versions_and_another_processor_are_told_before_it_starts(
    faq: str, sealed: Sealed, cli: Cli, here: Path
) -> None:
    run = sealed(f"dataset={faq}")
    lock = read_json(run.lock_json)
    machine = lock["machine"] | {"cpu": "another"}
    change(run, versions=lock["versions"] | {"torch": "1.0"}, machine=machine)
    (here / faq).write_text("question,answer\nWho?,Me.\n")  # so that it is refused
    said = cli("replay", str(run.path))
    assert "differs   versions: torch 1.0 → " in said.out
    assert "differs   machine: cpu another → " in said.out


@pytest.mark.parametrize("word", ["peft=dora", "model=smollm2_135m", "+recipe=quickstart"])
def test_another_choice_is_a_new_run_and_no_repetition(
    word: str, faq: str, sealed: Sealed, cli: Cli
) -> None:
    run = sealed(f"dataset={faq}")
    said = cli("replay", str(run.path), word)
    assert said.code == 2
    assert "start a new run" in said.err


def test_another_value_is_told(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    locked = open_lock(str(run.path))
    found = composed(locked, ["seed=7", "dataset.path=faq.csv", "runs_dir=elsewhere"])
    assert told.changes(locked.lock, found.run) == ["seed 42 → 7"]


def test_other_hardware_keeps_the_rows_of_a_step(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}", "trainer.per_device_train_batch_size=8")
    made = plan_of(run, "hardware=cpu_2", "trainer.per_device_train_batch_size=4")
    assert made.run.world_size == 2
    assert made.global_batch_size == 8


def test_threads_and_what_is_computed_by_are_set_as_they_were(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    lock = read_json(run.lock_json)
    odd = {"MKL_CBWR": "COMPATIBLE", "LD_PRELOAD": "/tmp/x.so", "NCCL_ALGO": "a;b $(id)"}
    change(run, compute=lock["compute"] | {"threads": 3, "environment": odd})
    found = environment(read_json(run.lock_json))
    assert found == {"MKL_CBWR": "COMPATIBLE", THREADS: "3"}


def test_a_run_that_never_trained_has_nothing_to_repeat(faq: str, sealed: Sealed, cli: Cli) -> None:
    run = sealed(f"dataset={faq}")
    change(run, complete=False)
    said = cli("replay", str(run.path))
    assert said.code == 2
    assert "never came to its first step" in said.err


def test_a_run_without_a_lock_is_answered_with_its_recipe(
    faq: str, sealed: Sealed, cli: Cli
) -> None:
    run = sealed(f"dataset={faq}")
    run.lock_json.unlink()
    said = cli("replay", str(run.path))
    assert said.code == 2
    assert f"+recipe={run.recipe.absolute()}" in said.err


@pytest.mark.parametrize("words", [[], ["seed=7"], ["nowhere"]])
def test_replay_needs_a_run_or_a_lock(words: list[str], cli: Cli) -> None:
    assert cli("replay", *words).code == 2


def test_a_name_in_a_lock_leads_to_no_other_folder(faq: str, sealed: Sealed) -> None:
    run = sealed(f"dataset={faq}")
    change(run, name="../../up/\x1b[31mred")
    made = plan_of(run)
    assert made.name == "x/x/up/31mred"


def test_a_chat_template_that_is_not_here_is_told_with_its_key(
    faq: str, here: Path, sealed: Sealed
) -> None:
    (here / "chat.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    run = sealed(f"dataset={faq}", "model.chat_template=chat.jinja")
    (here / "chat.jinja").unlink()
    with pytest.raises(ConfigError, match=r"add model\.chat_template=<your copy of it>"):
        again(run)
