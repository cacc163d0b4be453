"""The table of all recipes: method, model, hardware, expected result and time."""

from dataclasses import dataclass

from ftrecipe.compose import options_tree
from ftrecipe.door import recipes as door
from ftrecipe.door.vet import Recipe
from ftrecipe.errors import ConfigError
from ftrecipe.page.words import MISSING, cut, printable

WIDTH = 100
HEAD = ("recipe", "method", "model", "hardware", "expected", "time")
MOST = (31, 15, 14, 12, 14, 9)  # characters of each column, of the longest rows
GAP = " "


@dataclass(frozen=True)
class Row:
    """One recipe: its cells, or why it cannot be used."""

    name: str
    cells: tuple[str, ...] = ()
    fault: str = ""


def table() -> list[str]:
    """Return the lines of the table, no longer than 100 characters."""
    rows = [_row(name) for name in door.names()]
    cells = [HEAD, *((row.name, *row.cells) for row in rows if row.cells)]
    widths = _widths(cells)
    lines = [_line(HEAD, widths)]
    for row in rows:
        if row.cells:
            lines.append(_line((row.name, *row.cells), widths))
        else:
            lines.append(cut(f"{row.name}  cannot be used: {printable(row.fault)}", WIDTH))
    return lines


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    """Give every column what it needs, and take from the longest until the line fits."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    while sum(widths) + len(GAP) * (len(HEAD) - 1) > WIDTH:
        over = max(range(len(HEAD)), key=lambda column: widths[column] / MOST[column])
        widths[over] -= 1
    return widths


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (cut(cell, width).ljust(width) for cell, width in zip(cells, widths, strict=True))
    return GAP.join(padded).rstrip()


def _row(name: str) -> Row:
    try:
        lineage = door.lineage(name)
    except ConfigError as error:
        return Row(printable(name), fault=error.faults[0])
    faults = [fault for recipe in lineage for fault in recipe.faults]
    if faults:
        return Row(printable(name), fault=faults[0])
    expected = lineage[-1].expected
    about = (*_choices(lineage), expected.get("result", MISSING), expected.get("time", MISSING))
    return Row(printable(name), tuple(printable(" ".join(cell.split())) for cell in about))


def _choices(lineage: list[Recipe]) -> tuple[str, str, str]:
    """Return method, model and hardware: what the recipes choose, else the defaults."""
    _, chosen = options_tree()
    for recipe in lineage:
        chosen = chosen | recipe.choices
    method = chosen["peft"]
    if chosen["quantization"] != "none":
        method += f"+{chosen['quantization']}"
    model = chosen["model"]
    for recipe in lineage:
        named = [one.value for one in recipe.settings if one.path == ("model", "path")]
        model = str(named[-1]).rpartition("/")[2] if named else model
    return method, model, chosen["hardware"]
