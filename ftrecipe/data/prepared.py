"""Prepared data on disk: found by a fingerprint of all that went into it, read back by stages."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe.data.files import data_files
from ftrecipe.data.locate import locate
from ftrecipe.data.read import Source
from ftrecipe.rundir import read_json

if TYPE_CHECKING:
    from datasets import Dataset as Rows
    from transformers import PreTrainedTokenizerBase

PREPARE_VERSION = 1  # raise it when the same input would be prepared otherwise


@dataclass(frozen=True)
class Job:
    """All that decides what the prepared data is."""

    source: Source
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int | None  # None: as many tokens as the tokenizer says the model takes
    answer_only: bool
    seed: int

    @property
    def limit(self) -> int | None:
        """The longest row in tokens; None where nobody set a limit."""
        if self.max_length is not None:
            return self.max_length
        own = self.tokenizer.model_max_length
        return int(own) if own < 10**9 else None  # transformers writes 1e30 for "unknown"


@dataclass(frozen=True)
class EvalExample:
    """One held-out question; `answers` are all accepted ones. Plain text has none of these."""

    prompt_ids: list[int]
    question: str
    prompt_text: str
    answers: list[str]
    where: str


def fingerprint(job: Job) -> str:
    """Return the hash of config, data files, tokenizer and settings."""
    assert is_dataclass(job.source)
    assert not isinstance(job.source, type)
    backend: Any = job.tokenizer.backend_tokenizer  # pyright: ignore[reportAttributeAccessIssue]
    parts = {
        "version": PREPARE_VERSION,
        "format": type(job.source).__name__,
        "dataset": asdict(job.source),
        "files": list(_file_hashes(job.source)),
        "tokenizer": sha256(backend.to_str().encode()).hexdigest(),
        "special": str(sorted(job.tokenizer.special_tokens_map.items())),
        "template": job.tokenizer.chat_template,
        "max_length": job.limit,
        "answer_only": job.answer_only,
        "seed": job.seed,
    }
    return sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"no JSON for {type(value).__name__}")


def _file_hashes(source: Source) -> Iterator[str]:
    for name in (source.path, source.validation_path, source.test_path):
        found = locate(name) if name else None
        if not isinstance(found, Path):
            yield f"{name}"
            continue
        for file in [found] if found.is_file() else data_files(found):
            with file.open("rb") as opened:
                yield f"{file.name} {_digest(opened)}"


def _digest(opened: Any) -> str:
    from hashlib import file_digest

    return file_digest(opened, "sha256").hexdigest()


@dataclass(frozen=True)
class Prepared:
    """A folder of prepared data: rows to train on and questions to evaluate with."""

    path: Path

    @classmethod
    def open(cls, folder: Path) -> "Prepared":
        """Open a finished folder. Raises FileNotFoundError for anything else."""
        if not cls.exists(folder):
            raise FileNotFoundError(f"no prepared data in {folder}")
        return cls(folder)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Say whether a folder of prepared data is there; a folder is whole or not there."""
        return (folder / "report.json").is_file()

    @property
    def fingerprint(self) -> str:
        """What names this data; the same for the same data, settings and tokenizer."""
        return self.path.name

    @property
    def report(self) -> dict[str, Any]:
        """What the audit found."""
        return read_json(self.path / "report.json")

    def train(self) -> "Rows | None":
        """Return the rows to train on (input_ids, labels), from disk as they are needed."""
        return self._rows("train")

    def validation(self) -> "Rows | None":
        """Return the rows for the loss during training, or None."""
        return self._rows("validation")

    def test(self) -> "Rows | None":
        """Return the rows kept for the end, or None."""
        return self._rows("test")

    def examples(self, split: str) -> list[EvalExample]:
        """Return the questions of the validation or test split; those of train are not kept."""
        path = self.path / f"examples_{split}.jsonl"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8") as file:
            return [EvalExample(**json.loads(line)) for line in file]

    def _rows(self, split: str) -> "Rows | None":
        from datasets import Dataset

        rows = Dataset.from_file(str(self.path / split / "rows.arrow"))
        return rows if len(rows) else None
