"""From RunConfig to Plan: the stages, the command, the files, the numbers; nothing is written."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe import assemble, config
from ftrecipe.compose import Composition, difference
from ftrecipe.config import RunConfig
from ftrecipe.data.count import Counted, count_rows
from ftrecipe.disk import Disk, disk
from ftrecipe.door.recipes import given_file
from ftrecipe.errors import ConfigError
from ftrecipe.fit import Fit, fit, refuse, told
from ftrecipe.needs import Longest, longest_row
from ftrecipe.paths import typed
from ftrecipe.rundir import STAGES, RunDir, read_json
from ftrecipe.secrets import redacted
from ftrecipe.settle import settle
from ftrecipe.unmeasured import judged, unmeasurable
from ftrecipe.verified import is_verified


@dataclass
class Plan:
    """What would run: everything that a person, the launcher or a machine wants to know before."""

    name: str
    recipe: str | None
    choices: dict[str, Any]
    config: dict[str, Any]
    differences: dict[str, Any]
    decided: dict[str, Any]  # values that were settled here, and were not so asked for
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
    counted = count_rows(asked.dataset, steps, asked.seed, judged(asked)) if counts else None
    settled = settle(asked, here, _longest(asked, counted))
    run = settled.run
    if counts and (faults := unmeasurable(run, counted)):
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
        decided=difference(config.to_plain(asked), config.to_plain(run)),
        stages=stages_of(run),
        rows=rows,
        steps_per_epoch=per_epoch,
        total_steps=total,
        run=run,
        notes=[*composition.notes, *settled.notes, *export_notes(run)],
        named=composition.named,
        files=files_of(run),
        exports=list(run.export),
        looks_at_the_machine=composition.run.hardware.is_looked_for,
        memory=memory,
        disk=disk(run, total) if here and counts and begins else None,
    )


def export_notes(run: RunConfig) -> list[str]:
    """Return what exports of this model will do otherwise than it does."""
    told = (remark for target in run.export.values() for remark in target.remarks(run.model))
    return [f"export    {remark}" for remark in dict.fromkeys(told)]


def _longest(run: RunConfig, counted: Counted | None) -> Longest:
    return longest_row(run, counted.longest, counted.splits) if counted else longest_row(run)


def name_of(composition: Composition) -> str:
    """Name the run's folder after its recipe, else after model, method and data."""
    recipe = composition.recipe
    if recipe is not None:
        file = given_file(recipe)
        return recipe if file is None else _name_of_file(file)
    run, chosen = composition.run, composition.choices
    model = chosen["model"]
    if model == "custom":
        model = Path(redacted(run.model.path or run.model.from_run or model)).name
    words = [model, chosen["peft"], chosen["quantization"], data_name(run)]
    return "_".join(plain_name(word) for word in words if word != "none")


def _name_of_file(file: Path) -> str:
    """Return the name of the run whose own recipe it is, else that of the file."""
    rundir = RunDir(file.parent)
    if file.name == rundir.recipe.name and rundir.run.is_file():
        known = read_json(rundir.run)
        name = known.get("name") if isinstance(known, dict) else None
        if isinstance(name, str):
            return "/".join(plain_name(part) for part in name.split("/"))
    return plain_name(file.stem)


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
