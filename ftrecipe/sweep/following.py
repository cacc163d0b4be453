"""Tells of trials that run in other processes: which began, and how each ended."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ftrecipe.sweep.book import ENDED, Book, Trial

SECONDS = 1.0  # between two looks


@contextmanager
def following(book: Book) -> Iterator[None]:
    """Print a line for every trial that begins or ends meanwhile."""
    known = {trial.number: trial.state for trial in book.trials()}
    over = threading.Event()

    def look() -> None:
        for trial in book.trials():
            if known.get(trial.number) not in (trial.state, *ENDED):
                known[trial.number] = trial.state
                print(line(trial), flush=True)

    def follow() -> None:
        while not over.wait(SECONDS):
            look()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()


def line(trial: Trial) -> str:
    """Say what a trial sets, or how it ended."""
    if trial.state == "running":
        return f"trial {trial.name}: {' '.join(trial.words)}"
    value = "" if trial.objective is None else f"  {trial.objective:.4g}"
    why = "" if trial.reason is None else f": {trial.reason}"
    return f"trial {trial.name} {trial.state}{value}{why}"
