"""Holds the tuned model against each baseline, example by example: which change is real?"""

from dataclasses import asdict
from typing import Any

from ftrecipe import results
from ftrecipe.compare.bootstrap import Change, Settings, changes
from ftrecipe.components.eval import Eval
from ftrecipe.results import TUNED
from ftrecipe.stages.session import Session


def compared(session: Session) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by baseline, suite and metric how the tuned model differs, from eval/*.jsonl.

    Raises nothing where a model was not measured: it is then left out.
    """
    settings = Settings(session.run.compare.resamples, session.run.compare.seed)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, suite in session.run.eval.items():
        rows = results.read(session.dir, name)
        tuned = rows.pop(TUNED, [])
        for who, theirs in rows.items():
            if tuned:
                told = changes(suite, tuned, theirs, settings)
                found.setdefault(who, {})[name] = {
                    metric: _plain(suite, metric, change) for metric, change in told.items()
                }
    return found


def _plain(suite: Eval, metric: str, change: Change) -> dict[str, Any]:
    """Return a change as JSON: `better` is None where it is not real, or neither good nor bad."""
    direction = suite.direction(metric)
    better = (change.change > 0) == (direction == "max") if change.real and direction else None
    return asdict(change) | {"better": better}
