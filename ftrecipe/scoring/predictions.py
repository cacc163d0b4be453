"""Reads what was answered: SQuAD's predictions, records, plain lines, or a run's own results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftrecipe.components.eval import Completion
from ftrecipe.data.columns import as_text, column_of
from ftrecipe.data.example import RowFault
from ftrecipe.errors import DataError, did_you_mean, listed
from ftrecipe.results import MODELS
from ftrecipe.scoring.contents import Contents, Item, refuse

# The first of these that a file has: where there is a prediction, `answer` is what was expected.
COLUMNS = (
    "prediction", "predictions", "prediction_text", "predicted_answer", "predicted",
    "generated_text", "generation", "model_output", "hypothesis", "output", "response",
    "completion", "answer", "text",
)  # fmt: skip
NOBODY = Completion(text="", tokens=0, ended=None, missing=True)


@dataclass(frozen=True)
class Said:
    """One answer with its id and place; `text` is None where there is none."""

    where: str
    id: str | None
    text: str | None
    ended: bool | None = None

    @property
    def completion(self) -> Completion:
        """The answer as a suite judges it."""
        return NOBODY if self.text is None else Completion(self.text, 0, self.ended)


@dataclass(frozen=True)
class Predictions:
    """All answers of a file, and how they are told from what else is in it: "column output"."""

    name: str
    said: list[Said]
    how: str


def predictions(held: Contents, column: str | None, model: str | None) -> Predictions:
    """Return the answers in a file. Raises DataError with the lines that have none."""
    of_a_run = MODELS in held.first
    if model is not None and not of_a_run:
        raise DataError(f"{held.name} holds no results of a run, and so no model {model}")
    if column is not None and (of_a_run or not held.rows):
        raise DataError(f"{held.name} has no columns, and so none {column!r}")
    if of_a_run:
        return _of_a_run(held, model)
    if held.rows:
        column = _column(held, column)
        return Predictions(held.name, _read(held.items, column), f"column {column}")
    shape = "one a line" if held.items[0].id is None else "an object of answers"
    return Predictions(held.name, _read(held.items, None), shape)


def _column(held: Contents, asked: str | None) -> str:
    found = column_of(held.first, [asked] if asked else COLUMNS)
    if found is None:
        names = [str(name) for name in held.first]
        hint = did_you_mean(asked, names) if asked else "; name the one that has them: --column X"
        lack = f"no column {asked!r}" if asked else "no column with answers"
        raise DataError(f"{held.name}: {lack}{hint} (columns: {listed(names)})")
    return found


def _read(items: list[Item], column: str | None) -> list[Said]:
    """Return the answers that items are, or hold in a column. Raises DataError with all faults."""
    said: list[Said] = []
    faults: list[str] = []
    for item in items:
        try:
            said.append(Said(item.where, item.id, _text(item.value, column)))
        except RowFault as fault:
            faults.append(f"{item.where}: {fault}")
    refuse(faults)
    return said


def _text(value: Any, column: str | None) -> str | None:
    """Return an answer, None where nobody gave one. Raises RowFault for what is no text."""
    if column is not None and column not in value:
        raise RowFault(f"no column {column!r}")
    cell = value if column is None else value[column]
    return None if cell is None else as_text(cell, column or "answer")


def _of_a_run(held: Contents, model: str | None) -> Predictions:
    """Return one model's answers of eval/<suite>.jsonl."""
    names = list(held.first[MODELS])
    if model is None and len(names) > 1:
        raise DataError(f"{held.name} holds answers of {listed(names)}; add --model {names[-1]}")
    who = names[0] if model is None else model
    rows = [(item, item.value.get(MODELS, {}).get(who)) for item in held.items]
    if not any(row for _, row in rows):
        raise DataError(f"{held.name}: no model {who}{did_you_mean(who, names)} "
                        f"(models: {listed(names)})")  # fmt: skip
    refuse(f"{item.where}: no answer of {who}" for item, row in rows if not _is_answer(row))
    said = [Said(item.where, item.id, row["answer"], row.get("ended")) for item, row in rows]
    return Predictions(f"{held.name} ({who})", said, f"model {who}")


def _is_answer(row: object) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("answer"), str)
