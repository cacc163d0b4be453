"""Writes a plan's files into a fresh run directory and runs its stages in a worker process."""

import datetime
import importlib.util
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from ftrecipe import assemble, devices
from ftrecipe.assemble import Phase
from ftrecipe.config import RunConfig, from_plain, packaged
from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.plan import Plan
from ftrecipe.ranks import Ranks
from ftrecipe.rundir import RunDir, hold, now, read_json, write_json
from ftrecipe.supervise import Supervisor, Watch

TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
PLANNED = {
    "stage": None, "state": "planned", "started": None, "ended": None, "error": None, "done": [],
}  # fmt: skip


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
    if folder is None:
        folder = _fresh_folder(plan.runs_dir / plan.name)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    rundir = RunDir(folder)
    write(plan, rundir, defer)
    write_first_status(rundir)
    return rundir


def write_first_status(rundir: RunDir) -> None:
    """Write the status of a run that has not begun."""
    write_json(rundir.status, PLANNED)


def write(plan: Plan, rundir: RunDir, defer: bool = False) -> None:
    """Write the files that say what the run is, and those that its commands read.

    A plan that is to `defer` is settled again where its plan.sh runs.
    """
    shared = recipe_of(plan)
    boundary = {
        "name": plan.name,
        "recipe": plan.recipe,
        "runs_dir": str(plan.runs_dir.absolute()),
        "working_dir": str(Path.cwd()),
        "stages": plan.stages,
        "choices": plan.choices,
        "differences": plan.differences,
        "config": plan.config,
        "global_batch_size": plan.global_batch_size,
        "settled": not defer,
        "assumes_model": plan.assumes_model,
    }
    write_json(rundir.run, boundary)
    text = OmegaConf.to_yaml(OmegaConf.create(shared)) if shared else ""
    rundir.recipe.write_text(f"# {plan.name}: run it with +recipe=<this file>\n{text}", "utf-8")
    folder = rundir.path.absolute()
    for name, content in assemble.files(plan.run).items():
        (rundir.path / name).write_text(content, "utf-8")
    script = (
        assemble.deferred(folder, Path.cwd())
        if defer
        else assemble.script(plan.run, plan.stages, folder, Path.cwd())
    )
    rundir.plan.write_text(script, "utf-8")
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


def start(
    rundir: RunDir,
    stages: list[str],
    changed: Plan | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    watch: Watch | None = None,
) -> int:
    """Run `stages` by the commands of plan.sh, one after the other; return the exit code.

    A plan that was `changed` is written first, once nobody else can be at the run. `environment`
    is added to the workers'; `watch` is called about once a second, and asks them to stop when it
    returns True.
    """
    with hold(rundir) as lock:
        if changed is not None:
            write(changed, rundir)
        if not rundir.status.is_file():
            write_first_status(rundir)
        run = from_plain(read_json(rundir.run)["config"])
        need_packages(run)
        supervisor = Supervisor(lock, environment or {}, watch)
        with supervisor.forwarding():
            for phase in assemble.phases(run, stages):
                code = _run_phase(supervisor, rundir, run, phase)
                if code:
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
    return code and _tell_failure(rundir, ranks, phase, supervisor.asked)


def _tell_failure(rundir: RunDir, ranks: Ranks, phase: Phase, asked: bool) -> int:
    """Put the reason into status.json and show it; return the exit code of the run.

    Ranks that were `asked` to stop before they could listen have not failed.
    """
    status = read_json(rundir.status)
    status.pop("schema_version")
    first = ranks.first_failure()
    if asked and (first is None or first[0] in ranks.gone):
        first = None
        status |= {"state": "interrupted", "error": status["error"] or "stopped"}
        write_json(rundir.status, status)
    if first is None and status["state"] == "interrupted":
        print(f"interrupted in {phase.stages[0]}: {status['error']}", file=sys.stderr)
        print(f"go on     python -m ftrecipe resume {rundir.path}", file=sys.stderr)
        return Stopped.exit_code
    why = "its processes could not be started" if first is None else f"rank {first[0]}: {first[1]}"
    state = {"stage": phase.stages[0], "state": "failed", "ended": now(), "error": why}
    write_json(rundir.status, status | state)
    log = rundir.log if first is None or first[0] == 0 else rundir.rank_log(first[0])
    print(f"failed in {phase.stages[0]}: {why}", file=sys.stderr)
    print(f"details   {log}", file=sys.stderr)
    print(f"go on     python -m ftrecipe resume {rundir.path}", file=sys.stderr)
    return 1


def read_status(rundir: RunDir) -> dict[str, Any]:
    """Return status.json, true also after a kill: a run nobody holds is not running."""
    status = read_json(rundir.status) if rundir.status.is_file() else PLANNED
    if status["state"] != "running":
        return status
    try:
        with hold(rundir):
            status["state"] = "interrupted"
            write_json(rundir.status, {k: v for k, v in status.items() if k != "schema_version"})
    except ConfigError:
        return status
    return status
