"""What suites cannot measure, as far as rows tell that a plan has counted; preparing knows all."""

from collections.abc import Iterator

from ftrecipe.components.dataset import Dataset, OnOverlong
from ftrecipe.components.eval import Eval
from ftrecipe.components.eval.asked import asking
from ftrecipe.components.eval.own import lacking, told
from ftrecipe.config import RunConfig
from ftrecipe.data.count import Counted, count_rows
from ftrecipe.data.prepared import EvalExample
from ftrecipe.errors import ConfigError, DataError


def judged(run: RunConfig) -> set[str]:
    """Return the splits whose questions suites have something to say about."""
    if run.dataset.on_overlong is not OnOverlong.error:
        return set()  # some rows are left out, and only their tokens say which
    return {split.value for suite in _looking(run) if (split := suite.reads()) is not None}


def _looking(run: RunConfig) -> list[Eval]:
    return [suite for suite in run.eval.values() if not suite.loads_code]


def unmeasurable(run: RunConfig, counted: Counted | None) -> list[str]:
    """Return why suites cannot be measured on the rows that were `counted`, or on their own."""
    found = [] if counted is None else list(_without_rows(run, counted))
    for name, suite in run.eval.items():
        split = suite.reads()
        if suite.loads_code or any(fault.startswith(f"eval=[{name}]") for fault in found):
            continue
        if split is not None:
            asked = counted.asked.get(split.value) if counted else None
            unfit = [] if asked is None else _unfit(suite, asked)
            found += [f"eval=[{name}] on the {split.value} split: {fault}" for fault in unfit]
        elif (own := suite.own_data(run.dataset)) is not None:
            found += [told(fault, name, suite) for fault in _of_own(suite, own, run.seed)]
    return found


def _of_own(suite: Eval, own: Dataset, seed: int) -> list[str]:
    """Return what is wrong with the questions of data that a suite brings itself."""
    try:
        counted = count_rows(own, (), seed, {"test"})
    except (ConfigError, DataError) as error:
        return error.faults
    return [] if counted is None else lacking(suite, counted.asked["test"])


def _unfit(suite: Eval, examples: list[EvalExample]) -> list[str]:
    return suite.unfit(asking(examples))  # type: ignore[arg-type]


def _without_rows(run: RunConfig, counted: Counted) -> Iterator[str]:
    """Yield the suites that have no rows to measure on; others are seen once rows are prepared."""
    if run.trainer.eval_steps is not None and not counted.splits["validation"]:
        yield (
            "trainer.eval_steps: needs a validation split, and the data has none; set "
            "dataset.split.validation or dataset.validation_path, or add rows"
        )
    for name, suite in run.eval.items():
        split = suite.reads()
        if split is not None and not counted.splits[split.value]:
            yield (
                f"eval=[{name}] needs a {split.value} split, and the data has none; set "
                f"dataset.split.{split.value} or dataset.{split.value}_path, add rows, or leave "
                f"{name} out of eval=[...]"
            )
