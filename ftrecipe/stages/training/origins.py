"""Leads rows of a training back to the files and lines that they came from."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.example import Where
from ftrecipe.data.prepared import Prepared
from ftrecipe.stages.training.batches import IGNORED
from ftrecipe.stages.training.blank import WithBlank
from ftrecipe.stages.training.packing import PackedDataset

SHOWN = 24  # rows that one message names


def origins(prepared: Prepared, rows: Any, indices: Sequence[int]) -> list[Where]:
    """Return where rows of the training split came from; of packed ones, all their documents."""
    rows = rows.rows if isinstance(rows, WithBlank) else rows
    if isinstance(rows, PackedDataset):
        indices = [document for index in indices for document in rows.rows[index]]
    return prepared.origins("train", indices)


def trained_tokens(rows: Any, indices: Iterable[int]) -> int:
    """Return how many tokens of these rows are trained on; none is, at a row's beginning."""
    labels = [label for index in indices for label in rows[index]["labels"][1:]]
    return len(labels) - labels.count(IGNORED)


def named(places: Sequence[Where]) -> str:
    """Name rows for people: `8 rows: faq.jsonl line 3, 17, 40, …`; the first of many only."""
    places = sorted(set(places))
    shown = groupby(places[:SHOWN], key=lambda place: (place.file, place.unit))
    listed = [
        f"{file} {unit} {', '.join(_number(place) for place in of_file)}"
        for (file, unit), of_file in shown
    ]
    more = f", and {len(places) - SHOWN:,} more (in log.txt)" if len(places) > SHOWN else ""
    return f"{many(len(places), 'row')}: {'; '.join(listed)}{more}" if places else "no row"


def _number(place: Where) -> str:
    return f"{place.number} ({place.part})" if place.part else str(place.number)
