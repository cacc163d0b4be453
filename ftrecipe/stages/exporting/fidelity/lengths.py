"""How long a text is asked, and where in it: what shows how an artefact tells positions."""

from collections.abc import Iterable, Mapping
from itertools import chain, cycle, islice
from typing import Any

USUAL = 1024
"""Tokens up to which positions are looked at in any case: they are read in seconds."""

FARTHEST = 4352
"""Tokens up to which they are where a model reads otherwise from some place on: a window's end."""

ENDS = ("max_position_embeddings", "n_positions")  # of a config, by families
BY_LENGTH = "longrope"
"""A way to stretch positions by how long a text may become: behind what the model learned, programs
read also the beginning of a text otherwise, and each decides in its own way when."""

BEHIND = 128  # tokens that such a place is left behind
PLACES = 8


def places(config: Mapping[str, Any], taken: int = 0) -> list[int]:
    """Return after how many tokens of a long text a model is asked, the first of them first.

    config: the model's config.json, which says how far it reads. taken: positions that a learned
    prompt has before every text.
    """
    declared = max(1, min([FARTHEST, *ends_of(config)]) - taken - 1)  # one is the answer's
    most = min(declared, USUAL)
    even = [most * part // PLACES for part in range(1, PLACES + 1) if most * part >= PLACES]
    behind = [each + BEHIND for each in _bends(config)]
    return sorted({*even, *(each for each in behind if most < each <= min(declared, FARTHEST))})


def _bends(config: Mapping[str, Any]) -> list[int]:
    """Return from where on a model reads otherwise: its window's end, that of what it learned."""
    rotary = config.get("rope_parameters") or {}
    by_length = rotary.get("rope_type") == BY_LENGTH
    first = None if by_length else rotary.get("original_max_position_embeddings")
    return [int(each) for each in (window_of(config), first) if each]


def ends_of(config: Mapping[str, Any]) -> list[int]:
    """Return up to where a model reads by its config: one number, or none if it names no end."""
    return [config[name] for name in ENDS if isinstance(config.get(name), int)][:1]


def window_of(config: Mapping[str, Any]) -> int | None:
    """Return how far back a model looks, None where it is to the beginning."""
    return config.get("sliding_window") if config.get("use_sliding_window", True) else None


def joined(rows: Iterable[list[int]], length: int) -> list[int]:
    """Return a text of so many tokens, made of rows; where there are too few, they come again."""
    known = [row for row in islice(rows, length) if row]
    return list(islice(chain.from_iterable(cycle(known)), length)) if known else []
