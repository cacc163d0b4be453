"""What a sweep says at its end: the trials, best first, where the page is, what is left."""

import sys

from ftrecipe.sweep import page
from ftrecipe.sweep.book import Book


def close(book: Book) -> int:
    """Print every trial's result; return 1 if one failed or was refused."""
    trials, left = book.trials(), book.left()
    print()
    for line in page.table(book.path):
        print(line)
    print(f"page      {book.path / 'sweep.html'}")
    bad = sum(trial.state in ("failed", "refused") for trial in trials)
    if bad:
        have = "has" if bad == 1 else "have"
        print(f"{bad} of {len(trials)} trials {have} no result", file=sys.stderr)
    if left:
        print(f"{left} trials are left; the same command goes on", file=sys.stderr)
    return 1 if bad else 0
