"""Writes a plan's files into a fresh run directory and runs its stages in a worker process."""

import datetime
import importlib.util
import os
import shlex
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from ftrecipe import assemble, devices, readiness
from ftrecipe.assemble import Phase
from ftrecipe.config import RunConfig, from_plain, packaged
from ftrecipe.ended import conclude, conclude_ranks
from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.lock import record as lock
from ftrecipe.plan import Plan
from ftrecipe.ranks import Ranks
from ftrecipe.rundir import RunDir, hold, read_json, write_json, write_text
from ftrecipe.sealing import secrets_of
from ftrecipe.secrets import redacted, redacted_tree
from ftrecipe.state import PLANNED, read_status, reopen
from ftrecipe.supervise import Supervisor, Watch

__all__ = ["PLANNED", "create", "need_packages", "read_status", "start", "write"]

TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def need_packages(run: RunConfig) -> None:
    """Raise ConfigError where composing works and training could not: torch and others missing."""
    missing = [name for name in TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}, which is not installed here; "
            "pip install 'ftrecipe[train]'"
        )
    package = run.strategy.package
    if package is not None and importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"this strategy needs {package}, which is not installed here; "
            f"pip install 'ftrecipe[{package}]', or use strategy=ddp"
        )


def create(plan: Plan, folder: Path | None = None, defer: bool = False) -> RunDir:
    """Make the run's folder, or take the one given; write its config, recipe, plan and status."""
    need_packages(plan.run)
    _check_place(Path.cwd(), folder or plan.runs_dir.absolute() / plan.name)
    if folder is None:
        folder = _fresh_folder(plan.runs_dir / plan.name)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    rundir = RunDir(folder)
    write(plan, rundir, defer)
    write_first_status(rundir)
    return rundir


def _check_place(*folders: Path) -> None:
    """Raise ConfigError where a folder's name holds a secret, so that it could not be written."""
    for folder in map(str, folders):
        if redacted(folder) != folder:
            raise ConfigError(
                f"runs_dir: the folder {redacted(folder)} holds, in its name, what an environment "
                "variable says is secret; run in another folder, or unset the variable"
            )


def write_first_status(rundir: RunDir) -> None:
    """Write the status of a run that has not begun."""
    write_json(rundir.status, PLANNED)


def write(plan: Plan, rundir: RunDir, defer: bool = False, trains: bool = True) -> None:
    """Write the files that say what the run is, and those that its commands read.

    A plan that is to `defer` is settled again where its plan.sh runs. Where it no longer `trains`,
    its lock keeps what it was trained with.
    """
    os.environ.update(secrets_of(plan.config))  # workers have them from here, and from no file
    shared = redacted_tree(recipe_of(plan))
    boundary = {
        "name": plan.name,
        "recipe": plan.recipe,
        "runs_dir": str(plan.runs_dir.absolute()),
        "working_dir": str(Path.cwd()),
        "stages": plan.stages,
        "exports": plan.exports,
        "choices": plan.choices,
        "differences": plan.differences,
        "config": plan.config,
        "global_batch_size": plan.global_batch_size,
        "settled": not defer,
        "assumes_model": plan.assumes_model,
        "named": plan.named,
    }
    write_json(rundir.run, boundary)
    lock.begin(rundir, boundary, plan.run, trains)
    text = OmegaConf.to_yaml(OmegaConf.create(shared)) if shared else ""
    write_text(rundir.recipe, f"# {plan.name}: run it with +recipe=<this file>\n{text}")
    folder = rundir.path.absolute()
    for name, content in assemble.files(plan.run).items():
        write_text(rundir.path / name, content)
    script = (
        assemble.deferred(folder, Path.cwd())
        if defer
        else assemble.script(plan.run, plan.stages, folder, Path.cwd())
    )
    write_text(rundir.plan, script)
    rundir.plan.chmod(0o755)


def recipe_of(plan: Plan) -> dict[str, Any]:
    """Return the run as a recipe: its options, and the values that differ from theirs."""
    base = yaml.safe_load((packaged("conf") / "config.yaml").read_text("utf-8"))["defaults"]
    default = {key: value for item in base if isinstance(item, dict) for key, value in item.items()}
    chosen = [
        {f"override /{group}": option}
        for group, option in plan.choices.items()
        if option != default[group]
    ]
    values = {
        key: value for key, value in plan.differences.items() if key not in ("consent", "runs_dir")
    }
    return ({"defaults": chosen} if chosen else {}) | values


def _fresh_folder(parent: Path) -> Path:
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for count in range(1, 1000):
            folder = parent / (stamp if count == 1 else f"{stamp}-{count}")
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise ConfigError(f"runs_dir: {parent} cannot be written: {error.strerror}") from None
    raise ConfigError(f"{parent / stamp}: a thousand runs began in this second")


def begin(
    plan: Plan, rundir: RunDir | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """Run all stages of a plan in a folder of its own, made here if not before.

    Returns the exit code. A run that is refused before it has left anything to look at leaves no
    folder. `environment` is added to the workers'.
    """
    return begun(plan, rundir or create(plan), environment)[0]


def begun(
    plan: Plan, rundir: RunDir, environment: Mapping[str, str] | None = None
) -> tuple[int, str | None]:
    """Do as `begin` does; return the exit code, and the reason of a run that was not finished."""
    try:
        code = start(rundir, plan.stages, environment=environment)
    except ConfigError:
        _discard(rundir)
        raise
    except KeyboardInterrupt:
        if read_status(rundir)["state"] == PLANNED["state"]:
            _discard(rundir)
        raise
    why = read_status(rundir)["error"]
    if code == ConfigError.exit_code and not rundir.data_page.is_file():
        _discard(rundir)
    return code, why


def _discard(rundir: RunDir) -> None:
    """Remove a run's folder, and the one around it where nothing else is in it."""
    shutil.rmtree(rundir.path)
    with suppress(OSError):
        rundir.path.parent.rmdir()


def start(
    rundir: RunDir,
    stages: list[str],
    changed: Plan | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> int:
    """Run `stages` by the commands of plan.sh, one after the other; return the exit code.

    A plan that was `changed` is written first, once nobody else can be at the run, and only where
    this machine has what it needs: what is refused leaves the run as it was. `environment` is added
    to the workers'; `watch` is called about once a second, and asks them to stop when it returns
    True.
    """
    with hold(rundir) as lock:
        if changed is not None:
            _check(changed.run, stages, changed.exports)
            write(changed, rundir, trains="train" in stages)
        before = reopen(rundir, stages)
        if not rundir.status.is_file():
            write_first_status(rundir)
        boundary = read_json(rundir.run)
        run = from_plain(boundary["config"])
        if changed is None:
            _check(run, stages, boundary.get("exports", run.export))
        supervisor = Supervisor(lock, environment or {}, watch)
        with supervisor.forwarding():
            code = _run_phases(supervisor, rundir, run, stages)
        return conclude(rundir, before, stages, code, supervisor.asked)


def _check(run: RunConfig, stages: list[str], exports: Collection[str]) -> None:
    """Raise ConfigError where this machine lacks what a run needs for `stages`."""
    need_packages(run)
    readiness.check(run, stages, exports)


def _run_phases(supervisor: Supervisor, rundir: RunDir, run: RunConfig, stages: list[str]) -> int:
    for phase in assemble.phases(run, stages):
        if code := _run_phase(supervisor, rundir, run, phase):
            return code
        if supervisor.stopped:
            return Stopped.exit_code
    return 0


def _run_phase(supervisor: Supervisor, rundir: RunDir, run: RunConfig, phase: Phase) -> int:
    """Run one phase; of a distributed one, say which rank failed and why."""
    words = assemble.command(run, phase, rundir.path.absolute())
    if not phase.distributed:
        return supervisor.run(words)
    for rank in range(1, run.hardware.num_machines):
        print(f"machine {rank}: sh {shlex.quote(str(rundir.plan))} {rank}", flush=True)
    for stale in rundir.logs.glob("rank_*.json"):
        stale.unlink(missing_ok=True)
    ranks = Ranks(rundir)
    own = assemble.environment(run, devices.cores())
    with rundir.log.open("ab") as log:
        code = supervisor.run(words, own, ranks, log)
    return code and conclude_ranks(rundir, ranks, phase, supervisor.asked)
