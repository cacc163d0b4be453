"""Reads what was expected: SQuAD's files, records, plain lines, or any dataset format."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from ftrecipe.components.dataset import Dataset
from ftrecipe.components.dataset.auto import Auto
from ftrecipe.components.eval import Example
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.columns import as_text, column_of
from ftrecipe.data.example import Chat, Completion, RowFault
from ftrecipe.data.prepared import EvalExample
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading, refuse_faults
from ftrecipe.data.records.literals import container, looks_contained
from ftrecipe.errors import DataError
from ftrecipe.scoring.contents import Contents, Item, refuse

GOLDS = (
    "answers", "references", "reference", "golds", "gold", "gold_answers", "gold_answer", "targets",
    "target", "expected", "expected_output", "ground_truth", "ideal", "answer", "output",
)  # fmt: skip
QUESTIONS = ("question", "query", "prompt", "instruction", "input")
TURNS = ("messages", "conversations", "conversation")


@dataclass(frozen=True)
class Asked:
    """One question with its accepted answers, and its id where it has one."""

    id: str | None
    example: Example

    @property
    def name(self) -> str:
        """What people are told: its id, or its place."""
        return self.example.where if self.id is None else self.id


@dataclass(frozen=True)
class References:
    """All questions of a file."""

    name: str
    asked: list[Asked]


def references(held: Contents) -> References:
    """Return the questions in a file. Raises DataError with the lines that are none."""
    column = column_of(held.first, GOLDS) if not column_of(held.first, TURNS) else None
    if held.rows and column is None:
        return with_ids(of_dataset(Auto(path=held.name)), held)
    asked: list[Asked] = []
    faults: list[str] = []
    for item in held.items:
        try:
            asked.append(_asked(item, column))
        except RowFault as fault:
            faults.append(f"{item.where}: {fault}")
    refuse(faults)
    return References(held.name, asked)


def of_dataset(dataset: Dataset) -> References:
    """Return the questions that a dataset format reads. Raises DataError with bad rows."""
    assert dataset.path is not None
    readings, streams = [], []
    for source, _ in dataset.parts([]):
        readings.append(Reading(source.path or ""))
        streams.append(read_examples(source, readings[-1], Cleaning.of([], Quarantine(None))))
    examples = list(chain.from_iterable(streams))
    refuse_faults(readings, dataset.max_malformed)
    asked = [
        Asked(None, _of_example(one)) for one in examples if isinstance(one, (Chat, Completion))
    ]
    if not asked:
        raise DataError(f"{dataset.path}: no questions with answers (read as {dataset.name()})")
    return References(dataset.path, asked)


def with_ids(found: References, held: Contents) -> References:
    """Return the questions with the ids of their rows, where each row is one question."""
    ids = {item.where: item.id for item in held.items}
    places = Counter(asked.example.where for asked in found.asked)
    if len(places) < len(found.asked) or None in ids.values():
        return found
    asked = [Asked(ids[one.example.where], one.example) for one in found.asked]
    return References(found.name, asked)


def _of_example(example: Chat | Completion) -> Example:
    """Return a question as the data floor prepares it, without its tokens."""
    messages = example.messages if isinstance(example, Chat) else []
    prepared = EvalExample(
        prompt_ids=[],
        question=example.question,
        prompt_text=example.prompt,
        answers=example.answers,
        where=str(example.where),
        messages=messages[:-1],
        tools=example.tools if isinstance(example, Chat) else None,
        reply=messages[-1] if messages else None,
        source=example.source,
    )
    return cast(Example, prepared)


def _asked(item: Item, column: str | None) -> Asked:
    """Return the question of a record, or of a value that is its answers. Raises RowFault."""
    record = item.value if column is not None else {}
    if column is not None and column not in record:
        raise RowFault(f"no column {column!r}")
    golds = record[column] if column is not None else item.value
    if isinstance(golds, dict) and column is None and (inner := column_of(golds, GOLDS)):
        golds = golds[inner]  # {id: {"answers": [...]}}
    asking = column_of(record, QUESTIONS)
    question = as_text(record[asking], asking) if asking else ""
    said = [{"role": "user", "content": question}] if question else []
    example = EvalExample(
        prompt_ids=[],
        question=question or item.id or "",
        prompt_text=question,
        answers=_texts(golds, column or "answer"),
        where=item.where,
        messages=said,
    )
    return Asked(item.id, cast(Example, example))


def _texts(value: Any, column: str) -> list[str]:
    """Return one text, several, SQuAD's `[{"text": …}]` or the hub's `{"text": […]}`."""
    if value is None:
        return []
    if isinstance(value, str) and column.lower().endswith("s"):
        value = _written(value)
    if isinstance(value, Mapping) and "text" in value:
        value = value["text"]
    cells = value if isinstance(value, list) else [value]
    texts = [cell["text"] if isinstance(cell, Mapping) and "text" in cell else cell
             for cell in cells]  # fmt: skip
    return [as_text(text, column) for text in texts]


def _written(cell: str) -> Any:
    """Return the list that a table's cell of `answers` holds as text; the text if it is none."""
    try:
        found = container(cell).value if looks_contained(cell) else cell
    except RowFault:
        return cell
    return found if isinstance(found, list) or "text" in found else cell
