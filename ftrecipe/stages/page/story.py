"""What a run has to tell, gathered from its files; what was not measured is simply not there."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe import results
from ftrecipe.components.eval import Eval, Split, SplitEval
from ftrecipe.config import RunConfig
from ftrecipe.gated import GATE, made_before
from ftrecipe.paths import bytes_of
from ftrecipe.results import BASE, TUNED
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.secrets import redacted
from ftrecipe.stages.page.settings import Setting, settings
from ftrecipe.stages.page.suite import Change, Rows, Suite
from ftrecipe.stages.page.usage import Usage, usages
from ftrecipe.state import SECONDS, known_status, troubles

SHORT = 200  # characters of a question that a command may hold


@dataclass(frozen=True)
class Story:
    """All that the page says, as plain values.

    gate: what metrics.json says of the gate, None where there is none. shots: the examples in
    the prompt of the baseline that is only prompted. exports: by target, what its gate.json says.
    warnings: what keeps the results from being used as they are. seconds: what each stage took.
    """

    name: str
    folder: str
    toy: bool = False
    description: str = ""
    suites: list[Suite] = field(default_factory=list)
    gate: dict[str, Any] | None = None
    shots: int = 0
    train: dict[str, Any] = field(default_factory=dict)
    history: Rows = field(default_factory=list)
    data: dict[str, Any] | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    recipe: str = ""
    files: list[tuple[str, int]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    exports: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def others(self) -> list[str]:
        """The baselines beside the base, in the order in which they were measured."""
        named = [who for suite in self.suites for who in suite.values]
        return [who for who in dict.fromkeys(named) if who not in (BASE, TUNED)]


def read_story(run: RunConfig, rundir: RunDir) -> Story:
    """Read the files of a run, finished or not."""
    boundary = read_json(rundir.run)
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    data = read_json(rundir.data_report) if rundir.data_report.is_file() else None
    suites = [_suite(name, suite, metrics, rundir, data) for name, suite in run.eval.items()]
    gate, status = metrics.get("gate"), known_status(rundir)
    before = [f"The gate {each}." for each in made_before(rundir, gate)]
    held_back = gate is not None and not gate["passed"] and not rundir.export.is_dir()
    return Story(
        name=boundary["name"],
        folder=str(rundir.path),
        toy=run.model.toy and not (run.dataset.path or "").startswith("builtin:"),
        description=run.description,
        suites=suites,
        gate=gate,
        shots=run.compare.few_shot,
        train=metrics.get("train", {}),
        history=_rows(rundir.history),
        data=data,
        choices=boundary["choices"],
        config=boundary["config"],
        settings=settings(boundary),
        recipe=rundir.recipe.read_text(encoding="utf-8") if rundir.recipe.is_file() else "",
        files=_files(rundir.path),
        usages=usages(run, rundir, _example(suites), held_back),
        exports={file.parent.name: read_json(file) for file in _gates(rundir)},
        warnings=[*before, *troubles(rundir, status)],
        seconds=status.get(SECONDS, {}),
    )


def _gates(rundir: RunDir) -> list[Path]:
    """Return what was found of the exports that have their name, in the order they were made."""
    found = [path for path in rundir.export.glob(f"*/{GATE}") if path.parent.name[0] != "."]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def _example(suites: list[Suite]) -> str:
    """Return a question to try the result with: one that it answers well, if there is any."""
    for suite in suites:
        rows = suite.rows.get(TUNED)
        if suite.eval.generates and rows and "question" in rows[0]:
            best = min if suite.eval.direction(suite.telling) == "min" else max
            short = [row for row in rows if len(row["question"]) <= SHORT] or rows[:1]
            scored = zip(suite.each(short), short, strict=True)
            return str(best(scored, key=lambda one: one[0])[1]["question"])[:SHORT]
    return ""


def _suite(
    name: str, suite: Eval, metrics: dict[str, Any], rundir: RunDir, data: dict[str, Any] | None
) -> Suite:
    sides = {BASE: metrics.get("base", {}), TUNED: metrics.get("tuned", {})}
    sides |= metrics.get("baselines", {})
    changes = {
        who: {metric: Change.read(change) for metric, change in found[name].items()}
        for who, found in metrics.get("compare", {}).items()
        if name in found
    }
    return Suite(
        name=name,
        eval=suite,
        of=_measured_on(suite, data),
        values={who: side[name] for who, side in sides.items() if name in side},
        changes=changes,
        rows=results.read(rundir, name),
    )


def _measured_on(suite: Eval, data: dict[str, Any] | None) -> str:
    """Say in words what was measured on; "never shown" only where the audit bears it out.

    What a suite brings itself was prepared beside the run's data, whose audit knows nothing of it.
    """
    split = suite.reads()
    if isinstance(suite, SplitEval) and suite.path is not None:
        return f"{suite.of} of {_short(suite.path)}"
    if split is None:
        return suite.of
    if split is Split.train:
        return f"{suite.of} it was trained on"
    if data is not None and _leaks(data, split):
        return f"{suite.of} of the {split.value} split"
    return f"{suite.of} it was never shown"


def _short(path: str) -> str:
    """Return the name of a file without its folders, and of a hub's data set as it is."""
    found = redacted(path).removeprefix("builtin:")
    return Path(found).name if Path(found).suffix else found


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
    return [(_name(path, folder), bytes_of(path)) for path in found]


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() + ("/" if path.is_dir() else "")
