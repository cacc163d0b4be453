"""A sweep from its command line to its end: read, checked, kept in one folder, run by Hydra."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ftrecipe import objective
from ftrecipe.door import earlier
from ftrecipe.errors import Stopped
from ftrecipe.paths import typed
from ftrecipe.rundir import now
from ftrecipe.sealing import secrets_of
from ftrecipe.secrets import redacted_tree
from ftrecipe.supervise import handling
from ftrecipe.sweep import page, plugin, settings, space
from ftrecipe.sweep.book import Book, opened
from ftrecipe.sweep.closing import close
from ftrecipe.sweep.following import following
from ftrecipe.sweep.launching import LAUNCHER, launching
from ftrecipe.sweep.outlook import looked_at, point_of
from ftrecipe.sweep.plugin import OPTUNA
from ftrecipe.sweep.preflight import Verdict
from ftrecipe.sweep.study import Study
from ftrecipe.sweep.trial import one_more


def sweep(words: list[str]) -> int:
    """Run every trial of a sweep that has not ended yet; return the exit code."""
    found = looked_at(words)
    asked, ready, dimensions, sweeper = found.asked, found.ready, found.dimensions, found.sweeper
    first, made = found.first, found.made
    jobs, hydra_words = launching(asked.hydra, ready.n_jobs, made.config["hardware"])
    os.environ.update(secrets_of(made.config))  # trials have them from here, and from no file
    facts = {
        "name": made.name,
        "words": words,
        "working_dir": str(Path.cwd()),
        "objective": objective.name_of(first.run),
        "direction": objective.direction(first.run),
        "sweeper": sweeper,
        "swept": list(asked.space),
        "fixed": earlier.settled_words(asked.fixed, first.run, first.named),
        "space": [space.plain(one) for one in dimensions],
        "settings": settings.plain(ready) if sweeper == OPTUNA else None,
        "n_trials": found.trials,
        "n_jobs": jobs,
    }
    facts = redacted_tree(facts)  # so that the same command finds its sweep again
    with opened(typed(first.run.runs_dir).absolute() / made.name, facts) as book:
        tell(book, found.refused)
        return go(book, [f"hydra/sweeper={sweeper}", *hydra_words])


def go(book: Book, hydra_words: list[str]) -> int:
    """Let Hydra run the trials; leave true records, the page, and the table on the screen."""
    if book.sweep["settings"] is not None:
        Study(book).begin()
    where = f"hydra.sweep.dir={quoted(str(book.path))}"
    task = partial(one_more, folder=str(book.path), front=os.getpid())
    try:
        with asking_to_stop(book), ExitStack() if alone(hydra_words) else following(book):
            plugin.run([*hydra_words, where], task)
    finally:
        book.mark_interrupted()
        whole = not book.left()
        book.change(state="finished" if whole else "interrupted", ended=now())
        page.write(book.path)
        code = close(book)
    return code if whole else Stopped.exit_code


def alone(hydra_words: list[str]) -> bool:
    """Tell whether trials run one by one in this very process, and tell of themselves."""
    chosen = [word for word in hydra_words if word.startswith(f"{LAUNCHER}=")]
    return chosen in ([], [f"{LAUNCHER}=basic"])


@contextmanager
def asking_to_stop(book: Book) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a wish that every trial hears; the second ends all."""

    def ask(number: int, frame: Any) -> None:
        if book.stopping:
            raise KeyboardInterrupt
        book.ask_to_stop()
        print("stopping  the trials that run; once more to stop at once", flush=True)

    with handling(ask):
        yield


def tell(book: Book, refused: list[Verdict]) -> None:
    """Say where the sweep is kept, what was done before, and which combinations cannot run."""
    total = book.sweep["n_trials"]
    before = f", {total - book.left()} of them done before" if book.trials() else ""
    print(f"sweep     {total} trials{before}; in {book.path}", flush=True)
    for verdict in refused[:1]:
        point = point_of(verdict)
        more = f"; {len(refused) - 1} others can't either" if len(refused) > 1 else ""
        print(f"refused   {point} cannot run: {verdict.faults[0]}{more}", flush=True)


def quoted(text: str) -> str:
    """Quote text for Hydra, whose quotes end at a quote without a backslash."""
    return "'" + text.replace("'", "\\'") + "'"
