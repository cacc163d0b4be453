"""Optuna asked and told through study.db: nothing is lost when a process dies, nothing is twice."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.sweep.book import Book, Trial, opened
from ftrecipe.sweep.settings import Pruner, Sampler, Settings, plain
from ftrecipe.sweep.space import Choices, Dimension, Numbers
from ftrecipe.sweep.space import plain as plain_dimension
from ftrecipe.sweep.study import Study
from ftrecipe.sweep.trial import choose

RATE = Numbers("rate", 1e-5, 1e-2, log=True)
SMALL = [Choices("r", ("4", "8")), Choices("peft", ("lora", "dora"))]


def facts(space: list[Dimension], settings: Settings, n_trials: int) -> dict[str, Any]:
    return {
        "name": "x", "words": [], "working_dir": "/", "objective": "train.loss",
        "direction": "minimize", "sweeper": "optuna", "swept": [one.key for one in space],
        "fixed": [], "space": [plain_dimension(one) for one in space],
        "settings": plain(settings), "n_trials": n_trials, "n_jobs": 1,
    }  # fmt: skip


def one(book: Book, state: str = "finished", objective: float | None = 1.0) -> Trial:
    """Take a trial and end it."""
    with ExitStack() as stack:
        trial = choose(book, stack)
        assert trial is not None
        trial.state, trial.objective = state, objective if state == "finished" else None
        book.write(trial)
        Study(book).tell(trial)
        return trial


SAMPLERS = [
    one if one is Sampler.tpe else pytest.param(one, marks=pytest.mark.slow) for one in Sampler
]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_space_with_an_end_is_gone_through_once(sampler: Sampler, tmp_path: Path) -> None:
    with opened(tmp_path, facts(SMALL, Settings(sampler=sampler), 4)) as book:
        Study(book).begin()
        points = [tuple(one(book).overrides.values()) for _ in range(4)]
        assert sorted(points) == [("4", "dora"), ("4", "lora"), ("8", "dora"), ("8", "lora")]
        with ExitStack() as stack:
            assert choose(book, stack) is None


def test_a_study_lies_in_its_sweeps_folder_whatever_that_is_called(tmp_path: Path) -> None:
    with opened(tmp_path / "it's [a], b=%?c#d", facts([RATE], Settings(), 1)) as book:
        one(book)
        assert (book.path / "study.db").is_file()


def test_optuna_is_told_how_every_trial_ended(tmp_path: Path) -> None:
    with opened(tmp_path, facts([RATE], Settings(), 10)) as book:
        for state in ("finished", "failed", "refused", "pruned"):
            one(book, state)
        states = [trial.state.name for trial in Study(book).optuna.trials]
        assert states == ["COMPLETE", "FAIL", "FAIL", "PRUNED"]
        assert Study(book).optuna.best_value == 1.0


def test_a_trial_that_was_asked_for_and_never_begun_is_not_lost(tmp_path: Path) -> None:
    with opened(tmp_path, facts([RATE], Settings(), 10)) as book:
        study = Study(book)
        asked = study.optuna.ask({"rate": study._distribution(RATE)})
        assert one(book).overrides == {"rate": RATE.text(asked.params["rate"])}


def test_what_was_recorded_and_not_told_is_told_at_the_next_start(tmp_path: Path) -> None:
    with opened(tmp_path, facts([RATE], Settings(), 10)) as book:
        with ExitStack() as stack:
            trial = choose(book, stack)
        assert trial is not None
        trial.state, trial.objective = "finished", 0.5
        book.write(trial)
        Study(book).begin()
        assert Study(book).optuna.best_value == 0.5


@pytest.mark.slow
def test_processes_that_start_anew_do_not_draw_the_same_again(tmp_path: Path) -> None:
    with opened(tmp_path, facts([RATE], Settings(sampler=Sampler.random), 10)) as book:
        assert len({one(book).overrides["rate"] for _ in range(5)}) == 5


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_trial_behind_the_others_is_to_be_stopped(direction: str, tmp_path: Path) -> None:
    settings = Settings(pruner=Pruner.median, n_startup_trials=2)
    given = facts([RATE], settings, 10) | {"direction": direction}
    with opened(tmp_path, given) as book:
        for loss in (1.0, 1.2):
            with ExitStack() as stack:
                trial = choose(book, stack)
            assert trial is not None
            judge = Study(book).judge(trial)
            assert judge is not None
            assert not judge(1, loss)
            trial.state, trial.objective = "finished", 1.0
            book.write(trial)
            Study(book).tell(trial)
        with ExitStack() as stack:
            trial = choose(book, stack)
        assert trial is not None
        judge = Study(book).judge(trial)
        assert judge is not None
        assert judge(1, 3.0)
