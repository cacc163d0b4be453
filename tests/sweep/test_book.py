"""The folder of a sweep: found again by its command, one owner, every trial taken once."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json
from ftrecipe.sweep.book import Book, opened
from ftrecipe.sweep.space import Choices, plain
from ftrecipe.sweep.trial import choose

FACTS: dict[str, Any] = {
    "name": "x", "words": ["peft.r=1,2,3"], "working_dir": "/", "objective": "train.loss",
    "direction": "minimize", "sweeper": "grid", "swept": ["peft.r"], "fixed": [],
    "space": [plain(Choices("peft.r", ("1", "2", "3")))], "settings": None, "n_trials": 3,
    "n_jobs": 1,
}  # fmt: skip

TAKES = """
import sys
from contextlib import ExitStack
from pathlib import Path
from ftrecipe.sweep.book import Book
from ftrecipe.sweep.trial import choose
book = Book(Path(sys.argv[1]))
while True:
    with ExitStack() as stack:
        trial = choose(book, stack)
        if trial is None:
            break
        print(trial.number, flush=True)
        trial.state = "finished"
        book.write(trial)
"""


def end(book: Book, number: int, state: str) -> None:
    trial = book.trials()[number]
    trial.state = state
    book.write(trial)


def test_the_same_command_goes_on_with_the_sweep_that_did_not_finish(tmp_path: Path) -> None:
    with opened(tmp_path, FACTS) as first:
        first.change(state="interrupted")
    with opened(tmp_path, FACTS) as again:
        assert again == first
        again.change(state="finished")
    with opened(tmp_path, FACTS) as fresh:
        assert fresh != first


@pytest.mark.parametrize("other", [{"words": ["peft.r=1,2"]}, {"working_dir": "/tmp"}])
def test_another_command_or_folder_is_another_sweep(other: dict[str, Any], tmp_path: Path) -> None:
    with opened(tmp_path, FACTS) as first:
        pass
    with opened(tmp_path, FACTS | other) as second:
        assert second != first


def test_a_sweep_has_one_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ftrecipe.sweep.book.WAITS", 0.2)
    with (
        opened(tmp_path, FACTS),
        pytest.raises(ConfigError, match="going on in another process"),
        opened(tmp_path, FACTS),
    ):
        pass


def test_a_trial_that_was_cut_off_comes_before_the_next(tmp_path: Path) -> None:
    with opened(tmp_path, FACTS) as book:
        with ExitStack() as stack:
            assert [choose(book, stack).number for _ in range(2)] == [0, 1]  # type: ignore[union-attr]
        end(book, 1, "finished")
        book.mark_interrupted()
        assert [trial.state for trial in book.trials()] == ["interrupted", "finished"]
        assert book.left() == 2
        with ExitStack() as stack:
            assert [choose(book, stack).number for _ in range(2)] == [0, 2]  # type: ignore[union-attr]
            assert choose(book, stack) is None


@pytest.mark.slow
def test_processes_take_every_trial_once(tmp_path: Path) -> None:
    many = tuple(str(number) for number in range(20))
    facts = FACTS | {"space": [plain(Choices("peft.r", many))], "n_trials": 20}
    with opened(tmp_path, facts) as book:
        children = [
            subprocess.Popen(
                [sys.executable, "-c", TAKES, book.path], stdout=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        taken = [int(word) for child in children for word in child.communicate()[0].split()]
        assert sorted(taken) == list(range(20))
        assert [trial.words for trial in book.trials()] == [[f"peft.r={one}"] for one in many]


def test_trials_stop_when_the_sweep_is_asked_to_or_dies(tmp_path: Path) -> None:
    with opened(tmp_path, FACTS) as book:
        assert not book.stopping
        book.ask_to_stop()
        assert book.stopping
    with opened(tmp_path, FACTS) as book:
        assert not book.stopping
    assert book.stopping


def test_the_state_is_kept_in_sweep_json(tmp_path: Path) -> None:
    with opened(tmp_path, FACTS) as book:
        known = read_json(book.path / "sweep.json")
        assert known["state"] == "running"
        assert {key: known[key] for key in FACTS} == FACTS
