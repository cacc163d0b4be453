"""The run's own suites, asked of an artefact: the same examples, answered and judged the same."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from ftrecipe import results
from ftrecipe.compare.tallies import Row
from ftrecipe.components.eval import AnswerEval, Eval, Measurable
from ftrecipe.results import TUNED
from ftrecipe.stages.engines import Engine
from ftrecipe.stages.exporting.fidelity.asking import Asking, Said
from ftrecipe.stages.measuring.measure import questions
from ftrecipe.stages.measuring.own_data import data_of
from ftrecipe.stages.session import Session


def room(session: Session, longest: int) -> int:
    """Return the tokens that the longest question with its answer takes, suites included."""
    found = [longest]
    for name, suite, rows in _answering(session):
        examples = questions(data_of(session, name), suite.split)[: len(rows)]
        found += [len(each.prompt_ids) + suite.max_new_tokens for each in examples]
    return max(found)


def _answering(session: Session) -> Iterator[tuple[str, AnswerEval, list[Row]]]:
    """Yield the suites that can be asked again, with what the tuned model said."""
    limit = session.run.fidelity.examples
    for name, suite in session.run.eval.items() if limit else ():
        rows = results.read(session.dir, name).get(TUNED, [])[:limit]
        if rows and isinstance(suite, AnswerEval) and not suite.decoding().temperature:
            yield name, suite, rows


def measured(session: Session, engine: Engine, said: Said) -> dict[str, Any]:
    """Return by suite the metrics of tuned model and artefact on the same examples.

    Left out are suites that write no answers, or write them by dice, and those of which nothing
    is known that the tuned model said.
    """
    found: dict[str, Any] = {}
    for name, suite, rows in _answering(session):
        asking = Asking(engine, data_of(session, name), said)
        fewer = replace(suite, max_samples=len(rows))
        own = fewer.measure(cast(Measurable, asking)).rows
        if [row["where"] for row in own] == [row["where"] for row in rows]:
            found[name] = _side_by_side(suite, rows, own)
    return found


def _side_by_side(suite: Eval, tuned: Sequence[Row], own: Sequence[Row]) -> dict[str, Any]:
    """Return each metric that can be better or worse, and by how much the artefact is worse."""
    before, after = suite.result(list(tuned)).metrics, suite.result(list(own)).metrics
    answers = [(a["answer"], b["answer"]) for a, b in zip(tuned, own, strict=True)]
    metrics: dict[str, Any] = {}
    for metric in before:
        way = suite.direction(metric)
        if way is None or metric not in after:
            continue
        change = after[metric] - before[metric]
        if not math.isfinite(change):
            continue
        metrics[metric] = {
            "tuned": before[metric],
            "artefact": after[metric],
            "worse_by": -change if way == "max" else change,
            "counts": suite.is_percent(metric) or metric == suite.headline,
        }
    return {"examples": len(own), "same": sum(a == b for a, b in answers), "metrics": metrics}
