"""Suite `forgetting`: what the training cost on general text that it never saw."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, Eval, Measurable, SuiteResult
from ftrecipe.components.eval.loss import perplexity, rows
from ftrecipe.data.files.locate import locate
from ftrecipe.errors import DataError
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


@GROUP.option("forgetting")
@dataclass
class Forgetting(Eval):
    """Loss and perplexity on plain text: JSON Lines with a `text` a row, shipped or your own."""

    headline: ClassVar[str] = "perplexity"
    of: ClassVar[str] = "general text"
    directions: ClassVar[dict[str, str]] = {"loss": "min", "perplexity": "min"}

    path: str = "builtin:general.jsonl"
    max_length: int = bounded(512, 2)

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure every token of the texts, each cut at `max_length`."""
        texts = read_texts(self.path)[: self.max_samples]
        return self.result(rows(model.text_losses(texts, self.max_length, self.batch_size)))

    def tally(self, row: Row) -> dict[str, float]:
        return row

    def scores(self, sums: Sums) -> "dict[str, Array]":
        loss = sums["nll"] / sums["tokens"]
        return {"loss": loss, "perplexity": perplexity(loss), "tokens": sums["tokens"]}

    def files(self) -> dict[str, Path]:
        return {"path": _file(self.path)}


def read_texts(path: str) -> list[str]:
    """Read the `text` of every row. Raises DataError with the file and line."""
    lines = _file(path).read_text(encoding="utf-8").split("\n")
    texts = [_text(line, f"{path}, line {at}") for at, line in enumerate(lines, 1) if line.strip()]
    if not texts:
        raise DataError(f"eval.forgetting.path={path}: the file has no rows")
    return texts


def _file(path: str) -> Path:
    """Return the file that a portable name means (`builtin:` or a path). Raises DataError."""
    found = locate(path)
    if not isinstance(found, Path) or not found.is_file():
        raise DataError(f"eval.forgetting.path={path}: has to be a file of JSON Lines")
    return found


def _text(line: str, where: str) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise DataError(f'{where}: expected {{"text": "..."}}')
    return row["text"]
