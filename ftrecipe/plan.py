"""From RunConfig to Plan: the stages, the command, the files, the numbers; nothing is written."""

import json
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe import assemble, config
from ftrecipe.compose import Composition
from ftrecipe.config import RunConfig, options
from ftrecipe.data.count import Counted, count_rows
from ftrecipe.disk import Disk, disk
from ftrecipe.door.recipes import given_file
from ftrecipe.errors import ConfigError
from ftrecipe.fit import Fit, fit, refuse, told
from ftrecipe.needs import Longest, longest_row
from ftrecipe.paths import typed
from ftrecipe.rundir import STAGES
from ftrecipe.secrets import redacted
from ftrecipe.settle import settle
from ftrecipe.verified import is_verified


@dataclass
class Plan:
    """What would run: everything that a person, the launcher or a machine wants to know before."""

    name: str
    recipe: str | None
    choices: dict[str, Any]
    config: dict[str, Any]
    differences: dict[str, Any]
    stages: list[str]
    rows: int | None
    steps_per_epoch: int | None
    total_steps: int | None
    run: RunConfig
    notes: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)  # earlier runs: as typed, and the folder
    files: list[str] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)  # those that its export stage makes
    looks_at_the_machine: bool = False
    assumes_model: bool = False  # whether data is only counted with a tokenizer nobody chose
    memory: Fit | None = None  # what each device holds
    disk: Disk | None = None  # what it writes; None where that is not known, or is elsewhere

    @property
    def runs_dir(self) -> Path:
        """Return the folder that the run's own folder will be in."""
        return typed(self.config["runs_dir"])

    def commands(self, folder: Path, rank: str = "0") -> list[list[str]]:
        """Return the commands that run all stages in `folder`, on machine `rank`."""
        planned = assemble.phases(self.run, self.stages)
        return [
            assemble.command(self.run, phase, folder, rank)
            for phase in planned
            if phase.distributed or rank == "0"
        ]

    @property
    def global_batch_size(self) -> int:
        """Return the rows of one optimizer step, over all processes."""
        return self.run.trainer.rows_per_step(self.run.world_size)


def make(
    composition: Composition, here: bool = True, counts: bool = True, begins: bool = True
) -> Plan:
    """Return the plan of a composed run, settled for the machine that it is made on.

    A run that is not to happen `here` is not judged by this machine's devices. Where it `counts`,
    small data is read to say how many steps there will be. A run that does not begin, but goes on,
    has written part of it already, and is not held against the disk. Raises ConfigError for what
    the machine, its memory, its disk or the strategy does not allow.
    """
    asked = composition.run
    steps = list(asked.cleaning.values())
    counted = count_rows(asked.dataset, steps, asked.seed) if counts else None
    settled = settle(asked, here, _longest(asked, counted))
    run = settled.run
    if counted and (faults := list(_unmeasurable(run, counted))):
        raise ConfigError(faults)
    memory = fit(run, _longest(run, counted), here)
    if counts:
        refuse(run, memory)
    rows = counted and counted.rows
    per_epoch = None
    if rows is not None and not run.trainer.packing:
        per_epoch = run.trainer.steps_per_epoch(rows, run.world_size)
    total = total_steps(per_epoch, run)
    return Plan(
        name=name_of(composition),
        recipe=composition.recipe,
        choices=composition.choices,
        config=config.to_plain(run),
        differences=composition.differences,
        stages=stages_of(run),
        rows=rows,
        steps_per_epoch=per_epoch,
        total_steps=total,
        run=run,
        notes=[*composition.notes, *settled.notes],
        named=composition.named,
        files=files_of(run),
        exports=list(run.export),
        looks_at_the_machine=composition.run.hardware.is_looked_for,
        memory=memory,
        disk=disk(run, total) if here and counts and begins else None,
    )


def _longest(run: RunConfig, counted: Counted | None) -> Longest:
    return longest_row(run, counted.longest, counted.splits) if counted else longest_row(run)


def _unmeasurable(run: RunConfig, counted: Counted) -> Iterator[str]:
    """Yield the suites that have no rows to measure on; others are seen once rows are prepared."""
    if run.trainer.eval_steps is not None and not counted.splits["validation"]:
        yield (
            "trainer.eval_steps: needs a validation split, and the data has none; set "
            "dataset.split.validation or dataset.validation_path, or add rows"
        )
    for name, suite in run.eval.items():
        split = suite.reads()
        if split is not None and not counted.splits[split.value]:
            yield (
                f"eval=[{name}] needs a {split.value} split, and the data has none; set "
                f"dataset.split.{split.value} or dataset.{split.value}_path, add rows, or leave "
                f"{name} out of eval=[...]"
            )


def name_of(composition: Composition) -> str:
    """Name the run's folder after its recipe, else after model, method and data."""
    recipe = composition.recipe
    if recipe is not None:
        file = given_file(recipe)
        return recipe if file is None else plain_name(file.stem)
    run, chosen = composition.run, composition.choices
    model = chosen["model"]
    if model == "custom":
        model = Path(redacted(run.model.path or run.model.from_run or model)).name
    words = [model, chosen["peft"], chosen["quantization"], data_name(run)]
    return "_".join(plain_name(word) for word in words if word != "none")


def data_name(run: RunConfig) -> str:
    """Return the name of the data file, without what is before and behind it."""
    path = redacted(run.dataset.path or "data").split("?")[0]
    return Path(path.replace(":", "/")).name.split(".")[0]


def plain_name(word: str) -> str:
    """Keep letters, digits, dots and dashes, so that a folder's name needs no quoting."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in word).strip("_.") or "x"


def stages_of(run: RunConfig) -> list[str]:
    """Return the stages in order; without suites nothing is measured, and so on."""
    skipped = set()
    if not run.eval:
        skipped |= {"baseline", "evaluate"}
    if not run.export:
        skipped.add("export")
    return [stage for stage in STAGES if stage not in skipped]


def total_steps(per_epoch: int | None, run: RunConfig) -> int | None:
    """Return the optimizer steps of the run, None where it is only known once prepared."""
    if run.trainer.max_steps > 0:
        return run.trainer.max_steps
    return None if per_epoch is None else math.ceil(per_epoch * run.trainer.num_train_epochs)


def files_of(run: RunConfig) -> list[str]:
    """Return what the run directory will hold."""
    trained = "model/" if run.peft.trains_base else "adapter/"
    measured = [f"eval/{name}.jsonl" for name in run.eval]
    exports = [f"export/{name}/" for name in run.export]
    return [
        "run.json", "recipe.yaml", "lock.json", "plan.sh", *assemble.files(run), "log.txt",
        *(["logs/rank_<k>.txt"] if run.strategy.distributed else []),
        "status.json", "data/report.json", "data/report.html", "data/quarantine.jsonl",
        "checkpoints/checkpoint-<step>/", trained, "metrics.json", "history.jsonl",
        *measured, *exports, "report.html", "report.md",
        *(["tracking.json"] if run.tracking.package else []),
    ]  # fmt: skip


def describe(plan: Plan) -> list[str]:
    """Return the plan in lines for a person."""
    folder = plan.runs_dir / plan.name / "<date>_<time>"
    lines = [f"plan      {plan.name}", "", "config"]
    lines += [line for group in plan.config for line in _group_lines(group, plan)]
    lines += ["", f"stages    {' → '.join(plan.stages)}"]
    if plan.rows is None:
        lines.append("steps     known once the data is prepared (python -m ftrecipe check …)")
    elif plan.steps_per_epoch is None:
        lines.append(f"steps     {plan.rows:,} training rows; packing decides the steps")
    else:
        lines.append(
            f"steps     {plan.steps_per_epoch:,} an epoch ({plan.rows:,} training rows), "
            f"{plan.total_steps:,} in all"
        )
    lines += plan.notes
    lines += [plan.disk.line()] if plan.disk else []
    lines += _batch(plan)
    lines += told.lines(plan.memory) if plan.memory else []
    for rank in range(plan.run.hardware.num_machines):
        where = f" of machine {rank}" if plan.run.hardware.num_machines > 1 else ""
        words = plan.commands(folder, str(rank))
        lines += ["", "command" + "s" * (len(words) > 1) + where]
        lines += [f"  {shlex.join(one)}" for one in words]
    lines += ["", f"files     in {folder}/", f"  {'  '.join(plan.files)}"]
    return lines


def _batch(plan: Plan) -> list[str]:
    """Say how the global batch comes about, where several processes or steps share in it."""
    run = plan.run
    lines = []
    if plan.global_batch_size != run.trainer.per_device_train_batch_size:
        lines.append(
            f"batch     {plan.global_batch_size} rows a step: {run.world_size} processes x "
            f"{run.trainer.per_device_train_batch_size} rows x "
            f"{run.trainer.gradient_accumulation_steps} accumulation steps"
        )
    if not is_verified(run):
        lines.append(
            "unverified  this hardware with this strategy has not been run by us: its files are "
            "checked against golden files only"
        )
    return lines


def _group_lines(group: str, plan: Plan) -> list[str]:
    value = plan.config[group]
    if group not in plan.choices:
        told = _text(value) if isinstance(value, dict | list) else value
        return [f"  {group + ':':<14}{told}"] if group != "consent" and value else []
    chosen = plan.choices[group]
    if isinstance(chosen, list):
        lines = [f"  {group + ':':<14}{', '.join(chosen) or '(none)'}"]
        return lines + [f"    {name}: {_fields(value[name])}" for name in chosen]
    settled = value["type"] if chosen == "auto" and value["type"] in options(group) else chosen
    chosen = chosen if settled == chosen else f"{chosen} → {settled}"
    below = _fields(value)
    return [f"  {group + ':':<14}{chosen}", *([f"    {below}"] if below else [])]


def _fields(node: dict[str, Any]) -> str:
    shown = [f"{key}={_text(value)}" for key, value in node.items() if key != "type"]
    return " ".join(shown)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    text = str(value)
    return repr(text) if " " in text or "\n" in text else text


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for machines."""
    folder = plan.runs_dir / plan.name / "<date>_<time>"
    return {
        "schema_version": 1,
        "name": plan.name,
        "recipe": plan.recipe,
        "choices": plan.choices,
        "config": plan.config,
        "stages": plan.stages,
        "commands": plan.commands(folder),
        "notes": plan.notes,
        "world_size": plan.run.world_size,
        "global_batch_size": plan.global_batch_size,
        "verified": is_verified(plan.run),
        "files": plan.files,
        "memory": told.as_json(plan.memory) if plan.memory else None,
        "rows": plan.rows,
        "steps_per_epoch": plan.steps_per_epoch,
        "total_steps": plan.total_steps,
        "disk": plan.disk.as_json() if plan.disk else None,
    }
