"""How long a text is asked, and where in it: what shows how an artefact tells positions."""

from collections.abc import Iterable, Mapping
from itertools import chain, cycle, islice
from typing import Any

USUAL = 1024
"""Tokens up to which positions are looked at in any case: they are read in seconds."""

FARTHEST = 4352
"""Tokens up to which they are where a model reads otherwise from some place on: a window's end."""

BEHIND = 128  # tokens that such a place is left behind
PLACES = 8


def places(config: Mapping[str, Any]) -> list[int]:
    """Return after how many tokens of a long text a model is asked, the first of them first.

    config: the model's config.json, which says how far it reads.
    """
    declared = (config.get("max_position_embeddings") or FARTHEST) - 1  # one is the answer's
    most = min(declared, USUAL)
    even = [most * part // PLACES for part in range(1, PLACES + 1)]
    behind = [each + BEHIND for each in _bends(config)]
    return sorted({*even, *(each for each in behind if most < each <= min(declared, FARTHEST))})


def _bends(config: Mapping[str, Any]) -> list[int]:
    """Return from where on a model reads otherwise: its window's end, that of what it learned."""
    rotary = config.get("rope_parameters") or {}
    first = rotary.get("original_max_position_embeddings")
    return [int(each) for each in (window_of(config), first) if each]


def window_of(config: Mapping[str, Any]) -> int | None:
    """Return how far back a model looks, None where it is to the beginning."""
    return config.get("sliding_window") if config.get("use_sliding_window", True) else None


def joined(rows: Iterable[list[int]], length: int) -> list[int]:
    """Return a text of so many tokens, made of rows; where there are too few, they come again."""
    known = [row for row in islice(rows, length) if row]
    return list(islice(chain.from_iterable(cycle(known)), length)) if known else []
