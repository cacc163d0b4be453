"""Only a whole checkpoint is resumed from, and the others are named with their fault."""

import io
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ftrecipe.stages.screen import Screen
from ftrecipe.stages.training.checkpoints import latest_valid, what_is_wrong


def checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({}, made / name)
    save_file({"weight": torch.ones(8, 8)}, made / "adapter_model.safetensors")
    return made


def test_newest_whole_checkpoint_is_taken(tmp_path: Path) -> None:
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    assert latest_valid(tmp_path, Screen(None)) == newest


def test_damaged_checkpoint_is_passed_over_by_name(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 9)
    (checkpoint(tmp_path, 10) / "optimizer.pt").unlink()
    said = io.StringIO()
    assert latest_valid(tmp_path, Screen(said)) == whole
    assert "checkpoint-10 is passed over: optimizer.pt is missing" in said.getvalue()


def test_no_checkpoint_means_from_the_start(tmp_path: Path) -> None:
    assert latest_valid(tmp_path / "checkpoints", Screen(None)) is None


@pytest.mark.parametrize("kept", [4, 40, 200])
def test_cut_off_weights_are_seen(kept: int, tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    weights = made / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert what_is_wrong(made) == "adapter_model.safetensors is cut off"


def test_broken_optimizer_state_is_seen(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    (made / "optimizer.pt").write_bytes(b"x" * 50)
    assert what_is_wrong(made) == "optimizer.pt is broken"


def test_state_of_another_step_is_seen(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    (made / "trainer_state.json").write_text(json.dumps({"global_step": 4}))
    assert what_is_wrong(made) == "its state is of step 4"


def test_broken_state_is_seen(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    (made / "trainer_state.json").write_text("{")
    assert what_is_wrong(made) == "trainer_state.json is broken"
