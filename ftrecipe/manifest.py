"""The manifest of a checkpoint, whole.json: its files by size and hash, and what it rests on.

Every library lays a checkpoint out in its own way, in parts that several processes write, and
resumes from what it finds without looking. So the last file to be written lists all the others.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftrecipe.components.strategy import Strategy
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json, write_json

SEAL = "whole.json"
NAME = re.compile(r"checkpoint-(\d+)")


def write(checkpoint: Path, processes: int, divided: str | None, basis: dict[str, Any]) -> None:
    """List the files of a checkpoint that all processes have written.

    Args:
        divided: how its parts are divided among processes (`divided_by`), None if they are not.
        basis: what its training rests on, see `basis.py`.
    """
    files = {}
    for file in sorted(checkpoint.rglob("*")):
        if file.is_file() and file.name != SEAL:
            name = file.relative_to(checkpoint).as_posix()
            files[name] = {"bytes": file.stat().st_size, "sha256": _hash(file)}
    parts = {"processes": processes, "divided": divided, "files": files, "basis": basis}
    write_json(checkpoint / SEAL, parts)


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint's name ends with."""
    return int(checkpoint.name.rpartition("-")[2])


def all_in(folder: Path, below: float = math.inf) -> list[Path]:
    """Return the checkpoints in `folder` of steps `below` this one, the newest step first."""
    there = folder.iterdir() if folder.is_dir() else ()
    found = [one for one in there if NAME.fullmatch(one.name) and one.is_dir()]
    return sorted((one for one in found if step_of(one) < below), key=step_of, reverse=True)


def read(checkpoint: Path) -> dict[str, Any]:
    """Return a checkpoint's manifest. Raises ConfigError, with why, where it cannot be trusted."""
    file = checkpoint / SEAL
    if not file.is_file():
        raise ConfigError(f"it has no {SEAL}, so saving it was not finished")
    try:
        manifest = read_json(file)
        files = manifest["files"]
        listed = all(item["bytes"] >= 0 and len(item["sha256"]) == 64 for item in files.values())
        told = {"processes", "divided"} <= manifest.keys()
        basis = all(
            isinstance(
                manifest["basis"][part], dict | None if part in ("data", "weights") else dict
            )
            for part in ("config", "packages", "data", "weights")
        )
    except (ConfigError, LookupError, TypeError, AttributeError, OSError) as error:
        raise ConfigError(f"its {SEAL} cannot be read ({_first_line(error)})") from None
    if not (listed and files and told and basis):
        raise ConfigError(f"its {SEAL} is not a manifest of this version")
    return manifest


def what_is_wrong(checkpoint: Path, hashes: bool = True) -> str | None:
    """Return why a checkpoint cannot be resumed from, or None.

    Sizes are compared first: they are known at once. Without `hashes` they are all.
    """
    try:
        listed: dict[str, dict[str, Any]] = read(checkpoint)["files"]
    except ConfigError as error:
        return str(error)
    missing = [name for name in listed if not (checkpoint / name).is_file()]
    if missing:
        return f"{', '.join(missing)} is missing"
    try:
        return next(_differences(checkpoint, listed, hashes), None)
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"


def _differences(
    checkpoint: Path, listed: dict[str, dict[str, Any]], hashes: bool
) -> Iterator[str]:
    for name, known in listed.items():
        size = (checkpoint / name).stat().st_size
        if size < known["bytes"]:
            yield f"{name} is cut off ({size:,} of {known['bytes']:,} bytes)"
        elif size != known["bytes"]:
            yield f"{name} has changed ({size:,} bytes, and {known['bytes']:,} were saved)"
    for name, known in listed.items() if hashes else ():
        if _hash(checkpoint / name) != known["sha256"]:
            yield f"{name} has changed: its SHA-256 is not that of what was saved"


def needs_conversion(checkpoint: Path, strategy: Strategy, processes: int) -> bool:
    """Tell a checkpoint in parts of DeepSpeed's that are not as many as there are processes now.

    Raises ConfigError where what was saved cannot be put together again.
    """
    saved = read(checkpoint)
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


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    return text or type(error).__name__
