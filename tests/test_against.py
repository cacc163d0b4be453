"""Earlier runs that cannot be asked are told in the front, all at once, before anything runs."""

import json
import shutil

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.existing import MEASURING, recompose
from ftrecipe.rules import faults
from ftrecipe.rundir import RunDir, read_json, write_json

SMALL = ["recipe=quickstart", "hardware=cpu"]


@pytest.fixture
def earlier(here) -> RunDir:
    """A run as it is left behind by a training, without its weights."""
    made = plan.make(compose(SMALL))
    rundir = launch.create(made)
    write_json(rundir.status, {
        "stage": None, "state": "finished", "started": None, "ended": None, "error": None,
        "done": ["prepare", "baseline", "train"],
    })  # fmt: skip
    write_json(rundir.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    rundir.adapter.mkdir()
    (rundir.adapter / "adapter_model.safetensors").write_bytes(b"")
    return rundir


def told(*named: str, words: tuple[str, ...] = ()) -> list[str]:
    return faults(compose([*SMALL, f"compare.against=[{','.join(named)}]", *words]).run)


def refused(*named: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        compose([*SMALL, f"compare.against=[{','.join(named)}]"])
    return error.value.faults


def test_a_trained_run_can_be_held_against(earlier):
    assert told(str(earlier.path)) == []


def test_a_run_that_is_not_there_is_told(earlier):
    (fault,) = refused(str(earlier.path)[:-1] + "x")
    assert "compare.against" in fault
    assert "is not a run directory" in fault


def test_a_run_that_has_not_finished_training_is_told(earlier):
    status = read_json(earlier.status)
    status.pop("schema_version")
    write_json(earlier.status, status | {"state": "interrupted", "done": ["prepare"]})
    (fault,) = refused(str(earlier.path))
    assert "nothing is trained there yet" in fault


def test_a_run_is_not_held_against_itself_and_stays_what_it_was(earlier):
    before = read_json(earlier.status)
    with pytest.raises(ConfigError, match="this is the run itself"):
        recompose(earlier, [f"compare.against=[{earlier.path}]"], MEASURING)
    assert read_json(earlier.status) == before


def test_a_base_that_is_gone_is_told(earlier):
    base = read_json(earlier.base)
    base.pop("schema_version")
    write_json(earlier.base, base | {"path": "models/gone"})
    write_json(earlier.base, base | {"path": "./models/gone"})
    (fault,) = refused(str(earlier.path))
    assert "its base is gone" in fault


def test_code_and_pickles_in_an_earlier_result_are_told(earlier):
    (earlier.adapter / "adapter_model.safetensors").rename(earlier.adapter / "adapter_model.bin")
    (earlier.adapter / "config.json").write_text(
        json.dumps({"auto_map": {"AutoModel": "modeling_x.Model"}}), "utf-8"
    )
    found = refused(str(earlier.path))
    assert any("modeling_x.py" in fault for fault in found)
    assert any("only as pickles" in fault for fault in found)


def test_a_run_of_foreign_code_wants_consent_again(earlier):
    boundary = read_json(earlier.run)
    boundary["config"]["consent"]["remote_code"] = True
    boundary.pop("schema_version")
    write_json(earlier.run, boundary)
    (fault,) = refused(str(earlier.path))
    assert "consent.remote_code=true" in fault
    assert told(str(earlier.path), words=("consent.remote_code=true",)) == []


def test_a_run_is_named_once(earlier):
    (fault,) = refused(str(earlier.path), str(earlier.path))
    assert "name each run once" in fault


def test_all_that_is_wrong_is_told_at_once(earlier):
    copy = earlier.path.with_name("other")
    shutil.copytree(earlier.path, copy)
    shutil.rmtree(copy / "adapter")
    assert len(refused(str(copy), "nowhere/at_all")) == 2


def test_task_files_that_run_code_need_consent(here):
    (here / "tasks").mkdir()
    (here / "tasks" / "bad.yaml").write_text("task: bad\ndoc_to_text: !function x.y\n", "utf-8")
    words = [
        *SMALL,
        "eval=[lm_eval]",
        "eval.lm_eval.tasks=[bad]",
        "eval.lm_eval.include_path=tasks",
    ]
    with pytest.raises(ConfigError, match="this would run code here"):
        compose(words)
    assert compose([*words, "consent.remote_code=true"]).run.eval["lm_eval"].tasks == ["bad"]
