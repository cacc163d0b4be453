"""One run whole: what it came to, what it was made of, what it took, and how to use it."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ftrecipe import gated, manifest, pointers
from ftrecipe.amounts import duration, number, signed, size
from ftrecipe.folders import DEFAULT, Shelf
from ftrecipe.lock.contents import flat, shown
from ftrecipe.page.words import cut, took
from ftrecipe.paths import bytes_of
from ftrecipe.results import BASE
from ftrecipe.rundir import RunDir
from ftrecipe.runs.exported import commands
from ftrecipe.runs.listing import in_columns, objective
from ftrecipe.runs.record import RUN, TRIAL, Record, boundary_of, finite, read_sound, record_of
from ftrecipe.state import LATER, SECONDS, troubles, when

TOLD_OF_DATA = {"examples", "tokens", "sources"}
TOLD_OF_SOURCES = {"path", "format", "rows_used"}
TOLD_OF_TRAINING = {"seconds", "tokens_per_second", "peak_memory_bytes"}
LONGEST = 100  # characters of a value in a line
SAID = {True: "better", False: "worse", None: ""}


@dataclass(frozen=True)
class Whole:
    """All that is told of one run, read from its folder. called: how commands name it."""

    record: Record
    called: str
    boundary: dict[str, Any]
    metrics: dict[str, Any]
    data: dict[str, Any] | None = None
    checkpoints: dict[str, str | None] = field(default_factory=dict)
    files: list[tuple[str, int]] = field(default_factory=list)


def read(rundir: RunDir, there: Shelf) -> Whole:
    """Read one run. Raises ConfigError for files that cannot be read."""
    boundary = boundary_of(rundir)
    names, faults = _names(rundir, there), list[str]()
    metrics = read_sound(rundir.metrics, "metrics.json", faults)
    report = read_sound(rundir.data_report, "data_report.json", faults)
    record = record_of(rundir.path, names)
    return Whole(
        replace(record, faults=[*record.faults, *faults]),
        names[0] if names and there.folder == Path(DEFAULT) else str(rundir.path),
        boundary,
        metrics,
        report if report.keys() >= TOLD_OF_DATA else None,
        {
            one.name: manifest.what_is_wrong(one, hashes=False)
            for one in manifest.all_in(rundir.checkpoints)
        },
        list(_files(rundir.path)),
    )


def _names(rundir: RunDir, there: Shelf) -> list[str]:
    mine = rundir.path.resolve()
    pointing = pointers.names_of(pointers.read_all(there))
    return [name for run, name in pointing if run.resolve() == mine]


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and bytes of what lies in the run's folder, folders as one line each."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path.name, path.stat().st_size
        elif path.is_dir():
            yield f"{path.name}/", bytes_of(path)


def results(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what was measured of the tuned model against each baseline, a metric at a time."""
    compare = metrics.get("compare", {})
    before = {BASE: metrics.get(BASE, {}), **metrics.get("baselines", {})}
    for who, suites in before.items():
        for suite, values in suites.items():
            tuned = metrics.get("tuned", {}).get(suite, {})
            for metric, value in values.items():
                told = compare.get(who, {}).get(suite, {}).get(metric, {})
                yield {
                    "against": who, "metric": f"{suite}.{metric}", "before": value,
                    "tuned": tuned.get(metric), "change": told.get("change"),
                    "low": told.get("low"), "high": told.get("high"), "real": told.get("real"),
                    "better": told.get("better"),
                }  # fmt: skip


def as_json(whole: Whole) -> dict[str, Any]:
    """Return it for machines."""
    told = {
        "schema_version": 1,
        "run": whole.record.as_json(),
        "results": list(results(whole.metrics)),
        "gate": whole.metrics.get("gate"),
        "exports": whole.metrics.get("exports", {}),
        "differences": whole.boundary["differences"],
        "named": whole.boundary.get("named", {}),
        "choices": whole.boundary["choices"],
        "data": whole.data and {"rows": whole.data["examples"], "tokens": whole.data["tokens"]},
        "train": whole.metrics.get("train", {}),
        "checkpoints": [{"name": k, "fault": v} for k, v in whole.checkpoints.items()],
        "files": [{"name": name, "bytes": count} for name, count in whole.files],
        "use": _use(whole),
    }
    return finite(told)


def lines(whole: Whole) -> list[str]:
    """Return it in lines for a person."""
    run = whole.record
    told = [f"run       {run.folder} ({run.name})", f"status    {_status(run)}"]
    told += [f"later     {line}" for line in _later(whole)]
    told += [f"gate      {line}" for line in _gate(whole.metrics.get("gate"))]
    told += [f"exports   {', '.join(made)}"] if (made := _exports(whole.metrics)) else []
    before = gated.made_before(RunDir(Path(run.folder)), whole.metrics.get("gate"))
    told += [f"gate      {line}" for line in before]
    told += [f"names     {', '.join(run.names)}"] if run.names else []
    told += [f"tags      {', '.join(run.tags)}"] if run.tags else []
    told += [f"objective {objective(run)}"] if run.objective else []
    told += [f"note: {fault}" for fault in run.faults]
    told += ["", *table] if (table := _results(whole.metrics)) else []
    told += ["", "config, where it is not the default", *_config(whole.boundary), ""]
    told += [f"data      {line}" for line in _data(whole.data)]
    train = whole.metrics.get("train", {})
    told += [f"took      {_took(train)}"] if train.keys() >= TOLD_OF_TRAINING else []
    told += [f"stages    {took(run.stages)}"] if run.stages else []
    told += [
        f"saved     {name}{f' (damaged: {fault})' if fault else ''}"
        for name, fault in whole.checkpoints.items()
    ]
    told += [f"files     {', '.join(f'{name} {size(count)}' for name, count in whole.files)}"]
    return [*told, "", *(f"{what + ':':<10}{how}" for what, how in _use(whole).items())]


def _status(run: Record) -> str:
    at = f", begun {run.started.replace('T', ' ')[:16]}" if run.started else ""
    took = f", {duration(run.seconds)} in all" if run.seconds is not None else ""
    why = f": {cut(run.error, 300)}" if run.error else ""
    kind = "" if run.kind == RUN else f" ({run.kind})"
    return f"{run.state}{kind}{at}{took}{why}"


def _later(whole: Whole) -> Iterator[str]:
    """Yield what was done with the run after it had finished, and what has to be done again."""
    run = whole.record
    for name, part in run.later.items():
        if part["state"] in ("running", "finished"):
            times = took(part.get(SECONDS, {}))
            told = f"{name} on {when(part)}: {part['state']}"
            yield f"{told} ({times})" if times else told
    yield from troubles(RunDir(Path(run.folder)), {LATER: run.later})


def _exports(metrics: Mapping[str, Any]) -> list[str]:
    """Return each export with what its gate said of it."""
    found = metrics.get("exports", {}).items()
    return [f"{name} {said.get('verdict', 'unknown')}" for name, said in found]


def _gate(gate: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield whether the gate was passed, then each condition."""
    if not gate:
        return
    yield "passed" if gate.get("passed") else "failed"
    for one in gate.get("conditions", []):
        reason = f": {one['reason']}" if one.get("reason") else ""
        yield f"  {'✓' if one.get('passed') else '✗'} {one.get('condition')}{reason}"


def _results(metrics: Mapping[str, Any]) -> list[str]:
    found = list(results(metrics))
    if not found:
        return []
    several = len({one["against"] for one in found}) > 1
    columns = {
        "metric": [one["metric"] for one in found],
        **({"against": [one["against"] for one in found]} if several else {}),
        "before" if several else "base": [number(one["before"]) for one in found],
        "tuned": [number(one["tuned"]) for one in found],
        "change": [_change(one["change"]) for one in found],
        "95 % interval": [interval(one) for one in found],
        "": [verdict(one) for one in found],
    }
    return in_columns(columns)


def interval(told: Mapping[str, Any]) -> str:
    """Write an interval; nothing where none can be told."""
    low, high = told.get("low"), told.get("high")
    return "" if low is None or high is None or low == high else f"{signed(low)} to {signed(high)}"


def verdict(told: Mapping[str, Any]) -> str:
    """Say whether a change is real, and which way it goes."""
    if told.get("real") is None or told.get("change") is None:
        return ""
    if not told["real"]:
        return "the same" if told["change"] == 0 else "no real change"
    return SAID[told.get("better")]


def _change(value: float | None) -> str:
    return "" if value is None else signed(value)


def _config(boundary: Mapping[str, Any]) -> list[str]:
    """Return the options that were chosen, and the values that are not theirs."""
    named = {folder: name for name, folder in boundary.get("named", {}).items()}
    options = boundary["choices"].items()
    chosen = [f"{group}={_option(option)}" for group, option in options if option]
    told = [f"  {' '.join(chosen)}"]
    for key, value in flat(boundary["differences"]).items():
        then = [named[one] for one in (value if isinstance(value, list) else [value])
                if isinstance(one, str) and one in named]  # fmt: skip
        called = f" ({', '.join(then)} then)" if then else ""
        told.append(f"  {key}={cut(shown(value), LONGEST)}{called}")
    return told


def _option(chosen: str | list[str]) -> str:
    return chosen if isinstance(chosen, str) else f"[{','.join(chosen)}]"


def _data(report: Mapping[str, Any] | None) -> Iterator[str]:
    if report is None:
        return
    rows = ", ".join(f"{count:,} {split}" for split, count in report["examples"].items())
    trained = report["tokens"].get("train", {}).get("supervised")
    learned = f"; {trained:,} tokens are learned in an epoch" if trained else ""
    yield f"{rows} examples{learned}"
    for source in (one for one in report["sources"] if one.keys() >= TOLD_OF_SOURCES):
        yield f"  {source['path']} ({source['format']}, {source['rows_used']:,} rows used)"


def _took(train: Mapping[str, Any]) -> str:
    tokens = f", {train['tokens']:,} tokens" if "tokens" in train else ""
    return (
        f"{duration(train['seconds'])} of training{tokens}, "
        f"{train['tokens_per_second']:,.0f} tokens/s, {size(train['peak_memory_bytes'])} memory"
    )


def _use(whole: Whole) -> dict[str, str]:
    """Return commands that use the run, by its name if it has one."""
    run = whole.record
    if run.kind not in (RUN, TRIAL):
        return {}
    name = shlex.quote(whole.called)
    if run.state != "finished":
        return {"go on": f"python -m ftrecipe resume {name}"}
    found = {
        "export": f"python -m ftrecipe export {name} export=merged",
        "measure": f"python -m ftrecipe evaluate {name}",
        "go on": f"python -m ftrecipe model.from_run={name} dataset=FILE",
        "compare": f"python -m ftrecipe +recipe=NAME compare.against=[{name}]",
    }
    if not run.names:
        found["name"] = f"python -m ftrecipe runs promote {name} NAME@production"
    found |= commands(Path(run.folder), whole.boundary)
    report = Path(run.folder) / "report.html"
    return found | ({"read": str(report)} if report.is_file() else {})
