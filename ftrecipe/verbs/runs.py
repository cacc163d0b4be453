"""The verb `runs`: what has been run."""

from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.launch import read_status
from ftrecipe.objective import told
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.verbs import flags


def runs(words: list[str]) -> int:
    """List the runs with recipe, status, objective and date, the newest first.

    python -m ftrecipe runs [runs_dir=FOLDER]

    An arrow says which way is better: ↑ more, ↓ less.
    """
    _, rest = flags(words)
    unknown = [word for word in rest if not word.startswith("runs_dir=")]
    if unknown:
        raise ConfigError(f"runs {unknown[0]}: only runs_dir=<folder> is understood")
    folder = typed(rest[-1].partition("=")[2] if rest else "runs")
    found = [
        RunDir(file.parent)
        for file in folder.rglob("run.json")
        if "export" not in file.relative_to(folder).parts
    ]
    if not found:
        print(f"no runs in {folder}/")
        return 0
    rows = sorted((_row(rundir) for rundir in found), key=lambda row: row[3], reverse=True)
    table = [("recipe", "status", "objective", "date", "folder"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(5)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    return 0


def _row(rundir: RunDir) -> tuple[str, str, str, str, str]:
    try:
        return _read_row(rundir)
    except ConfigError as error:
        return rundir.path.parent.name, f"cannot be read: {error}", "–", "", str(rundir.path)


def _read_row(rundir: RunDir) -> tuple[str, str, str, str, str]:
    status = read_status(rundir)
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    state = status["state"]
    if state in ("failed", "interrupted") and status["stage"]:
        state += f" in {status['stage']}"
    date = (status["started"] or "").replace("T", " ")[:16]
    return read_json(rundir.run)["name"], state, _objective(metrics), date, str(rundir.path)


def _objective(metrics: dict[str, Any]) -> str:
    """Write the run's number with its name, which runs of before it was kept do not have."""
    value = metrics.get("objective")
    if value is None or "objective_name" not in metrics:
        return "–" if value is None else f"{value:.4g}"
    return told(value, metrics["objective_name"], metrics["objective_direction"])
