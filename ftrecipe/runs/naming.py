"""Which names there are, where each points, and how it came to that."""

import datetime
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftrecipe.folders import Shelf
from ftrecipe.found import seconds_of
from ftrecipe.pointers import PROMOTE, Event, Pointer, check_name, known, read_all
from ftrecipe.runs.listing import in_columns

GONE = "gone"


def read(there: Shelf, name: str | None) -> list[Pointer]:
    """Return one pointer, or all. Raises ConfigError for a name that there is not."""
    found = read_all(there)
    if name is None:
        return list(found.values())
    check_name(name)
    return [known(found, name, there.folder)]


def as_json(pointers: list[Pointer], folder: Path) -> dict[str, Any]:
    """Return names and their events for machines."""
    return {
        "schema_version": 1,
        "runs_dir": str(folder),
        "names": [
            {
                "name": one.name,
                "run": one.run and str(one.run),
                "since": one.current and one.current.at,
                "by": one.current and one.current.by,
                "gone": one.gone,
                "history": [_event(one, event) for event in one.events],
            }
            for one in pointers
        ],
    }


def _event(pointer: Pointer, event: Event) -> dict[str, Any]:
    """Return an event, with where its run lies now; null where it is gone."""
    owner = pointer.owners.get(event.key)
    return asdict(event) | {"folder": owner and str(owner)}


def lines(pointers: list[Pointer], folder: Path, history: bool) -> list[str]:
    """Return the names in lines for a person, with every event where the `history` is wanted."""
    if not pointers:
        return [f"no names in {folder}/ (python -m ftrecipe runs promote RUN name@stage)"]
    columns = {
        "name": [one.name for one in pointers],
        "run": [str(one.run) if one.run else GONE for one in pointers],
        "since": [_when(one.current) for one in pointers],
        "by": [one.current.by if one.current else "" for one in pointers],
    }
    told = in_columns(columns)
    for one in pointers:
        told += [f"note: {one.name}: {gone} is gone" for gone in one.gone]
        told += ["", *_history(one)] if history else []
    return told


def _history(pointer: Pointer) -> list[str]:
    """Return the events, the newest first."""
    events = list(reversed(pointer.events))
    current = pointer.current and pointer.current.number
    return in_columns(
        {
            "": ["→" if event.number == current else "" for event in events],
            "what": [event.action for event in events],
            "run": [_run(pointer, event) for event in events],
            "at": [_when(event) for event in events],
            "by": [event.by for event in events],
            "before": [event.replaced or "" for event in events],
            "forced": ["; ".join(event.forced) for event in events],
        }
    )


def _run(pointer: Pointer, event: Event) -> str:
    owner = pointer.owners.get(event.key)
    number = f" (of {event.standing})" if event.action != PROMOTE else ""
    return f"{owner or f'{event.run}, {GONE}'}{number}"


def _when(event: Event | None) -> str:
    """Return the time of an event as a clock here would show it."""
    if event is None or (seconds := seconds_of(event.at)) is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds).isoformat(" ", "seconds")
