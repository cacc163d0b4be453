"""Finds the checkpoint to resume from: the newest one that is whole."""

import json
import zipfile
from pathlib import Path

from ftrecipe.stages.screen import Screen
from ftrecipe.weights import is_whole

NEEDED = ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth")


def latest_valid(folder: Path, screen: Screen) -> Path | None:
    """Return the newest whole checkpoint below `folder`, saying which are passed over and why."""
    found = sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)
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
    """Return why a checkpoint cannot be resumed from, or None: trainers resume without looking."""
    missing = [name for name in NEEDED if not (checkpoint / name).is_file()]
    if missing:
        return f"{', '.join(missing)} is missing"
    for name in NEEDED:
        if name.endswith(".pt") and not zipfile.is_zipfile(checkpoint / name):
            return f"{name} is broken"
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text("utf-8"))
    except json.JSONDecodeError:
        return "trainer_state.json is broken"
    if state["global_step"] != step_of(checkpoint):
        return f"its state is of step {state['global_step']}"
    weights = list(checkpoint.glob("*.safetensors"))
    if not weights:
        return "its weights are missing"
    return next((f"{file.name} is cut off" for file in weights if not is_whole(file)), None)
