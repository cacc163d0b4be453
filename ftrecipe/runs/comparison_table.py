"""Several runs side by side, as a table on a terminal."""

from collections.abc import Callable

from ftrecipe.amounts import NONE, duration, number, signed, size
from ftrecipe.lock.contents import shown
from ftrecipe.page.words import cut
from ftrecipe.runs.comparison import Cell, Comparison, Metric
from ftrecipe.runs.listing import in_columns
from ftrecipe.runs.one import SAID

BEST = "*"
WIDEST = 44  # characters of a value in the table of differences
COST: dict[str, tuple[str, Callable[[float], str]]] = {
    "seconds": ("training time", duration),
    "tokens": ("tokens", lambda count: f"{count:,.0f}"),
    "tokens_per_second": ("tokens/s", lambda count: f"{count:,.0f}"),
    "peak_memory_bytes": ("peak memory", size),
    "steps": ("steps", lambda count: f"{count:,.0f}"),
    "loss": ("training loss", lambda value: f"{value:.4g}"),
}


def letters(made: Comparison) -> list[str]:
    """Return the short name of each run: a, b, c …, and numbers beyond z."""
    return [chr(ord("a") + at) if at < 26 else str(at + 1) for at in range(len(made.runs))]


def lines(made: Comparison) -> list[str]:
    """Return the comparison in lines; a star marks the best, changes are against the first."""
    names = letters(made)
    told = [f"{short}  {_run(made, at)}" for at, short in enumerate(names)]
    if made.metrics:
        told += ["", *_metrics(made, names), f"{BEST} is the best; changes are against {names[0]}"]
    told += [f"note: {note}" for note in made.notes]
    if made.differing:
        told += ["", *_differences(made, names)]
    else:
        told += ["", "no differences in config and data"]
    return [*told, "", *_cost(made, names)]


def _run(made: Comparison, at: int) -> str:
    run, name = made.runs[at], made.names[at]
    called = "" if run.folder.endswith(name.rstrip("/")) else f" ({name})"
    state = "" if run.state == "finished" else f", {run.state}"
    return f"{run.folder}{called}{state}"


def _metrics(made: Comparison, names: list[str]) -> list[str]:
    columns = {"metric": [f"{one.suite}.{one.name}" for one in made.metrics]}
    for at, short in enumerate(names):
        columns[short] = [value(one, one.cells[at]) for one in made.metrics]
        if at:
            columns[f"{short} − a"] = [change(one, one.cells[at]) for one in made.metrics]
    return in_columns(columns)


def value(metric: Metric, cell: Cell) -> str:
    """Write a metric's value, marked where it is the best."""
    return number(cell.value, metric.percent) + (f" {BEST}" if cell.best else "")


def change(metric: Metric, cell: Cell) -> str:
    """Write a change with its interval and what follows from it."""
    if cell.change is None:
        return ""
    if cell.change == 0 and not cell.real:
        return "the same"
    told = signed(cell.change, metric.percent)
    if cell.low is None or cell.high is None:
        return told
    verdict = SAID[cell.better] if cell.real else "no real change"
    low, high = (signed(end, metric.percent) for end in (cell.low, cell.high))
    return f"{told} ({low} to {high}) {verdict}".rstrip()


def _differences(made: Comparison, names: list[str]) -> list[str]:
    columns = {"differs": [item for _, item, _ in made.differing]}
    for at, short in enumerate(names):
        columns[short] = [cut(shown(values[at]), WIDEST) for _, _, values in made.differing]
    return in_columns(columns)


def _cost(made: Comparison, names: list[str]) -> list[str]:
    columns = {"cost": [title for title, _ in COST.values()]}
    for at, short in enumerate(names):
        columns[short] = [spent(made, at, key) for key in COST]
    return in_columns(columns)


def spent(made: Comparison, at: int, key: str) -> str:
    """Write what a run took; nothing where it is not known."""
    known = made.cost[at][key]
    return NONE if known is None else COST[key][1](known)
