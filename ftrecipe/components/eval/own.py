"""Data that a suite brings itself: read, and asked about, as the run's own data is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.eval.asked import asking
from ftrecipe.data.split import Split
from ftrecipe.errors import ConfigError, DataError

if TYPE_CHECKING:
    from ftrecipe.components.eval import Eval

AUTO = "auto"


@dataclass(frozen=True)
class Own:
    """A file, URL or hub id, and how it is read."""

    path: str
    format: str = AUTO
    columns: Mapping[str, str] = field(default_factory=dict)
    subset: str | None = None
    hub_split: str = "test"

    def read(self, run: Dataset) -> Dataset:
        """Return the option that reads it, for a run on the data `run`.

        What is of the run's format is asked in the run's words: system prompt, template, columns.
        Raises DataError where a file does not show what it is, ConfigError for no format.
        """
        found: Dataset = GROUP.get(self.format)(path=self.path)
        if found.name() == _format_of(run):
            found = replace(run, path=self.path)
        columns = dict(self.columns) or found.columns
        named = replace(found, columns=columns, subset=self.subset, hub_split=self.hub_split)
        return whole(replace(named, system=run.system), run)


def whole(data: Dataset, run: Dataset) -> Dataset:
    """Return `data` with all of it in one split, and as much forgiven as of the run's data."""
    return replace(
        data,
        split=Split(train=0.0, validation=0.0, test=1.0),
        validation_path=None,
        test_path=None,
        max_samples=None,
        streaming=False,
        max_malformed=run.max_malformed,
        on_overlong=run.on_overlong,
    )


def lacking(suite: "Eval", examples: Sequence[Any]) -> list[str]:
    """Return what a suite misses in the examples of data that it brings."""
    asked = asking(examples)
    if suite.generates and not asked:
        return ["has no questions with answers"]
    return suite.unfit(asked)


def _format_of(run: Dataset) -> str | None:
    """Return the format of a run's data; None for a mix, and for a file that is gone."""
    if [part for part, _ in run.parts([])] != [run]:
        return None
    try:
        return run.name()
    except DataError:  # what was prepared of it is still there
        return None


def faults(name: str, suite: "Eval", run: Dataset) -> list[str]:
    """Say all that is wrong with the data that the suite `name` brings, looking at files only."""
    try:
        data = suite.own_data(run)
        wrong = data.faults() if data else []
    except (ConfigError, DataError) as error:
        wrong = error.faults
    return [told(fault, name, suite) for fault in wrong]


def told(fault: str, name: str, suite: "Eval") -> str:
    """Return a fault of a dataset in the words of the suite that brings it."""
    key = f"eval.{name}.{suite.own_field}"
    fault = fault.replace("dataset.path", key)
    fault = re.sub(r"\bdataset\.(columns|subset|hub_split)\b", rf"eval.{name}.\1", fault)
    fault = re.sub(r"\bdataset=", f"eval.{name}.format=", fault)
    return fault if fault.startswith(f"eval.{name}.") else f"{key}: {fault}"
