"""What a run will write, and whether the disk has room for it; pure arithmetic but for a look."""

import math
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ftrecipe import amounts
from ftrecipe.components.hardware import DTYPES, Device
from ftrecipe.components.model import Dtype
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.data.count import size_of
from ftrecipe.data.files.locate import locate
from ftrecipe.devices import gpus
from ftrecipe.errors import ConfigError
from ftrecipe.paths import typed

ADAPTER_BYTES = 4  # a number of an adapter, which is trained in 32 bits
SIXTEEN = ("bfloat16", "float16")
ELSEWHERE = "runs_dir=<a folder on a larger disk>"
PREPARED = 2.0  # bytes of rows for a byte of text: two numbers of 4 bytes for about 4 letters


@dataclass(frozen=True)
class Part:
    """One kind of thing that is written: `count` of them, of `size` bytes each."""

    name: str
    size: float
    count: int = 1

    @property
    def total(self) -> float:
        """Return the bytes of all of them."""
        return self.size * self.count

    def __str__(self) -> str:
        many = f"{self.count} {self.name}s of {amounts.size(self.size)}"
        return many if self.count > 1 else f"{self.name} {amounts.size(self.size)}"


@dataclass(frozen=True)
class Disk:
    """What will be written below `place`, at the most at one time, and what is `free` there."""

    place: str
    parts: list[Part]
    free: int

    @property
    def total(self) -> float:
        """Return the bytes of everything."""
        return sum(part.total for part in self.parts)

    def line(self) -> str:
        """Say it in one line of a plan."""
        listed = ", ".join(map(str, self.parts))
        return (
            f"disk      about {amounts.size(self.total)} ({listed}); {amounts.size(self.free)} free"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for machines, in bytes."""
        parts = [vars(part) for part in self.parts]
        return {"bytes": round(self.total), "free_bytes": self.free, "parts": parts}


def disk(run: RunConfig, steps: int | None) -> Disk | None:
    """Return what a run of so many `steps` writes; None where the model's size is not known.

    Raises ConfigError, with what would make it fit, where the disk here has less room.
    """
    if (parts := written(run, steps)) is None:
        return None
    place = typed(run.runs_dir).absolute()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    found = Disk(run.runs_dir, parts, shutil.disk_usage(there).free)
    if found.total > found.free and _happens_here(run):
        raise ConfigError(_refusal(run, steps, found))
    return found


def _happens_here(run: RunConfig) -> bool:
    """Tell a run from one that is only planned on a machine which lacks its GPUs."""
    return run.hardware.device is not Device.cuda or bool(gpus())


def written(run: RunConfig, steps: int | None) -> list[Part] | None:
    """Return the parts of what a run writes, the largest number of checkpoints at one time."""
    if (sizes := sizes_of(run)) is None:
        return None
    parts = [
        Part("checkpoint", sizes.checkpoint, checkpoints(run, steps)),
        Part("result", sizes.result),
    ]
    parts += _exports(run, sizes, run.export)
    data = PREPARED * sum(map(_text_size, _data(run)))
    return [*parts, *([Part("prepared data", data)] if data else [])]


def _exports(run: RunConfig, sizes: "Sizes", names: Iterable[str]) -> Iterator[Part]:
    """Yield a part for each target of those names that knows its size."""
    for name in names:
        size = run.export[name].size(sizes.adapter, sizes.merged)
        if size:
            yield Part(f"export/{name}", size)


def room_for(run: RunConfig, exports: Collection[str], folder: Path) -> None:
    """Raise ConfigError where the disk of a run's folder has less room than its exports need.

    What they replace stays until they are whole, and so makes no room for them.
    """
    if (sizes := sizes_of(run)) is None:
        return
    parts = list(_exports(run, sizes, exports))
    total, free = sum(part.total for part in parts), shutil.disk_usage(folder).free
    if total > free:
        listed = ", ".join(map(str, parts))
        raise ConfigError(
            f"{folder}: these exports need about {amounts.size(total)} and "
            f"{amounts.size(free)} are free: {listed}; free some, or export fewer at a time"
        )


@dataclass(frozen=True)
class Sizes:
    """Bytes of what is saved of one model; tokenizers and the like are not counted."""

    adapter: float
    merged: float
    result: float
    checkpoint: float


def sizes_of(run: RunConfig) -> Sizes | None:
    """Return the sizes of what this run saves; None where its numbers are not known.

    A checkpoint is the result and what the optimizer keeps; ZeRO adds its own copy of both the
    weights and, of those that are trained, their 32 bits.
    """
    counts = trained_and_all(run)
    if counts is None:
        return None
    trained, parameters = counts
    adapter, merged = trained * ADAPTER_BYTES, parameters * _bytes(run)
    result = merged if run.peft.trains_base else adapter
    zero = result + trained * 4 if run.strategy.zero_stage else 0
    kept = trained * run.trainer.optimizer_bytes
    return Sizes(adapter, merged, result, result + kept + zero)


def trained_and_all(run: RunConfig) -> tuple[float, float] | None:
    """Return how many numbers are trained, and how many the model has."""
    parameters, architecture = run.model.parameters, run.model.architecture
    if parameters is None:
        return None
    told = run.peft.trainable(architecture, len(run.model.special_tokens)) if architecture else None
    return (parameters * run.peft.trained_share if told is None else told, parameters)


def checkpoints(run: RunConfig, steps: int | None) -> int:
    """Return the most checkpoints at one time: an old one goes once the newest is whole.

    There is one every `save_steps`, one after the last step, and the best one if that is kept.
    """
    trainer = run.trainer
    most = max(trainer.save_total_limit, 1 + trainer.load_best_model_at_end) + 1
    if steps is None:
        return most
    saved = math.ceil(steps / trainer.save_steps)
    if trainer.load_best_model_at_end:  # and one at each evaluation, if each is the best so far
        saved += steps // (trainer.eval_steps or steps)
    return min(most, max(1, saved))


def _bytes(run: RunConfig) -> int:
    """Return the bytes of one number of the model as it is saved."""
    if run.model.dtype is not Dtype.auto:
        return 2 if run.model.dtype.value in SIXTEEN else 4
    if run.peft.trains_base:
        return 4
    return 4 if DTYPES.get(run.hardware.precision) == "float32" else 2


def _data(run: RunConfig) -> Iterator[str]:
    source = run.dataset
    named = [*(part.path for part, _ in source.parts([]))]
    yield from filter(None, [*named, source.validation_path, source.test_path])


def _text_size(name: str) -> int:
    """Return the bytes of data that lies here; of what is elsewhere, nothing is known."""
    found = locate(name)
    return size_of(found) if isinstance(found, Path) else 0


def _refusal(run: RunConfig, steps: int | None, found: Disk) -> str:
    ways = [f"{way} ({amounts.size(total)})" for way, total in _ways(run, steps, found)]
    listed = ", ".join(map(str, found.parts))
    return (
        f"runs_dir={found.place}: this run writes about {amounts.size(found.total)} and "
        f"{amounts.size(found.free)} are free: {listed}; use {' or '.join([*ways, ELSEWHERE])}"
    )


def _ways(run: RunConfig, steps: int | None, found: Disk) -> Iterator[tuple[str, float]]:
    """Yield changes that make it smaller, with the total by the same arithmetic."""
    trainer = run.trainer
    fewer = replace(run, trainer=replace(trainer, save_total_limit=1))
    if (smaller := _total(fewer, steps)) < found.total:
        yield "trainer.save_total_limit=1", smaller
    if steps is not None and checkpoints(run, steps) > 1:
        once = replace(run, trainer=replace(trainer, save_steps=steps))
        yield f"trainer.save_steps={steps}", _total(once, steps)
    if run.peft.trains_base:
        adapter = replace(run, peft=GROUPS["peft"].get("lora")())
        yield "peft=lora", _total(adapter, steps)
    if run.export:
        yield "export=[]", _total(replace(run, export={}), steps)


def _total(run: RunConfig, steps: int | None) -> float:
    return sum(part.total for part in written(run, steps) or [])
