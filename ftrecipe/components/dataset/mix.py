"""Several sources as one: each with its format, weight and cleaning, drawn by one rule."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from ftrecipe.components.cleaning import GROUP as STEPS
from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.auto import Auto
from ftrecipe.components.model import Model
from ftrecipe.data.cleaning import Cleaning, Step
from ftrecipe.data.example import Example
from ftrecipe.data.files import DataFile
from ftrecipe.data.interleave import drawn, shuffled
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.data.split import fraction_faults
from ftrecipe.errors import ConfigError
from ftrecipe.nested import built
from ftrecipe.registry import only_with

_OWN = ("format", "weight", "cleaning")
_WHOLE = ("split", "validation_path", "test_path", "streaming", "on_overlong", "max_malformed")
_HELP = "dataset.sources.<name>={format: alpaca, path: FILE, weight: 2}"


class Sampling(Enum):
    """In which order the examples of the sources are learned."""

    concatenate = "concatenate"  # one source after the other
    proportional = "proportional"  # shuffled together, each example once
    weighted = "weighted"  # drawn by the sources' weights; held-out examples are there once


class Stopping(Enum):
    """When drawing by weights ends."""

    first_exhausted = "first_exhausted"  # no example twice
    all_exhausted = "all_exhausted"  # every example once; short sources begin again


class Part(NamedTuple):
    """One source: its name, how it is read, its share, and its cleaning (None: the run's)."""

    name: str
    dataset: Dataset
    weight: float
    steps: list[Any] | None


@GROUP.option("mix")
@dataclass
class Mix(Dataset):
    """Sources by name, each with `format`, `path`, and what that format has; `weight`; `cleaning`.

    A source without a `cleaning` of its own has the run's. What is held out by `validation_path`
    or `test_path` is read as the file looks. Splits, limits and what is too long are of the whole.
    """

    sources: dict[str, Any] = field(default_factory=dict)
    sampling: Sampling | None = None  # weighted where a source has a weight, else concatenate
    stopping: Stopping = only_with("draws", Stopping.all_exhausted, "dataset.sampling=weighted")

    @cached_property
    def _built(self) -> tuple[list[Part], list[str]]:
        """Return the sources that can be built, and the faults of all."""
        parts: list[Part] = []
        faults: list[str] = []
        for name, node in self.sources.items():
            part, found = _part(name, node)
            faults += found
            if part:  # what keeps examples together is the whole mix's to say
                dataset = replace(part.dataset, split=self.split)
                parts.append(part._replace(dataset=dataset))
        return parts, faults

    @property
    def _parts(self) -> list[Part]:
        parts, faults = self._built
        if faults or not parts:
            raise ConfigError(faults or [f"dataset.sources is empty; add {_HELP}"])
        return parts

    def inside(self) -> Iterator[tuple[str, Any]]:
        for part in self._built[0]:
            where = f"dataset.sources.{part.name}"
            yield where, part.dataset
            for step in part.steps or ():
                yield f"{where}.cleaning.{STEPS.name_of(type(step))}", step

    def parts(self, steps: Sequence[Step]) -> "list[tuple[Dataset, Sequence[Step]]]":
        return [
            (part.dataset, steps if part.steps is None else part.steps) for part in self._built[0]
        ]

    def implied(self, model: Model) -> Model:
        for part in self._built[0]:
            model = part.dataset.implied(model)
        return super().implied(model)

    def interleaved(self, streams: list[Iterator[Example]], seed: int) -> Iterator[Example]:
        sampling = self._sampling()
        if sampling is Sampling.concatenate:
            return chain.from_iterable(streams)
        if sampling is Sampling.proportional:
            return shuffled(streams, random.Random(seed))
        weights = [part.weight for part in self._parts]
        once = self.stopping is Stopping.first_exhausted
        return drawn(streams, weights, random.Random(seed), once)

    def labelled(self, streams: list[Iterator[Example]]) -> list[Iterator[Example]]:
        return [_named(one, part.name) for one, part in zip(streams, self._parts, strict=True)]

    @property
    def draws(self) -> bool:
        """Tell whether sources are drawn from by chance, so that one may end before the others."""
        return self._sampling() not in (Sampling.concatenate, Sampling.proportional)

    def _weighed(self) -> list[str]:
        """Return the sources that have a weight."""
        return [name for name, node in self.sources.items()
                if isinstance(node, dict) and "weight" in node]  # fmt: skip

    def _sampling(self) -> Sampling:
        return self.sampling or (Sampling.weighted if self._weighed() else Sampling.concatenate)

    def sampled(self) -> str:
        found = "a" if self._weighed() else "no"
        why = "" if self.sampling else f", as {found} source has a weight"
        return f"dataset.sampling is {self._sampling().value}{why}"

    def draws_by_weight(self) -> bool:
        return self._sampling() is Sampling.weighted

    def produces(self) -> str:
        kinds = {part.dataset.produces() for part in self._built[0]}
        return kinds.pop() if len(kinds) == 1 else "chat"

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        return self._held_out(reading).rows(files, reading)

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        return self._held_out(reading).gathered(rows, reading, cleaning)

    def _held_out(self, reading: Reading) -> Auto:
        """Return how a file is read that belongs to no source."""
        return Auto(path=reading.path, system=self.system)

    def faults(self) -> list[str]:
        faults = list(self._built[1])
        if not self.sources:
            faults.append(f"dataset.sources is empty; add {_HELP}")
        if self.path:
            faults.append(
                "dataset.path: a mix has none of its own; set dataset.sources.<name>.path"
            )
        for name in ("columns", "template"):
            if getattr(self, name):
                faults.append(f"dataset.{name}: belongs to a source; dataset.sources.<name>.{name}")
        if self.streaming and self.sampling is Sampling.proportional:
            faults.append(
                "dataset.sampling=proportional counts all examples first, and "
                "dataset.streaming=true reads them once; use dataset.sampling=weighted"
            )
        if self.sampling in (Sampling.concatenate, Sampling.proportional) and self._weighed():
            faults.append(
                f"dataset.sources.{self._weighed()[0]}.weight has no meaning with "
                f"dataset.sampling={self.sampling.value}; use dataset.sampling=weighted"
            )
        for name in ("validation_path", "test_path"):
            if path := getattr(self, name):
                found = Auto(path=path).faults()
                faults += [fault.replace("dataset.path", f"dataset.{name}", 1) for fault in found]
        for part in self._built[0]:
            faults += [_of_source(fault, part.name) for fault in part.dataset.faults()]
        return faults + fraction_faults(self.split)


def _of_source(fault: str, name: str) -> str:
    """Return a fault of a source's own settings with its place in the mix."""
    place = f"dataset.sources.{name}"
    return fault.replace("dataset.", f"{place}.") if "dataset." in fault else f"{place}: {fault}"


def _part(name: str, node: Any) -> tuple[Part | None, list[str]]:
    """Return a source, or all that is wrong with it."""
    where = f"dataset.sources.{name}"
    if not isinstance(node, dict):
        return None, [f"{where}={node}: a source is written {{format: alpaca, path: FILE}}"]
    settings = {key: value for key, value in node.items() if key not in (*_OWN, *_WHOLE)}
    faults = [f"{where}.{key}: belongs to the whole mix; set dataset.{key}"
              for key in _WHOLE if key in node]  # fmt: skip
    weight, wrong = _weight(node.get("weight", 1), where)
    steps, more = _steps(node.get("cleaning"), f"{where}.cleaning")
    if node.get("format") == "mix":
        return None, [*faults, f"{where}.format: a mix inside of a mix; name its sources here"]
    dataset, found = built(GROUP, node.get("format", "auto"), settings, where, _OWN)
    faults += [*wrong, *found, *more]
    return (None if faults else Part(str(name), dataset, weight, steps)), faults


def _weight(value: Any, where: str) -> tuple[float, list[str]]:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e9:
        return float(value), []
    return 1.0, [f"{where}.weight={value}: must be a number greater than 0"]


def _steps(listed: Any, where: str) -> tuple[list[Any] | None, list[str]]:
    """Return the cleaning steps that a source lists: names, or `{name: {field: value}}`."""
    if listed is None:
        return None, []
    steps: list[Any] = []
    faults: list[str] = []
    for item in listed if isinstance(listed, list) else [listed]:
        settings = item if isinstance(item, dict) else {item: {}}
        for name, values in settings.items():
            step, found = built(STEPS, name, values or {}, f"{where}.{name}")
            faults += found
            steps += [step] if step else []
            faults += [f"{where}.{name}.{fault}" for fault in (step.faults() if step else [])]
    return steps, faults


def _named(stream: Iterator[Example], name: str) -> Iterator[Example]:
    for example in stream:
        yield replace(example, source=name)
