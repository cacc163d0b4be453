"""The last lines a person sees: base, tuned, change, and where everything is."""

from pathlib import Path

from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.session import Session

WIDTHS = (34, 12, 12, 12)


def summary(session: Session) -> list[str]:
    """Return the closing lines of a run, from what its folder holds."""
    if session.only_checks:
        return []
    rows = table(session)
    lines = ["", *rows, ""] if rows else [""]
    own_data = not (session.run.dataset.path or "").startswith("builtin:")
    if session.run.model.toy and own_data:
        lines.append(
            "toy model: tiny knows nothing but what it was just taught; "
            "for real use: model=smollm2_135m"
        )
    return lines + paths(session.dir)


def table(session: Session) -> list[str]:
    """Return all that was measured of base and tuned model, marked where better or worse."""
    if not session.dir.metrics.is_file():
        return []
    metrics = read_json(session.dir.metrics)
    base, tuned = metrics.get("base", {}), metrics.get("tuned", {})
    rows: list[tuple[str, ...]] = []
    for name, suite in session.run.eval.items():
        for metric, direction in suite.directions.items():
            values = (base.get(name, {}).get(metric), tuned.get(name, {}).get(metric))
            if values == (None, None):
                continue  # a suite may measure less than it could
            rows.append((f"{name}.{metric}", *map(number, values), change(*values, direction)))
    if not rows:
        return []
    head = ("", "base", "tuned", "change")
    return [_aligned(row) for row in [head, *rows]]


def _aligned(row: tuple[str, ...]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(row, WIDTHS, strict=True)).rstrip()


def number(value: float | None) -> str:
    """Write a metric for people; a value that was not measured as a dash."""
    if value is None:
        return "–"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"


def change(before: float | None, after: float | None, direction: str) -> str:
    """Write the change with its sign, and whether it is for the better."""
    if before is None or after is None:
        return ""
    difference = after - before
    if number(abs(difference)) == number(0.0):
        return "same"
    better = (difference > 0) == (direction == "max")
    sign = "+" if difference > 0 else "−"
    return f"{sign}{number(abs(difference))} {'better' if better else 'worse'}"


def paths(rundir: RunDir) -> list[str]:
    """Return where the results are, of those that exist."""
    named = {
        "adapter": rundir.adapter,
        "model": rundir.model,
        "report": rundir.report_html,
    }
    exports = sorted(p for p in rundir.export.glob("[!.]*")) if rundir.export.is_dir() else []
    found = [(name, path) for name, path in named.items() if path.exists()]
    found += [("export", path) for path in exports]
    return [f"{name:<9} {shown(path)}" for name, path in found]


def shown(path: Path) -> str:
    """Write a path as short as it is true from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
