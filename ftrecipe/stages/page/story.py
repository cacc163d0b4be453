"""What a run has to tell, gathered from its files; what was not measured is simply not there."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe import results
from ftrecipe.components.eval import Eval, Split
from ftrecipe.config import RunConfig
from ftrecipe.results import BASE, TUNED
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.page.usage import Usage, usages

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Suite:
    """One suite's results; `base` or `tuned` is None where it was not measured."""

    name: str
    of: str
    headline: str
    directions: dict[str, str]
    percents: tuple[str, ...]
    generates: bool
    base: dict[str, float] | None = None
    tuned: dict[str, float] | None = None
    base_rows: Rows = field(default_factory=list)
    tuned_rows: Rows = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """All that the page says, as plain values."""

    name: str
    folder: str
    toy: bool = False
    description: str = ""
    suites: list[Suite] = field(default_factory=list)
    train: dict[str, Any] = field(default_factory=dict)
    history: Rows = field(default_factory=list)
    data: dict[str, Any] | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    recipe: str = ""
    files: list[tuple[str, int]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)


def read_story(run: RunConfig, rundir: RunDir) -> Story:
    """Read the files of a run, finished or not."""
    boundary = read_json(rundir.run)
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    data = read_json(rundir.data_report) if rundir.data_report.is_file() else None
    suites = [_suite(name, suite, metrics, rundir, data) for name, suite in run.eval.items()]
    return Story(
        name=boundary["name"],
        folder=str(rundir.path),
        toy=run.model.toy and not (run.dataset.path or "").startswith("builtin:"),
        description=run.description,
        suites=suites,
        train=metrics.get("train", {}),
        history=_rows(rundir.history),
        data=data,
        choices=boundary["choices"],
        config=boundary["config"],
        recipe=rundir.recipe.read_text(encoding="utf-8") if rundir.recipe.is_file() else "",
        files=_files(rundir.path),
        usages=usages(run, rundir, _example(suites)),
    )


def _example(suites: list[Suite]) -> str:
    """Return a question to try the result with: one that it answers well, if there is any."""
    for suite in suites:
        if suite.generates and suite.tuned_rows:
            best = min if suite.directions[suite.headline] == "min" else max
            scored = [(row.get(suite.headline, 0.0), row["question"]) for row in suite.tuned_rows]
            return str(best(scored, key=lambda one: one[0])[1])
    return ""


def _suite(
    name: str, suite: Eval, metrics: dict[str, Any], rundir: RunDir, data: dict[str, Any] | None
) -> Suite:
    rows = results.read(rundir, name)
    return Suite(
        name=name,
        of=_measured_on(suite, data),
        headline=suite.headline,
        directions=suite.directions,
        percents=suite.percents,
        generates=suite.generates,
        base=metrics.get("base", {}).get(name),
        tuned=metrics.get("tuned", {}).get(name),
        base_rows=rows.get(BASE, []),
        tuned_rows=rows.get(TUNED, []),
    )


def _measured_on(suite: Eval, data: dict[str, Any] | None) -> str:
    """Say in words what was measured on; "never shown" only where the audit bears it out."""
    split = suite.reads()
    if split is Split.train:
        return f"{suite.of} it was trained on"
    if split is not None and data is not None and _leaks(data, split):
        return f"{suite.of} of the {split.value} split"
    return f"{suite.of} it was never shown"


def _leaks(data: dict[str, Any], split: Split) -> bool:
    leak = data["contamination"][split.value]
    return bool(leak["same_prompt"] or leak["same_words"])


def _rows(path: Path) -> Rows:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def _files(folder: Path) -> list[tuple[str, int]]:
    """Return name and bytes of what lies in the run's folder, folders as one line each."""
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    exports = folder / "export"
    if exports in found:
        at = found.index(exports)
        found[at : at + 1] = sorted(path for path in exports.iterdir() if path.name[0] != ".")
    return [(_name(path, folder), _size(path)) for path in found]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
