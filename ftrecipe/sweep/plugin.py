"""Hydra's side of a sweep: our sweepers, registered in process, and the words for its launcher."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ftrecipe.compose import prepare_hydra
from ftrecipe.config import packaged
from ftrecipe.door.apply import apply
from ftrecipe.door.vet import Setting
from ftrecipe.door.words import LINE, value
from ftrecipe.errors import ConfigError, StageError, did_you_mean, listed
from ftrecipe.rundir import now
from ftrecipe.sweep.book import Book
from ftrecipe.sweep.settings import Settings

# Hydra takes a sweeper only from a package of this name; the class itself may live anywhere.
TARGET = "hydra_plugins.ftrecipe.TrialSweeper"
GRID, OPTUNA = "grid", "optuna"
OURS_TO_INSTALL = ("joblib", "submitit_local", "submitit_slurm")
QUIET = ["hydra/job_logging=none", "hydra/hydra_logging=none"]
Words = list[str]


@dataclass
class Grid:
    """The sweeper that runs every combination."""

    _target_: str = TARGET


@dataclass
class Optuna(Settings):
    """The sweeper that lets Optuna choose."""

    _target_: str = TARGET


class TrialSweeper(Sweeper):
    """Launches as many jobs as there are trials left; each takes the next trial by itself.

    So no job waits for another, and a job that is lost costs no trial. What is searched, and how,
    stands in sweep.json, where every job reads it.
    """

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Make the launcher that was chosen."""
        self.book = Book(Path(config.hydra.sweep.dir))
        self.jobs: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: Words) -> Any:
        """Launch jobs until no trial is left, or the sweep is stopped."""
        while (left := self.book.left()) and not self.book.stopping:
            self._launch(left)
            if self.book.left() == left and not self.book.stopping:
                self._give_up_lost()

    def _launch(self, jobs: int) -> None:
        try:
            returned = self.jobs.launch([[]] * jobs, initial_job_idx=0)
        except RuntimeError as error:  # a job was killed, or none could be started
            said = str(error).strip().splitlines() or [type(error).__name__]
            print(f"the launcher says: {said[-1]}", file=sys.stderr)
            return
        for job in returned:
            if job.status is JobStatus.FAILED:
                traceback.print_exception(job._return_value)

    def _give_up_lost(self) -> None:
        """Record the trials that no job brought to an end as failed.

        Raises StageError where there are none, so that jobs end without having begun.
        """
        lost = self.book.lost()
        for trial in lost:
            trial.state, trial.reason, trial.ended = "failed", "its job died twice", now()
            self.book.write(trial)
        if not lost:
            raise StageError("the launcher's jobs end without running a trial; see its own logs")


def register() -> None:
    """Make our sweepers known to Hydra; another package's `optuna` gives way."""
    plugins = Plugins.instance()  # reads the other packages first
    plugins.class_name_to_class[TARGET] = TrialSweeper
    store = ConfigStore.instance()
    for name, node in ((GRID, Grid), (OPTUNA, Optuna)):
        store.store(group="hydra/sweeper", name=name, node=node, provider="ftrecipe")


def open_hydra() -> Any:
    """Return what opens Hydra on our configs, with recipes, options and sweepers known."""
    prepare_hydra()
    register()
    conf = str(packaged("conf").resolve())
    return initialize_config_dir(conf, version_base="1.3", job_name="ftrecipe")


def run(words: Words, task: TaskFunction) -> None:
    """Let Hydra run the sweep that `words` of its own describe."""
    with open_hydra():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.multirun("config", task, [*words, *QUIET])


def launcher_of(words: Words) -> str:
    """Return the launcher's name. Raises ConfigError for words that Hydra has no use for."""
    groups = [word for word in words if word.startswith("hydra/")]
    with open_hydra():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        for word in groups:
            _check_choice(word, hydra.config_loader.get_group_options)
        try:
            tree = hydra.compose_config("config", [*groups, *QUIET], run_mode=RunMode.MULTIRUN)
        except (HydraException, OmegaConfBaseException) as error:
            raise ConfigError(f"{' '.join(groups)}: {str(error).splitlines()[0]}") from None
        faults = [fault for word in words if word not in groups for fault in _faults(word, tree)]
    if faults:
        raise ConfigError(faults)
    return tree.hydra.runtime.choices["hydra/launcher"]


def _check_choice(word: str, options: Any) -> None:
    group, _, name = word.partition("=")
    known: Sequence[str] = options(group)
    if name in known:
        return
    if group == "hydra/launcher" and name in OURS_TO_INSTALL:
        raise ConfigError(f"{word}: is not installed here; pip install 'ftrecipe[sweep]'")
    if not known:
        raise ConfigError(f"{word}: Hydra has no such group")
    raise ConfigError(
        f"{word} is not an option{did_you_mean(name, known)} (known: {listed(sorted(known))})"
    )


def _faults(word: str, tree: DictConfig) -> list[str]:
    key, _, text = word.partition("=")
    return apply(tree, Setting(tuple(key.split(".")), value(key, text), LINE, text))
