"""Only a whole checkpoint is resumed from, and the others are named with their fault."""

import io
import os
import re
import threading
from pathlib import Path

import jsonschema
import pytest

from ftrecipe import config
from ftrecipe.components.strategy import Strategy
from ftrecipe.components.strategy.fsdp import Fsdp
from ftrecipe.components.strategy.plain import Ddp, Single
from ftrecipe.components.strategy.zero import Zero2, Zero3
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.manifest import SEAL, divided_by, needs_conversion, what_is_wrong, write
from ftrecipe.rundir import read_json, write_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.training.checkpoints import ASIDE, SMALL, Keeper, latest_valid, rotate

BASIS = {"config": {"seed": 42}, "data": None, "weights": {"model.safetensors": "0" * 64},
         "prepared": None, "packages": {"torch": "2.13.0"}, "steps": 10}  # fmt: skip
PLAIN = ["trainer_state.json", "optimizer.pt", "scheduler.pt", "adapter_model.safetensors"]
LAYOUTS: dict[str, tuple[Strategy, list[str]]] = {
    "zero2": (
        Zero2(),
        ["trainer_state.json", "scheduler.pt", "latest", "adapter_model.safetensors",
         "global_step5/mp_rank_00_model_states.pt",
         "global_step5/zero_pp_rank_0_mp_rank_00_optim_states.pt",
         "global_step5/zero_pp_rank_1_mp_rank_00_optim_states.pt"],
    ),
    "single": (Single(), [*PLAIN, "rng_state.pth"]),
    "ddp": (Ddp(), [*PLAIN, "rng_state_0.pth", "rng_state_1.pth"]),
    "zero3": (
        Zero3(),
        [
            "trainer_state.json", "scheduler.pt", "latest", "adapter_model.safetensors",
            "rng_state_0.pth", "rng_state_1.pth",
            *(f"global_step5/zero_pp_rank_{rank}_mp_rank_00_{what}_states.pt"
              for rank in (0, 1) for what in ("model", "optim")),
        ],
    ),
    "fsdp": (Fsdp(), ["trainer_state.json", "scheduler.pt", "pytorch_model_fsdp.bin",
                      "optimizer.bin", "rng_state_0.pth", "rng_state_1.pth"]),
}  # fmt: skip


def checkpoint(folder: Path, step: int, layout: str = "single", processes: int = 1) -> Path:
    strategy, names = LAYOUTS[layout]
    made = folder / f"checkpoint-{step}"
    for name in names:
        file = made / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"something of a length")
    write(made, processes, divided_by(strategy), BASIS)
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


@pytest.mark.parametrize(
    ("layout", "name"), [(layout, name) for layout, (_, names) in LAYOUTS.items() for name in names]
)
def test_every_file_that_a_strategy_writes_is_needed(
    layout: str, name: str, tmp_path: Path
) -> None:
    made = checkpoint(tmp_path, 5, layout, processes=2)
    assert what_is_wrong(made) is None
    (made / name).write_bytes(b"some")
    assert what_is_wrong(made) == f"{name} is cut off (4 of 21 bytes)"
    (made / name).write_bytes(b"something of another length")
    assert what_is_wrong(made) == f"{name} has changed (27 bytes, and 21 were saved)"
    (made / name).unlink()
    assert what_is_wrong(made) == f"{name} is missing"


def test_one_changed_bit_is_found_and_only_where_hashes_are_asked_for(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    bytes_ = bytearray((made / "optimizer.pt").read_bytes())
    bytes_[7] ^= 1
    (made / "optimizer.pt").write_bytes(bytes_)
    said = "optimizer.pt has changed: its SHA-256 is not that of what was saved"
    assert what_is_wrong(made) == said
    assert what_is_wrong(made, hashes=False) is None


def test_a_checkpoint_that_was_being_saved_is_not_whole(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    (made / SEAL).unlink()
    assert what_is_wrong(made) == "it has no whole.json, so saving it was not finished"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"files": {}}', '{"files": {"optimizer.pt": 21}}',
     '{"files": {"optimizer.pt": {"bytes": "x", "sha256": "y"}}}', "\x00" * 512],
    ids=["empty", "cut", "list", "null", "object", "no-files", "sizes-only", "types", "zeros"],
)  # fmt: skip
def test_a_broken_manifest_is_a_reason_and_no_crash(text: str, tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 5)
    made = checkpoint(tmp_path, 6)
    (made / SEAL).write_text(text)
    assert "its whole.json" in str(what_is_wrong(made))
    assert latest_valid(tmp_path, Screen(None)) == whole


def test_a_manifest_that_is_no_text_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 6)
    (made / SEAL).write_bytes(os.urandom(64) + b"\xff")
    assert "its whole.json cannot be read" in str(what_is_wrong(made))


@pytest.mark.parametrize("part", ["config", "packages", "data", "weights"])
def test_a_manifest_that_tells_its_basis_in_another_form_is_a_reason(
    part: str, tmp_path: Path
) -> None:
    made = checkpoint(tmp_path, 6)
    known = {key: value for key, value in read_json(made / SEAL).items() if key != "schema_version"}
    write_json(made / SEAL, known | {"basis": BASIS | {part: ["?"]}})
    assert "is not a manifest of this version" in str(what_is_wrong(made))


def test_training_from_the_beginning_is_said_where_no_checkpoint_is_whole(tmp_path: Path) -> None:
    for step in (4, 8):
        (checkpoint(tmp_path, step) / "trainer_state.json").write_bytes(b"")
    said = io.StringIO()
    assert latest_valid(tmp_path, Screen(said)) is None
    assert "checkpoint-8 is passed over: trainer_state.json is cut off" in said.getvalue()
    assert "checkpoint-4 is passed over: trainer_state.json is cut off" in said.getvalue()
    assert "training starts from the beginning" in said.getvalue()


def test_what_a_cut_off_save_left_is_no_checkpoint_and_is_cleared_away(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 4)
    checkpoint(tmp_path / ASIDE, 8)
    checkpoint(tmp_path, 2).replace(tmp_path / ".spent-checkpoint-2")
    assert latest_valid(tmp_path, Screen(None)) == whole
    assert [one.name for one in tmp_path.iterdir()] == [whole.name]


def test_folders_that_are_no_checkpoints_are_left_alone(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 4)
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "checkpoint-9").write_text("a file")
    assert latest_valid(tmp_path, Screen(None)) == whole


def test_the_seal_is_described_by_its_schema(tmp_path: Path) -> None:
    schema = Path(config.__file__).parent / "schemas" / "checkpoint.json"
    jsonschema.validate(read_json(checkpoint(tmp_path, 5, "zero3", 2) / SEAL), read_json(schema))


@pytest.mark.parametrize(
    ("layout", "strategy", "processes", "converted"),
    [("single", Ddp(), 4, False), ("ddp", Single(), 1, False), ("ddp", Ddp(), 8, False),
     ("fsdp", Fsdp(), 3, False), ("zero3", Zero3(), 2, False), ("zero2", Zero2(), 3, True)],
)  # fmt: skip
def test_only_deepspeed_has_to_convert_for_another_number_of_processes(
    layout: str, strategy: Strategy, processes: int, converted: bool, tmp_path: Path
) -> None:
    made = checkpoint(tmp_path, 5, layout, processes=2)
    assert needs_conversion(made, strategy, processes) == converted


@pytest.mark.parametrize(
    ("strategy", "said"),
    [(Zero3(), "is in 2 parts, one a process, and ZeRO-3 cannot spread them over 3; resume on 2"),
     (Zero2(), "was saved by ZeRO-3, and this run trains by ZeRO-2"),
     (Ddp(), "was saved by ZeRO-3, and this run trains undivided")],
)  # fmt: skip
def test_checkpoint_that_cannot_be_put_together_is_refused_with_a_way_out(
    strategy: Strategy, said: str, tmp_path: Path
) -> None:
    made = checkpoint(tmp_path, 5, "zero3", processes=2)
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        needs_conversion(made, strategy, 3)
    assert "to train from the start" in str(refused.value)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize(
    ("there", "step", "keep", "best", "kept"),
    [
        ([4, 8, 12], 12, 2, None, [12, 8]),
        ([4, 8, 12], 12, 1, None, [12]),
        ([4, 8, 12], 12, 2, 4, [12, 4]),
        ([4, 8, 12], 12, 1, 4, [12, 4]),
        ([4, 8, 12], 12, 2, 12, [12, 8]),
        ([4, 8, 12], 12, None, None, [12, 8, 4]),
        ([4, 8, 14, 20], 14, 2, None, [14, 8]),
        ([4, 14, 20], 14, 3, None, [20, 14, 4]),
    ],
)
def test_rotation_goes_by_step_and_never_takes_the_last_or_the_best(
    there: list[int], step: int, keep: int | None, best: int | None, kept: list[int], tmp_path: Path
) -> None:
    for age, one in enumerate(reversed(there)):  # a clock set back: the last saved seems the oldest
        os.utime(checkpoint(tmp_path, one), (10_000 * age, 10_000 * age))
    rotate(tmp_path, step, keep, f"runs/x/checkpoints/checkpoint-{best}" if best else None)
    assert names(tmp_path) == sorted(f"checkpoint-{one}" for one in kept)


def saved(keeper: Keeper, step: int, size: int = 100, at_once: bool = False) -> None:
    keeper.begin(step)
    keeper.place(step).mkdir(parents=True)
    (keeper.place(step) / "optimizer.pt").write_bytes(bytes(size))
    keeper.end(step, None, lambda made: write(made, 1, None, BASIS), at_once)


def test_a_checkpoint_has_its_name_once_it_is_sealed_and_older_ones_go_then(tmp_path: Path) -> None:
    keeper, seen = Keeper(tmp_path, 1, print), []
    saved(keeper, 4)
    keeper.begin(8)
    checkpoint(tmp_path / ASIDE, 8)
    keeper.end(8, None, lambda made: seen.append((made.parent.name, names(tmp_path))), False)
    assert seen == [(ASIDE, [ASIDE, "checkpoint-4"])]
    assert names(tmp_path) == ["checkpoint-8"]


def test_a_large_checkpoint_is_hashed_beside_the_training(tmp_path: Path) -> None:
    keeper, go = Keeper(tmp_path, 1, print), threading.Event()
    saved(keeper, 4)
    keeper.begin(8)
    keeper.place(8).mkdir(parents=True)
    with (keeper.place(8) / "optimizer.pt").open("wb") as file:
        file.truncate(SMALL + 1)  # a hole: no disk is filled
    keeper.end(8, None, lambda made: (go.wait(10), write(made, 1, None, BASIS))[1], False)
    assert names(tmp_path) == [ASIDE, "checkpoint-4"]
    go.set()
    keeper.wait()
    assert names(tmp_path) == ["checkpoint-8"]


def test_a_lost_checkpoint_leaves_the_older_ones_and_three_in_a_row_stop(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = Keeper(tmp_path, 1, said.append)
    saved(keeper, 4)
    for step in (8, 12, 16):
        keeper.check()
        keeper.begin(step)
        checkpoint(tmp_path / ASIDE, step)
        keeper.lose(step, OSError(28, "No space left on device"))
        assert names(tmp_path) == ["checkpoint-4"]
    assert "checkpoint-8 could not be saved: no space left on device" in said[0]
    assert "training goes on, the last one is checkpoint-4" in said[0]
    with pytest.raises(StageError, match="3 checkpoints in a row could not be saved"):
        keeper.check()


def test_a_checkpoint_that_was_saved_ends_a_row_of_lost_ones(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 1, print)
    for step in (4, 8):
        keeper.lose(step, OSError(28, "No space left on device"))
    saved(keeper, 12)
    keeper.lose(16, OSError(28, "No space left on device"))
    keeper.check()


def test_a_hash_that_was_changed_in_the_manifest_is_found(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    manifest = read_json(made / SEAL)
    manifest.pop("schema_version")
    manifest["files"]["rng_state.pth"]["sha256"] = "f" * 64
    write_json(made / SEAL, manifest)
    assert "rng_state.pth has changed" in str(what_is_wrong(made))
