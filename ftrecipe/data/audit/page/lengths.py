"""How long the rows are, what that means for training, and which are too long."""

from html import escape
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.audit.told import overlong_done
from ftrecipe.page.bars import share
from ftrecipe.page.histogram import Histogram, Mark
from ftrecipe.page.words import printable

Report = dict[str, Any]

_NEAR = 1.6  # a limit up to so many times the longest row is drawn where it is
_COLUMNS = ("min", "p5", "median", "mean", "p95", "p99", "max")


def section(report: Report) -> str:
    """Tokens of each split, over-long rows, and the settings to take."""
    told = {name: split for name, split in report["tokens"].items() if split["rows"]}
    if not told:
        return _overlong(report["overlong"]) and f"<h2>Tokens</h2>{_overlong(report['overlong'])}"
    return (
        f"<h2>Tokens</h2>{_drawings(report, told)}{_table(told)}"
        f"{_overlong(report['overlong'])}{_training(report)}"
    )


def _drawings(report: Report, told: dict[str, Report]) -> str:
    limit = report["overlong"]["max_length"]
    low = min(split["min"] for split in told.values())
    high = max(split["histogram"][-1][1] for split in told.values()) + 1
    if limit is not None and high < limit <= _NEAR * high:
        high = limit
    large, *small = [
        Histogram(
            title=f"Tokens of a row: {name}",
            unit="tokens",
            bins=split["histogram"],
            low=low,
            high=high,
            marks=() if at else _marks(split, limit),
            style=name,
            width=360 if at else 720,
            height=180 if at else 270,
        ).figure()
        for at, (name, split) in enumerate(told.items())
    ]
    if high - low <= 1:
        return ""
    return large + (f'<div class="plots">{"".join(small)}</div>' if small else "")


def _marks(split: Report, limit: int | None) -> list[Mark]:
    marks = [Mark("", f"median {split['median']:,}", split["median"]),
             Mark("p95", f"95 % ≤ {split['p95']:,}", split["p95"]),
             Mark("p99", f"99 % ≤ {split['p99']:,}", split["p99"])]  # fmt: skip
    return marks if limit is None else [*marks, Mark("limit", f"max_length {limit:,}", limit)]


def _table(told: dict[str, Report]) -> str:
    head = "".join(f"<th>{name}</th>" for name in ("", "rows", "tokens", "learned", *_COLUMNS))
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{split['rows']:,}</td><td>{split['total']:,}</td>"
        f"<td>{split['supervised']:,} "
        f'<span class="even">{share(split["supervised"], split["total"])}</span></td>'
        + "".join(f"<td>{split[column]:,.0f}</td>" for column in _COLUMNS)
        + "</tr>"
        for name, split in told.items()
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _overlong(overlong: Report) -> str:
    if not overlong["found"]:
        return ""
    rows = "".join(
        f"<tr><td>{escape(printable(row['where']))}</td><td>{row['tokens']:,} tokens</td></tr>"
        for row in overlong["longest"]
    )
    done = overlong_done(overlong)
    how = f"dataset.on_overlong={escape(overlong['policy'])}{f': {done}' if done else ''}"
    fits = overlong["fits_99"]
    advice = f'<p class="note">max_length={fits:,} would fit 99 % of all rows.</p>' if fits else ""
    return (
        f'<div class="panel"><h3>{many(overlong["found"], "row")} longer than '
        f"{overlong['max_length'] or 0:,} tokens <small>{how}</small></h3>"
        f'<p class="note">The longest:</p><table class="words">{rows}</table>{advice}</div>'
    )


def _training(report: Report) -> str:
    recommended = report["recommended"]
    if recommended is None:
        return ""
    packed, padded = report["packing_efficiency"], report["padding_efficiency"]
    facts = {
        "recommended trainer.<wbr>max_length": f"{recommended['max_length']:,}",
        "recommended trainer.<wbr>num_train_epochs": f"{recommended['num_train_epochs']:,}",
        "steps an epoch": f"{report['steps_per_epoch']:,}",
        "of packed rows is tokens": share(packed, 1),
        "of rows padded to the longest is tokens": share(padded, 1),
    }
    cards = "".join(
        f'<div class="card"><b>{value}</b><span>{name}</span></div>'
        for name, value in facts.items()
    )
    return (
        f'<div class="panel"><h3>For training</h3><div class="cards">{cards}</div>'
        f'<p class="note">{escape(recommended["because"])}.</p></div>'
    )
