"""Seals checkpoints once they are whole, and finds the one to resume from.

Every library lays a checkpoint out in its own way, in parts that several processes write, and
resumes from what it finds without looking. So the last file to be written lists all the others.
"""

import math
from pathlib import Path
from typing import Any

from ftrecipe.components.strategy import Strategy
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json, write_json
from ftrecipe.stages.screen import Screen

SEAL = "whole.json"


def seal(checkpoint: Path, processes: int, divided: str | None) -> None:
    """List the files of a checkpoint that all processes have written, with their sizes.

    Args:
        divided: how its parts are divided among processes (`kind_of`), None if they are not.
    """
    files = {
        str(file.relative_to(checkpoint)): file.stat().st_size
        for file in sorted(checkpoint.rglob("*"))
        if file.is_file() and file.name != SEAL
    }
    write_json(checkpoint / SEAL, {"processes": processes, "divided": divided, "files": files})


def latest_valid(folder: Path, screen: Screen, below: float = math.inf) -> Path | None:
    """Return the newest whole checkpoint in `folder` of a step `below` this one.

    It is said which are passed over, and why.
    """
    there = [one for one in folder.glob("checkpoint-*") if step_of(one) < below]
    found = sorted(there, key=step_of, reverse=True)
    for checkpoint in found:
        lack = what_is_wrong(checkpoint)
        if lack is None:
            screen.say(f"train     going on from {checkpoint.name}")
            return checkpoint
        screen.warn(f"{checkpoint.name} is passed over: {lack}")
    return None


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint's name ends with."""
    return int(checkpoint.name.rsplit("-", 1)[1])


def what_is_wrong(checkpoint: Path) -> str | None:
    """Return why a checkpoint cannot be resumed from, or None."""
    if not (checkpoint / SEAL).is_file():
        return "saving it was not finished"
    listed: dict[str, int] = read_json(checkpoint / SEAL)["files"]
    missing = [name for name in listed if not (checkpoint / name).is_file()]
    if missing:
        return f"{', '.join(missing)} is missing"
    sizes = {name: (checkpoint / name).stat().st_size for name in listed}
    return next((f"{name} is cut off" for name in listed if sizes[name] < listed[name]), None) or (
        next((f"{name} has changed" for name in listed if sizes[name] != listed[name]), None)
    )


def needs_conversion(checkpoint: Path, strategy: Strategy, processes: int) -> bool:
    """Tell a checkpoint in parts of DeepSpeed's that are not as many as there are processes now.

    Raises ConfigError where what was saved cannot be put together again.
    """
    saved: dict[str, Any] = read_json(checkpoint / SEAL)
    divided, now, parts = saved["divided"], divided_by(strategy), saved["processes"]
    way = f"or remove {checkpoint.parent} to train from the start"
    if divided != now:
        raise ConfigError(
            f"{checkpoint.name} was saved {_by(divided)}, and this run trains {_by(now)}, which "
            f"cannot read it; resume with the strategy it was saved with, {way}"
        )
    # DeepSpeed 0.19.8 converts stage 3 too, and then the losses are not those of before.
    if strategy.zero_stage == 3 and parts != processes:
        raise ConfigError(
            f"{checkpoint.name} is in {parts} parts, one a process, and ZeRO-3 cannot spread "
            f"them over {processes}; resume on {parts} devices, {way}"
        )
    return bool(strategy.zero_stage) and parts != processes


def divided_by(strategy: Strategy) -> str | None:
    """Name how a strategy divides its checkpoints, None where every process could write all."""
    if strategy.zero_stage:
        return f"ZeRO-{strategy.zero_stage}"
    return strategy.distributed_type if strategy.shards_weights else None


def _by(divided: str | None) -> str:
    return f"by {divided}" if divided else "undivided"
