"""Exports of a run that is there: which are made, what stays, and what has to be said anew."""

import importlib.util
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe import disk, launch, plan, readiness
from ftrecipe.compose import compose
from ftrecipe.existing import EXPORTING, GOING_ON, confirm, recompose
from ftrecipe.readiness import lacks
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.runs.exported import commands

REPO = "export.hub.repo_id=me/bot"
YES = "consent.push_to_hub=true"


@pytest.fixture
def run(faq: str) -> RunDir:
    """A run with two exports that was planned and never begun."""
    return launch.create(plan.make(compose([f"dataset={faq}", "export=[adapter,merged]"])))


@pytest.fixture
def pushing(faq: str, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A run that was given consent to push."""
    words = [f"dataset={faq}", "export=[merged,hub]", REPO, YES]
    return launch.create(plan.make(compose(words)))


def test_a_run_makes_all_of_its_exports(run: RunDir) -> None:
    assert read_json(run.run)["exports"] == ["adapter", "merged"]
    assert recompose(run, [], EXPORTING).exports == ["adapter", "merged"]


def test_only_what_is_named_is_made_and_the_rest_stays_among_the_runs_exports(run: RunDir) -> None:
    made = recompose(run, ["export=[vllm]"], EXPORTING)
    assert made.exports == ["vllm"]
    assert list(made.run.export) == ["adapter", "merged", "vllm"]


def test_a_setting_names_the_export_that_it_is_of(run: RunDir) -> None:
    made = recompose(run, ["export.merged.max_shard_size=1GB"], EXPORTING)
    assert made.exports == ["merged"]
    assert list(made.run.export) == ["adapter", "merged"]


def test_a_setting_names_also_an_export_that_the_run_has_not_made(run: RunDir) -> None:
    made = recompose(run, ["export.vllm.max_model_len=512"], EXPORTING)
    assert made.exports == ["vllm"]
    assert list(made.run.export) == ["adapter", "merged", "vllm"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gguf", "did you mean export=gguf?"),
        ("export.merged.torch_dtype=float16", "did you mean export.merged.dtype?"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(
    run: RunDir, cli: Cli, word: str, meant: str
) -> None:
    assert meant in cli("export", str(run.path), word).err


def test_what_was_named_before_can_be_made_again(run: RunDir) -> None:
    launch.write(recompose(run, ["export=[vllm]"], EXPORTING), run, trains=False)
    assert read_json(run.run)["exports"] == ["vllm"]
    assert recompose(run, ["export=adapter"], EXPORTING).exports == ["adapter"]
    assert recompose(run, [], EXPORTING).exports == ["adapter", "merged", "vllm"]


def test_going_on_with_the_training_makes_what_it_names_and_no_others(run: RunDir) -> None:
    made = recompose(run, ["export=[vllm]"], GOING_ON)
    assert (made.exports, list(made.run.export)) == (["vllm"], ["vllm"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export=[mergd]"], "did you mean merged?"),
        (["export=[vllm]", "export.vllm.max_model_len=99999"], "goes up to 1024 tokens"),
        (["export=[hub]", YES], "export.hub.repo_id: is not set"),
        (["export=[hub]", REPO], "needs your word for it: add consent.push_to_hub=true"),
        (["export=[hub]", REPO, YES, "export.hub.of=[mergd]"], "did you mean merged?"),
        (["export=[hub]", REPO, YES, "export.hub.of=[vllm]"], "the run does not export it"),
        (["export=[]"], "no export is named; add export=merged"),
        (["export.gguff.types=[f16]"], "did you mean"),
    ],
)
def test_what_is_asked_for_is_checked_before_a_worker_starts(
    words: list[str], told: str, cli: Cli, run: RunDir
) -> None:
    before = run.run.read_text()
    said = cli("export", str(run.path), *words)
    assert said.code == 2
    assert told in said.err
    assert run.run.read_text() == before


def test_a_run_without_exports_says_what_to_add(cli: Cli, faq: str) -> None:
    bare = launch.create(plan.make(compose([f"dataset={faq}", "export=[]"])))
    said = cli("export", str(bare.path))
    assert said.code == 2
    assert "no export is named; add export=merged, or another (known: adapter, " in said.err


def test_what_a_method_cannot_be_made_into_is_refused(cli: Cli, faq: str) -> None:
    words = [f"dataset={faq}", "peft=prompt_tuning", "export=[adapter]"]
    words.append("trainer.gradient_checkpointing=false")
    made = launch.create(plan.make(compose(words)))
    for target in ("merged", "gguf", "ollama", "vllm"):
        said = cli("export", str(made.path), f"export={target}")
        assert said.code == 2
        assert f"export={target}: peft=prompt_tuning cannot be merged" in said.err


def test_a_package_that_is_missing_is_told_with_what_installs_it(
    run: RunDir, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, there = run.run.read_text(), importlib.util.find_spec
    monkeypatch.setattr(
        readiness.importlib.util, "find_spec", lambda name: None if name == "gguf" else there(name)
    )
    said = cli("export", str(run.path), "export=[gguf]")
    assert said.code == 2
    assert "export=gguf needs gguf, which is not installed here" in said.err
    assert "pip install 'ftrecipe[export]'" in said.err
    assert run.run.read_text() == before
    made = recompose(run, ["export=[gguf]"], EXPORTING)
    assert list(lacks(made.run, ["train"])) == []  # what does not export needs none of it
    assert list(lacks(made.run, ["export"], ["merged"])) == []


def test_exports_that_do_not_fit_on_the_disk_are_refused(
    run: RunDir, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = disk.shutil.disk_usage(run.path)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    said = cli("export", str(run.path), "export=[merged]")
    assert said.code == 2
    assert "these exports need about" in said.err
    assert "export/merged" in said.err
    assert "977 KiB are free" in said.err


def test_consent_to_push_is_said_anew_by_whoever_opens_the_run(cli: Cli, pushing: RunDir) -> None:
    assert "consent" not in pushing.recipe.read_text()
    for verb in ("export", "resume"):
        said = cli(verb, str(pushing.path))
        assert said.code == 2
        assert f"python -m ftrecipe {verb} {pushing.path.absolute()} {YES}" in said.err
    said = cli("export", str(pushing.path), "consent.push_to_hub=false")
    assert said.code == 2
    made = recompose(pushing, [], EXPORTING)
    confirm("export", pushing, made, [YES])


def test_what_sends_nothing_away_needs_no_consent_in_a_run_that_once_did(pushing: RunDir) -> None:
    made = recompose(pushing, ["export=[merged]"], EXPORTING)
    confirm("export", pushing, made, [])


def test_consent_that_is_repeated_changes_nothing_about_a_finished_run(
    cli: Cli, pushing: RunDir
) -> None:
    write_json(pushing.status, launch.PLANNED | {"state": "finished", "stage": "report"})
    said = cli("resume", str(pushing.path), YES)
    assert said.code == 0
    assert "is finished; nothing to resume" in said.out


def test_a_recipe_cannot_consent_to_a_push(cli: Cli, here: Path, faq: str) -> None:
    (here / "recipes").mkdir()
    (here / "recipes" / "evil.yaml").write_text(
        "defaults: [override /export: [merged, hub]]\n"
        f"dataset: {{path: {faq}}}\nexport: {{hub: {{repo_id: me/bot}}}}\n"
        "consent: {push_to_hub: true}\n"
    )
    said = cli("plan", "+recipe=evil")
    assert said.code == 2
    assert "consent is given on the command line, never in a recipe" in said.err


def test_a_run_shows_how_its_exports_are_used(cli: Cli, run: RunDir) -> None:
    launch.write(recompose(run, ["export=[vllm]"], EXPORTING), run, trains=False)
    write_json(run.status, launch.PLANNED | {"state": "finished", "stage": "report"})
    for name in ("vllm", "merged"):
        (run.export / name).mkdir(parents=True)
    said = cli("runs", "show", str(run.path))
    assert said.code == 0, said.err
    assert f"sh {run.export.absolute() / 'vllm' / 'serve.sh'}" in said.out.replace(
        "sh runs/", f"sh {Path.cwd()}/runs/"
    )
    (run.export / "vllm" / "rejected").mkdir()
    assert "serve.sh" not in cli("runs", "show", str(run.path)).out


@pytest.mark.parametrize("said", ["same", "degraded", "failed"])
def test_what_failed_where_it_is_served_is_not_told_how_to_use(faq: str, said: str) -> None:
    run = launch.create(plan.make(compose([f"dataset={faq}", "export=[ollama]"])))
    (run.export / "ollama").mkdir(parents=True)
    write_json(run.export / "ollama" / "gate.json", {"verdict": said})
    assert ("ollama" in commands(run.path, read_json(run.run))) == (said != "failed")
