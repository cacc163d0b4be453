"""How varied answers are: what one says again, and how many different words all of them use."""

import math
from collections import Counter
from collections.abc import Sequence


def words(text: str) -> list[str]:
    """Return the words between white space, in small letters."""
    return text.lower().split()


def runs(text: str, size: int) -> list[tuple[str, ...]]:
    """Return every run of `size` words, from left to right."""
    said = words(text)
    return [tuple(said[at : at + size]) for at in range(len(said) - size + 1)]


def repetition(text: str, size: int = 3) -> float:
    """Return the share of word n-grams that the text has already said: 0.0 for none."""
    grams = runs(text, size)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def distinct(texts: Sequence[str], size: int) -> list[float]:
    """Return what each text adds to the number of different runs that all texts use.

    A run that is said k times in all texts together adds 1/k each time. So the sum is the number
    of different runs, and a resample weighs each text by what it brought.
    """
    each = [runs(text, size) for text in texts]
    said = Counter(run for found in each for run in found)
    return [math.fsum(1 / said[run] for run in found) for found in each]
