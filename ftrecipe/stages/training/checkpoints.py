"""Checkpoints as a training makes them: written aside, sealed, renamed; the older ones go last.

What a sealed one is, and whether one is damaged, is in `ftrecipe/manifest.py`.
"""

import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from ftrecipe import manifest
from ftrecipe.errors import StageError
from ftrecipe.paths import bytes_of
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.writing import put, remove, why

ASIDE = ".saving"  # where a checkpoint is written, as transformers names it, until it is whole
FAILURES = 3  # in a row, after which a training stops
SMALL = 64 << 20  # bytes that are hashed at once: in less time than a step of most trainings


def latest_valid(folder: Path, screen: Screen, below: float = math.inf) -> Path | None:
    """Return the newest whole checkpoint in `folder` of a step `below` this one.

    It is said which is taken, which are passed over, and why. What a save left that was cut off
    is removed.
    """
    clear(folder)
    found = manifest.all_in(folder, below)
    for later in manifest.all_in(folder)[: -len(found) or None]:
        screen.say(f"train     {later.name} is of no earlier step than the last, {below:g}")
    for checkpoint in found:
        lack = manifest.what_is_wrong(checkpoint)
        if lack is None:
            screen.say(f"train     going on from {checkpoint.name}")
            return checkpoint
        screen.warn(f"{checkpoint.name} is passed over: {lack}")
    if manifest.all_in(folder):
        screen.warn("no checkpoint can be gone on from: training starts from the beginning")
    return None


def clear(folder: Path) -> None:
    """Remove what a save or a removal left that did not come to its end."""
    for left in (*folder.glob(ASIDE), *folder.glob(".spent-*")):
        shutil.rmtree(left, ignore_errors=True)


class Keeper:
    """Makes a written checkpoint one to rely on, for the process that keeps the run's files.

    Large ones are hashed beside the training, by a thread of their own; until that has ended, the
    checkpoint is not there, and older ones stay. One that cannot be kept is removed and told;
    after `FAILURES` in a row the training is stopped, since its result would fare no better.
    """

    def __init__(self, folder: Path, keep: int | None, warn: Callable[[str], None]) -> None:
        """Keep up to `keep` checkpoints in `folder`, None for all."""
        self.folder, self.keep, self.warn = folder, keep, warn
        self.failed = 0
        self._thread: threading.Thread | None = None

    def place(self, step: int) -> Path:
        """Return the folder in which this step's checkpoint is written."""
        return self.folder / ASIDE / f"checkpoint-{step}"

    def begin(self, step: int) -> None:
        """Make room for the checkpoint of a step, once the one before is done with."""
        self.wait()
        shutil.rmtree(self.folder / ASIDE, ignore_errors=True)

    def end(self, step: int, best: str | None, seal: Callable[[Path], None], at_once: bool) -> None:
        """Seal what was written and give it its name; then let older ones go.

        With `at_once` even a large one is there when this returns.
        """

        def done() -> None:
            try:
                seal(self.place(step))
                put(self.place(step), self.folder / f"checkpoint-{step}")
            except OSError as error:
                self.lose(step, error)
                return
            shutil.rmtree(self.folder / ASIDE, ignore_errors=True)
            self.failed = 0
            rotate(self.folder, step, self.keep, best)

        if at_once or bytes_of(self.place(step)) <= SMALL:
            done()
            return
        self._thread = threading.Thread(target=done, name=f"checkpoint-{step}")
        self._thread.start()

    def lose(self, step: int, error: Exception) -> None:
        """Remove what there is of a checkpoint that could not be written, and say so."""
        reason = why(error, self.folder)
        shutil.rmtree(self.folder / ASIDE, ignore_errors=True)
        self.failed += 1
        older = manifest.all_in(self.folder)
        kept = f"the last one is {older[0].name}" if older else "there is none before it"
        on = "training goes on, " if self.failed < FAILURES else ""
        self.warn(f"checkpoint-{step} could not be saved: {reason}; {on}{kept}")

    def wait(self) -> None:
        """Wait until the last checkpoint is kept, or lost."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def check(self) -> None:
        """Raise StageError where several checkpoints in a row were lost."""
        if self.failed >= FAILURES:
            raise StageError(
                f"{self.failed} checkpoints in a row could not be saved: make room on the disk of "
                f"{self.folder}, or use fewer (trainer.save_total_limit)"
            )


def rotate(folder: Path, step: int, keep: int | None, best: str | None) -> None:
    """Let go of all but `keep` checkpoints: the one of `step`, the best one, and the newest.

    Age is told by step: a clock may be set back. Those of later steps are of a course that this
    training has left, and go first.
    """
    if not keep or keep < 1:
        return
    held = {f"checkpoint-{step}", Path(best).name if best else ""}
    there = manifest.all_in(folder)
    kept = [one for one in there if one.name in held]
    others = [one for one in there if one.name not in held]
    others.sort(key=lambda one: manifest.step_of(one) > step)  # the newest of this course first
    for spent in others[max(0, keep - len(kept)) :]:
        remove(spent)
