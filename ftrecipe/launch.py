"""Writes a plan's files into a fresh run directory and runs its stages in a worker process."""

import datetime
import importlib.util
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from ftrecipe.config import packaged
from ftrecipe.errors import ConfigError
from ftrecipe.plan import Plan, worker
from ftrecipe.rundir import LOCK_FD, RunDir, hold, read_json, write_json

TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PLANNED = {
    "stage": None, "state": "planned", "started": None, "ended": None, "error": None, "done": [],
}  # fmt: skip


def need_packages() -> None:
    """Raise ConfigError where composing works and training could not: torch and others missing."""
    missing = [name for name in TRAINING if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"training needs {', '.join(missing)}, which is not installed here; "
            "pip install 'ftrecipe[train]'"
        )


def create(plan: Plan, job: str | None = None) -> RunDir:
    """Make the run's folder and write its config, recipe, plan and status."""
    need_packages()
    rundir = RunDir(_fresh_folder(plan.runs_dir / plan.name, job))
    write(plan, rundir)
    write_first_status(rundir)
    return rundir


def write_first_status(rundir: RunDir) -> None:
    """Write the status of a run that has not begun."""
    write_json(rundir.status, PLANNED)


def write(plan: Plan, rundir: RunDir) -> None:
    """Write the three files that say what the run is."""
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
    }
    write_json(rundir.run, boundary)
    text = OmegaConf.to_yaml(OmegaConf.create(shared)) if shared else ""
    rundir.recipe.write_text(f"# {plan.name}: run it with +recipe=<this file>\n{text}", "utf-8")
    command = shlex.join(plan.command(rundir.path.absolute()))
    rundir.plan.write_text(f"#!/bin/sh\n# What the launcher runs.\nexec {command}\n", "utf-8")
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


def _fresh_folder(parent: Path, job: str | None) -> Path:
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    stamp += f"_{job}" if job else ""
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


def start(rundir: RunDir, stages: list[str], changed: Plan | None = None) -> int:
    """Run `stages` in a worker that shares this process's lock and terminal; return its code.

    A plan that was `changed` is written first, once nobody else can be at the run. The worker is
    a session of its own, so that Ctrl-C reaches it once, from here.
    """
    need_packages()
    with hold(rundir) as lock:
        if changed is not None:
            write(changed, rundir)
        if not rundir.status.is_file():
            write_first_status(rundir)
        os.set_inheritable(lock, True)
        child = subprocess.Popen(
            worker(rundir.path.absolute(), stages),
            env=os.environ | {LOCK_FD: str(lock)},
            pass_fds=[lock],
            start_new_session=True,
            stdout=None if _is_real(sys.stdout) else subprocess.PIPE,
            stderr=None if _is_real(sys.stdout) else subprocess.STDOUT,
        )
        with _forwarding(child):
            if child.stdout is not None:
                for line in child.stdout:
                    print(line.decode(errors="replace"), end="")
            return _code(child.wait())


def _code(returned: int) -> int:
    """Return the exit code as a shell gives it: 128 + the signal that ended the worker."""
    return 128 - returned if returned < 0 else returned


def _is_real(stream: Any) -> bool:
    """Tell a file that a child can inherit from a notebook's stream."""
    try:
        return stream.fileno() == 1
    except (OSError, AttributeError):
        return False


@contextmanager
def _forwarding(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Pass SIGINT and SIGTERM on to the worker, which saves and stops; a second one ends it."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def forward(number: int, frame: Any) -> None:
        if child.poll() is None:
            child.send_signal(number)

    for number in SIGNALS:
        signal.signal(number, forward)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
