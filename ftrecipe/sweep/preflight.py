"""What can be known of a sweep before it begins: which combinations compose, and why others don't.

A word that no combination can mean is a typo and ends the sweep. A combination that is not
allowed is one refused trial.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from ftrecipe import plan
from ftrecipe.compose import Composition, compose
from ftrecipe.errors import ConfigError, RuleError
from ftrecipe.plan import Plan
from ftrecipe.sweep.space import Dimension

MOST = 300  # combinations looked at; each costs some milliseconds
TOLD = 8  # reasons shown where nothing can run


@dataclass
class Verdict:
    """One combination: its composed run, or why there is none. Unread: the words mean nothing."""

    point: dict[str, str]
    made: Composition | None = None
    faults: Sequence[str] = ()
    unread: bool = False


def preflight(fixed: list[str], space: Sequence[Dimension]) -> list[Verdict]:
    """Return the combinations looked at, at least one of which composes.

    Raises ConfigError for a typo, where no combination composes, and where each trial would send
    its model to the same place.
    """
    seen = [judge(fixed, point) for point in points(space)]
    typos = [
        fault for one in space for text in one.edges for fault in _typo(fixed, one, text, seen)
    ]
    if typos:
        raise ConfigError(dict.fromkeys(typos))
    if not any(verdict.made for verdict in seen):
        raise ConfigError(_none_left(seen))
    made = [verdict.made.run for verdict in seen if verdict.made is not None]
    if sending := {name for run in made for name, one in run.export.items() if one.sends}:
        raise ConfigError(
            f"export={','.join(sorted(sending))}: all trials of a sweep would send their model to "
            "one place; leave it out, and send the best: python -m ftrecipe export RUN export=[hub]"
        )
    return seen


def first_plan(seen: list[Verdict]) -> tuple[Composition, Plan]:
    """Return the first combination that can be planned on this machine.

    Raises ConfigError where none can.
    """
    for verdict in seen:
        if verdict.made is not None:
            try:
                return verdict.made, plan.make(verdict.made, here=False)
            except ConfigError as error:
                verdict.made, verdict.faults = None, error.faults
    raise ConfigError(_none_left(seen))


def judge(fixed: list[str], point: dict[str, str]) -> Verdict:
    """Compose one combination."""
    try:
        return Verdict(point, compose([*fixed, *(f"{key}={text}" for key, text in point.items())]))
    except RuleError as error:
        return Verdict(point, faults=error.faults)
    except ConfigError as error:
        return Verdict(point, faults=error.faults, unread=True)


def points(space: Sequence[Dimension]) -> Iterator[dict[str, str]]:
    """Yield combinations so that every value is in one, then others, up to a bound."""
    first = [one.edges[0] for one in space]
    each = (
        (*first[:place], text, *first[place + 1 :])
        for place, one in enumerate(space)
        for text in one.edges[1:]
    )
    rest = product(*(one.edges for one in space))
    for texts in islice(_once([tuple(first)], each, rest), MOST):
        yield {one.key: text for one, text in zip(space, texts, strict=True)}


def _once(*streams: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()
    for stream in streams:
        for item in stream:
            if item not in seen:
                seen.add(item)
                yield item


def _typo(fixed: list[str], one: Dimension, text: str, seen: list[Verdict]) -> Sequence[str]:
    """Return the faults of a value that can be read in no combination, nor by itself."""
    if not all(verdict.unread for verdict in seen if verdict.point[one.key] == text):
        return ()
    with_fixed, alone = judge(fixed, {one.key: text}), judge([], {one.key: text})
    return with_fixed.faults if with_fixed.unread and alone.unread else ()


def _none_left(seen: list[Verdict]) -> list[str]:
    faults = list(dict.fromkeys(fault for verdict in seen for fault in verdict.faults))
    if len(seen) == 1:
        return faults
    more = [f"and {len(faults) - TOLD} more reasons"] if len(faults) > TOLD else []
    return [f"none of the {len(seen)} combinations can run", *faults[:TOLD], *more]
