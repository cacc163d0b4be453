"""Rules on what suites are measured on, and on who else is asked."""

from collections.abc import Iterator

from ftrecipe.components.eval.own import faults
from ftrecipe.config import RunConfig
from ftrecipe.rules.register import rule


@rule
def _own_data(run: RunConfig) -> Iterator[str]:
    """Check the files that suites bring themselves."""
    for name, suite in run.eval.items():
        yield from faults(name, suite, run.dataset)


@rule
def _few_shot(run: RunConfig) -> Iterator[str]:
    shown = f"compare.few_shot={run.compare.few_shot}"
    if not run.compare.few_shot:
        return
    if not any(suite.generates for suite in run.eval.values()):
        yield f"{shown}: no suite of this run writes answers; add one, eval=[qa], or leave it out"
    if run.dataset.produces() == "text":
        yield f"{shown}: plain text has no questions with answers that could be shown"
