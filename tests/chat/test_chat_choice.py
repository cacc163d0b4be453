"""What of a run is talked to: exports by what their gates said, and what training left."""

import json
from pathlib import Path

import pytest

from ftrecipe.compose import compose
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir
from ftrecipe.talk import choice
from ftrecipe.talk.choice import TRAINED, best, loadable, named


@pytest.fixture
def config(here) -> RunConfig:
    return compose(["recipe=quickstart", "hardware=cpu"]).run


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    rundir = RunDir(tmp_path / "run")
    rundir.adapter.mkdir(parents=True)
    return rundir


def export(run: RunDir, target: str, verdict: str | None = "same", **files: str) -> Path:
    """Write an export's folder; of files named in `files`, each with its own verdict."""
    folder = run.export / target
    files_in = folder if verdict != "failed" else folder / "rejected"
    files_in.mkdir(parents=True)
    if target == "merged":
        (files_in / "config.json").write_text('{"dtype": "bfloat16"}')
    for name in files:
        (folder / f"x-{name}.gguf").write_bytes(b"")
    if verdict is not None:
        each = [{"name": f"x-{name}.gguf", "verdict": said} for name, said in files.items()]
        gate = {"verdict": verdict, "artefacts": each}
        (folder / "gate.json").write_text(json.dumps(gate))
    return folder


def names(run: RunDir, config: RunConfig) -> list[str]:
    return [one.name for one in loadable(run, config)]


def test_what_training_left_is_always_there(run, config):
    assert names(run, config) == [TRAINED]


def test_every_file_of_an_export_has_a_name_and_a_verdict(run, config):
    export(run, "gguf", "degraded", f16="same", q4_k_m="degraded")
    found = {one.name: one.verdict for one in loadable(run, config)}
    assert found == {
        "gguf/x-f16.gguf": "same", "gguf/x-q4_k_m.gguf": "degraded", TRAINED: None,
    }  # fmt: skip


def test_a_gguf_is_quickest_on_a_cpu_and_merged_weights_on_a_gpu(run, config):
    for target in ("adapter", "merged"):
        export(run, target)
    export(run, "gguf", f16="same")
    found = loadable(run, config)
    assert best(found, on_gpu=False).name == "gguf/x-f16.gguf"
    assert best(found, on_gpu=True).name == "merged"


def test_what_is_the_same_goes_before_what_is_degraded(run, config):
    export(run, "gguf", "degraded", q4_k_m="degraded")
    export(run, "merged")
    assert best(loadable(run, config), on_gpu=False).name == "merged"


def test_of_two_files_the_nearer_one_is_taken(run, config):
    export(run, "gguf", a_q4_k_m="same", b_f16="same")
    (run.export / "gguf/x-a_q4_k_m.gguf").rename(run.export / "gguf/a-q4_k_m.gguf")
    (run.export / "gguf/x-b_f16.gguf").rename(run.export / "gguf/b-f16.gguf")
    assert best(loadable(run, config), on_gpu=False).name == "gguf/b-f16.gguf"


def test_a_missing_engine_is_passed_over_and_named_when_asked_for(run, config, monkeypatch):
    export(run, "gguf", f16="same")
    monkeypatch.setitem(choice.MODULES, "llama_cpp", "no_such_module")
    found = loadable(run, config)
    assert best(found, on_gpu=False).name == TRAINED
    with pytest.raises(
        ConfigError, match=r"needs no_such_module.*pip install 'ftrecipe\[export\]'"
    ):
        named("gguf", found, run.path)


def test_a_part_of_a_name_will_do(run, config):
    export(run, "gguf", "degraded", f16="same", q4_k_m="degraded")
    found = loadable(run, config)
    assert named("q4_k_m", found, run.path).name == "gguf/x-q4_k_m.gguf"
    assert named("gguf", found, run.path).name == "gguf/x-f16.gguf"
    assert named("adapter", found, run.path).name == TRAINED


def test_what_the_gate_has_rejected_is_loaded_by_its_path_alone(run, config):
    folder = export(run, "merged", "failed")
    rejected = folder / "rejected"
    found = loadable(run, config)
    assert best(found, on_gpu=True).name == TRAINED
    with pytest.raises(ConfigError) as error:
        named("merged", found, run.path)
    assert "its gate said failed" in str(error.value)
    assert f"--with {rejected}" in str(error.value)
    there = named(str(rejected), found, run.path)
    assert (there.engine, there.verdict) == ("transformers", "failed")


def test_a_run_of_which_all_failed_is_told_why(run, config):
    run.adapter.rmdir()
    export(run, "merged", "failed")
    with pytest.raises(ConfigError, match="merged: its gate said failed"):
        best(loadable(run, config), on_gpu=False)


def test_a_path_is_known_by_what_lies_there(run, tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "adapter_config.json").write_text("{}")
    (tmp_path / "a" / "config.json").write_text("{}")
    assert named("m.gguf", [], tmp_path).engine == "llama_cpp"
    assert named("a", [], tmp_path).engine == "peft"


def test_the_runs_own_export_goes_before_a_folder_of_that_name(run, config, tmp_path):
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "config.json").write_text("{}")
    export(run, "merged")
    found = loadable(run, config)
    assert named("merged", found, tmp_path).path == run.export / "merged"
    assert named("./merged", found, tmp_path).path == tmp_path / "merged"


def test_an_export_that_somebody_has_damaged_is_passed_over(run, config):
    (export(run, "merged") / "config.json").unlink()
    assert names(run, config) == [TRAINED]


def test_an_unknown_name_is_answered_with_the_nearest(run, config):
    export(run, "merged")
    with pytest.raises(ConfigError, match="did you mean merged"):
        named("mergd", loadable(run, config), run.path)


def test_a_target_that_was_not_made_is_answered_with_how_it_is(run, config):
    with pytest.raises(ConfigError, match="export RUN export=gguf makes it"):
        named("gguf", loadable(run, config), run.path)
