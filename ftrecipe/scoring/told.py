"""Scores as a person reads them on a terminal."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from ftrecipe.amounts import NONE, many, number, signed
from ftrecipe.compare.bootstrap import Change, Interval
from ftrecipe.page.words import title
from ftrecipe.scoring.judging import Scored
from ftrecipe.scoring.pairing import Paired

Files = tuple[Paired, Paired | None]
_NAMED = 5  # questions without an answer
_ALONE = ("", "value", "95 % interval")
_AGAINST = ("change", "95 % interval", "")


def read_lines(files: Files) -> list[str]:
    """Say what was read."""
    first = files[0]
    lines = [f"questions  {len(first.pairs):,} of {first.questions}"]
    for found in filter(None, files):
        pairing = "paired by id" if found.by_id else "paired by order"
        lines.append(f"answers    {found.name} ({found.how}, {pairing})")
    return lines


def left_over(files: Files) -> list[str]:
    """Say which questions have no answer, and how many answers no question."""
    lines: list[str] = []
    for found in filter(None, files):
        if found.missing:
            more = " …" if len(found.missing) > _NAMED else ""
            named = ", ".join(found.missing[:_NAMED]) + more
            lacking = many(len(found.missing), "question")
            lines.append(f"missing    {found.name}: {lacking} without an answer, wrong: {named}")
        if found.unused:
            lines.append(f"unused     {found.name}: {many(found.unused, 'answer')} to no question")
    return lines


def table(name: str, scored: Scored, files: Files) -> list[str]:
    """Return a suite's numbers with their intervals, and how they compare."""
    if scored.changes is None:
        head, rows = _ALONE, list(_alone(scored))
    else:
        head, rows = ("", *_labels(files), *_AGAINST), list(_compared(scored))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [_line(row, widths) for row in (head, *rows)]
    parts = ", ".join(f"{count:,} {part}" for part, count in scored.mine.parts.items())
    asked = f"{scored.mine.n:,} {scored.suite.of}" + (f" ({parts})" if parts else "")
    return ["", f"{name}: {asked}", *lines]


def _labels(files: Files) -> list[str]:
    """Return short names of both, which tell them apart."""
    names = [found.name for found in files if found is not None]
    short = [PurePath(name).name for name in names]
    return short if len(set(short)) > 1 else names


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    sized = list(zip(cells, widths, strict=True))
    numbers = [cell.rjust(width) for cell, width in sized[1:]]
    return "  ".join(["", sized[0][0].ljust(sized[0][1]), *numbers]).rstrip()


def _alone(scored: Scored) -> Iterator[Sequence[str]]:
    suite = scored.suite
    for metric, value in scored.mine.metrics.items():
        percent, found = suite.is_percent(metric), scored.intervals[metric]
        ends = (number(found.low, percent), number(found.high, percent))
        yield _title(metric), number(value, percent), _span(found, *ends)


def _compared(scored: Scored) -> Iterator[Sequence[str]]:
    suite, others = scored.suite, scored.other.metrics if scored.other else {}
    for metric, change in (scored.changes or {}).items():
        if metric not in scored.mine.metrics:
            continue
        percent = suite.is_percent(metric)
        yield (
            _title(metric),
            number(scored.mine.metrics[metric], percent),
            number(others[metric], percent),
            _change(change.change, percent),
            _span(change, _change(change.low, percent), _change(change.high, percent)),
            _verdict(scored, metric, change),
        )


def _title(metric: str) -> str:
    name, _, part = metric.partition(".")
    return f"{title(name)} of {part}" if part else title(name)


def _verdict(scored: Scored, metric: str, change: Change) -> str:
    better = scored.better(metric, change)
    if better is None:
        return "the same" if not change.changed else "changed" if change.real else "no real change"
    return "better" if better else "worse"


def _span(found: Interval | Change, low: str, high: str) -> str:
    return "not known" if found.low is None or found.high is None else f"{low} to {high}"


def _change(value: float | None, percent: bool) -> str:
    return NONE if value is None else signed(value, percent)
