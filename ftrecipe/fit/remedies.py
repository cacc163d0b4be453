"""The smallest changes of a run that make it fit, each tried by the arithmetic and the rules."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from ftrecipe.amounts import GIB
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.data.example import OnOverlong
from ftrecipe.errors import RuleError
from ftrecipe.needs import Longest, needs
from ftrecipe.rules import faults, strategy_faults
from ftrecipe.settle import accumulated

SHOWN = 4
AT_ONCE = 3  # changes that are tried together
KEPT = 256  # tokens; rows are not cut below
Apply = Callable[[RunConfig], RunConfig]


@dataclass(frozen=True)
class Change:
    """Words for the command line, and what they do to a run. One `kind` is changed once."""

    kind: str
    words: str
    apply: Apply

    def __add__(self, other: "Change") -> "Change":
        words = f"{self.words} {other.words}"
        return Change(f"{self.kind} {other.kind}", words, lambda run: other.apply(self.apply(run)))


def remedies(run: RunConfig, memory: float, longest: Longest) -> list[tuple[Change, float]]:
    """Return the fewest changes after which a device of `memory` GiB is enough for rows that
    long, with the peak in bytes that is then needed; several ways if there are."""
    single = [*options(run), *settings(run, longest.tokens)]
    for count in range(1, AT_ONCE + 1):
        found: dict[str, tuple[Change, float]] = {}
        for change in together(single, count):
            if change.kind in found or len(found) == SHOWN:
                continue
            peak = peak_after(run, change, memory, longest)
            if peak is not None:
                found[change.kind] = change, peak
        if found:
            return list(found.values())
    return []


def together(single: Iterable[Change], count: int) -> Iterator[Change]:
    """Yield `count` changes at a time, of different kinds."""
    for some in combinations(single, count):
        if len({change.kind for change in some}) < count:
            continue
        whole = some[0]
        for change in some[1:]:
            whole = whole + change
        yield whole


def peak_after(run: RunConfig, change: Change, memory: float, longest: Longest) -> float | None:
    """Return the bytes needed after a change; None where they are too many, or it is refused."""
    try:
        changed = change.apply(run)
    except RuleError:
        return None
    length = min(longest.tokens, changed.trainer.max_length or longest.tokens)
    needed = needs(changed, length=length, splits=longest.splits)
    if needed is None or needed.account.peak > memory * GIB:
        return None
    before = set(faults(run))
    if set(faults(changed)) - before or list(strategy_faults(changed)):
        return None
    return needed.account.peak


def options(run: RunConfig) -> Iterator[Change]:
    """Yield other options of a group, those that change the outcome least first."""
    several = (run.hardware.processes or 1) * run.hardware.num_machines > 1
    wanted = [("quantization", "nf4"), ("peft", "lora")]
    if several:
        wanted += [("strategy", name) for name in ("zero2", "zero3", "zero3_offload")]
    for group, name in wanted:
        option = GROUPS[group].get(name)
        if type(getattr(run, group)) is not option:
            yield Change(group, f"{group}={name}", _chosen(group, option))


def settings(run: RunConfig, length: int) -> Iterator[Change]:
    """Yield other values of the trainer's and the suites' fields."""
    trainer = run.trainer
    if not trainer.gradient_checkpointing and run.peft.allows_checkpointing:
        yield _trained("again", gradient_checkpointing=True)
    rows = trainer.per_device_train_batch_size
    for fewer in (n for n in range(rows - 1, 0, -1) if rows % n == 0):
        steps = trainer.gradient_accumulation_steps * (rows // fewer)
        changed: dict[str, Any] = {"per_device_train_batch_size": fewer}
        if trainer.global_batch_size is None:
            changed["gradient_accumulation_steps"] = steps
        yield _trained("rows", **changed)
    for name in ("adamw_8bit", "paged_adamw_8bit"):
        if trainer.optim != name:
            yield _trained("optim", optim=name)
    longest = length if may_be_cut(run) else 0
    while longest >= 2 * KEPT:
        longest //= 2
        yield _trained("length", max_length=longest)
    if run.eval:
        yield Change(
            "suites",
            " ".join(f"eval.{name}.batch_size=1" for name in run.eval),
            lambda run: replace(
                run, eval={name: replace(one, batch_size=1) for name, one in run.eval.items()}
            ),
        )


def may_be_cut(run: RunConfig) -> bool:
    """Tell whether a smaller `trainer.max_length` makes shorter rows, and not refused ones."""
    return run.trainer.packing or run.dataset.overlong() is not OnOverlong.error


def _chosen(group: str, option: Any) -> Apply:
    return lambda run: _settled(replace(run, **{group: option()}))


def _trained(kind: str, **values: Any) -> Change:
    words = " ".join(f"trainer.{name}={_text(value)}" for name, value in values.items())
    return Change(
        kind, words, lambda run: _settled(replace(run, trainer=replace(run.trainer, **values)))
    )


def _settled(run: RunConfig) -> RunConfig:
    """Return `run` with the accumulation that its global batch asks for."""
    trainer = run.trainer
    if trainer.global_batch_size is None:
        return run
    own, fault = accumulated(replace(trainer, gradient_accumulation_steps=1), run.world_size)
    if fault:
        raise RuleError([fault])
    return replace(run, trainer=own)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
