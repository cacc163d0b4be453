"""Prepared data on disk: found by a fingerprint of all that went into it, read back by stages."""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe.data.cleaning import Step
from ftrecipe.data.example import Where
from ftrecipe.data.files import digests
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.read import Source
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.rundir import read_json

if TYPE_CHECKING:
    from datasets import Dataset as Rows
    from transformers import PreTrainedTokenizerBase

PREPARE_VERSION = 7  # raise it when the same input would be prepared otherwise


@dataclass(frozen=True)
class Job:
    """All that decides what the prepared data is."""

    source: Source
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int | None  # None: as many tokens as the tokenizer says the model takes
    train_on: TrainOn
    seed: int
    steps: Sequence[Step] = ()
    accepts: Sequence[str] = ("chat", "completion", "text")  # what the trainer takes
    overlong_is_a_finding: bool = False  # of a tokenizer that nobody chose
    tokenizer_name: str = ""
    template_name: str = ""
    trains: bool = True  # else all of it is only measured on

    @property
    def limit(self) -> int | None:
        """The longest row in tokens; None where nobody set a limit."""
        if self.max_length is not None:
            return self.max_length
        own = self.tokenizer.model_max_length
        return int(own) if own < 10**9 else None  # transformers writes 1e30 for "unknown"


@dataclass(frozen=True)
class EvalExample:
    """One held-out question; `answers` are all accepted ones. Plain text has none of these.

    messages, reply: the conversation and the expected answer to it; none of a raw completion,
    which has a `completion`: what follows the prompt, to the letter.
    open: nobody has said what the answer is; it is only asked.
    chosen, rejected: of a preference pair, the messages that follow the conversation.
    """

    prompt_ids: list[int]
    question: str
    prompt_text: str
    answers: list[str]
    where: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    tools: list[Any] | None = None
    reply: dict[str, Any] | None = None
    source: str = ""
    completion: str = ""
    open: bool = False
    chosen: list[dict[str, Any]] | None = None
    rejected: list[dict[str, Any]] | None = None


def fingerprint(job: Job) -> str:
    """Return the hash of config, data files, tokenizer and settings."""
    assert is_dataclass(job.source)
    assert not isinstance(job.source, type)
    backend: Any = job.tokenizer.backend_tokenizer  # pyright: ignore[reportAttributeAccessIssue]
    parts = {
        "version": PREPARE_VERSION,
        "format": job.source.name(),
        "dataset": asdict(job.source),
        "files": list(_file_hashes(job)),
        "cleaning": [[step.name(), _settings(step)] for step in job.steps],
        "tokenizer": sha256(backend.to_str().encode()).hexdigest(),
        "special": str(sorted(job.tokenizer.special_tokens_map.items())),
        "template": job.tokenizer.chat_template,
        "max_length": job.limit,
        "train_on": job.train_on.value,
        "finding": job.overlong_is_a_finding,
        "accepts": list(job.accepts),
        "trains": job.trains,
        "seed": job.seed,
    }
    return sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"no JSON for {type(value).__name__}")


def _settings(option: object) -> dict[str, Any]:
    assert is_dataclass(option)
    assert not isinstance(option, type)
    return asdict(option)


def _file_hashes(job: Job) -> Iterator[str]:
    named = [(part.path, part.endings()) for part, _ in job.source.parts(job.steps)]
    named += [(path, job.source.endings())
              for path in (job.source.validation_path, job.source.test_path)]  # fmt: skip
    for name, endings in named:
        found = locate(name) if name else None
        if isinstance(found, HubId) or found is None:
            yield f"{name}"
        else:
            yield from digests(found, endings)


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

    @property
    def quarantine(self) -> Path:
        """What was left out of it, a JSON line a row; not there when there was nothing."""
        return self.path / "quarantine.jsonl"

    def lengths(self, split: str) -> "array[int]":
        """Return the tokens of each row of a split, without reading the tokens."""
        import pyarrow
        import pyarrow.compute

        with pyarrow.memory_map(str(self.path / split / "rows.arrow")) as file:
            column = pyarrow.ipc.open_stream(file).read_all()["input_ids"]
            counted = pyarrow.compute.call_function("list_value_length", [column])
            return array("i", counted.to_numpy().astype("i4").tobytes())

    def origins(self, split: str, rows: Sequence[int]) -> list[Where]:
        """Return the file and line that each of these rows of a split came from."""
        import pyarrow
        from pyarrow import parquet

        table = parquet.read_table(self.path / split / "origins.parquet")
        wanted = pyarrow.array(rows, pyarrow.int64())
        places = table.select(Where._fields).take(wanted).to_pylist()
        return [Where(**place) for place in places]

    def places(self, split: str, limit: int | None = None) -> list[tuple[str, str]]:
        """Return where each of the first rows of a split came from, and its source in a mix."""
        from pyarrow import parquet

        table = parquet.read_table(self.path / split / "origins.parquet")
        found = table.slice(0, limit).to_pylist()
        return [(str(Where(*(row[key] for key in Where._fields))), row["source"]) for row in found]

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
        return [] if split == "train" else self._examples(split)

    def sample(self) -> list[EvalExample]:
        """Return some questions of the training split, none of which is held out too."""
        return self._examples("train")

    def _examples(self, split: str) -> list[EvalExample]:
        path = self.path / f"examples_{split}.jsonl"
        if not path.is_file():
            return []
        with path.open(encoding="utf-8") as file:
            return [EvalExample(**json.loads(line)) for line in file]

    def _rows(self, split: str) -> "Rows | None":
        from datasets import Dataset

        rows = Dataset.from_file(str(self.path / split / "rows.arrow"))
        return rows if len(rows) else None
