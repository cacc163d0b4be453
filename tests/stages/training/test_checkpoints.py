"""Only a whole checkpoint is resumed from, and the others are named with their fault."""

import io
import re
from pathlib import Path

import jsonschema
import pytest

from ftrecipe import config
from ftrecipe.components.strategy import Strategy
from ftrecipe.components.strategy.fsdp import Fsdp
from ftrecipe.components.strategy.plain import Ddp, Single
from ftrecipe.components.strategy.zero import Zero2, Zero3
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.training.checkpoints import (
    SEAL,
    divided_by,
    latest_valid,
    needs_conversion,
    seal,
    what_is_wrong,
)

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
    seal(made, processes, divided_by(strategy))
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
    assert what_is_wrong(made) == f"{name} is cut off"
    (made / name).write_bytes(b"something of another length")
    assert what_is_wrong(made) == f"{name} has changed"
    (made / name).unlink()
    assert what_is_wrong(made) == f"{name} is missing"


def test_a_checkpoint_that_was_being_saved_is_not_whole(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 5)
    (made / SEAL).unlink()
    assert what_is_wrong(made) == "saving it was not finished"


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
