"""Stories to tell in tests: real suites on answers that are made up, compared as a run would."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.components.eval import Completion, Eval
from ftrecipe.components.eval.forgetting import Forgetting
from ftrecipe.components.eval.qa import Qa
from ftrecipe.results import TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Change, Suite

Rows = list[dict[str, Any]]


class Asked:
    """One question with its answer."""

    prompt_ids = (1,)

    def __init__(self, at: int) -> None:
        self.question, self.where = f"What is {at}?", f"test.jsonl line {at + 1}"
        self.answers = [f"It is the number {at} and no other."]


def suite(eval_: Eval, rows: Mapping[str, Rows], name: str = "qa", of: str | None = None) -> Suite:
    """Return what a run would find: metrics, and changes of the tuned model with intervals."""
    found: dict[str, dict[str, Change]] = {}
    for who, theirs in rows.items():
        if who != TUNED and TUNED in rows:
            told = changes(eval_, rows[TUNED], theirs, Settings(500))
            found[who] = {
                metric: change(eval_, metric, asdict(one)) for metric, one in told.items()
            }
    values = {who: eval_.result(each).metrics for who, each in rows.items()}
    return Suite(name, eval_, of or f"{eval_.of} it was never shown", values, found, dict(rows))


def change(eval_: Eval, metric: str, told: dict[str, Any]) -> Change:
    """Return a change as metrics.json has it."""
    way = eval_.direction(metric)
    good = (told["change"] > 0) == (way == "max") if told["real"] and way else None
    return Change.read(told | {"better": good})


def qa_rows(answers: Sequence[str]) -> Rows:
    """Return the rows of answers to questions 0, 1, …; "right" stands for what is expected."""
    asked = [Asked(at) for at in range(len(answers))]
    said = [each.answers[0] if text == "right" else text for each, text in zip(asked, answers)]
    done = [Completion(text, 3, True) for text in said]
    return [Qa().row(one, answer) for one, answer in zip(asked, done)]  # type: ignore[arg-type]


def qa(count: int = 40, name: str = "qa", **right: int) -> Suite:
    """Return a suite where each model answers so many of `count` questions rightly."""
    rows = {
        who: qa_rows(["right"] * hits + ["nonsense"] * (count - hits))
        for who, hits in right.items()
    }
    return suite(Qa(), rows, name)


def forgetting(base: float, tuned: float, count: int = 40) -> Suite:
    """Return a suite of texts with these losses a token, give or take a little."""
    rows = {
        who: [
            {"kind": "text", "where": f"row {at}", "nll": 10 * loss + at % 3, "tokens": 10,
             "right": 5, "bytes": 40}
            for at in range(count)
        ]
        for who, loss in (("base", base), ("tuned", tuned))
    }  # fmt: skip
    return suite(Forgetting(), rows, "forgetting", Forgetting.of)


def story(*suites: Suite, **other: Any) -> Story:
    """Return a story with these suites."""
    return Story("a-run", "runs/a-run/1", suites=list(suites), **other)
