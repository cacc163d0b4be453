"""What the training examples ask, kept so that questions of other files can be looked for in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ftrecipe.data.audit import WORDS, asked
from ftrecipe.data.example import Example, Text, Where
from ftrecipe.data.ngrams import Overlap
from ftrecipe.data.prepared import EvalExample, Prepared
from ftrecipe.data.split import prompt_key
from ftrecipe.rundir import read_json, write_json

_FILE = "asked.parquet"
_BATCH = 1000


class Leak(NamedTuple):
    """How many questions were trained on, and how many training examples share words with them."""

    same_prompt: int
    same_words: int
    words: int = WORDS


class AskedWriter:
    """Writes what each training example asks: a key of its prompt, and its texts."""

    def __init__(self, folder: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        texts = pyarrow.list_(pyarrow.string())
        self.schema = pyarrow.schema([("prompt", pyarrow.binary(8)), ("texts", texts)])
        self.file = parquet.ParquetWriter(str(folder / _FILE), self.schema, compression="zstd")
        self.rows: list[dict[str, Any]] = []

    def __enter__(self) -> "AskedWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        self.file.close()

    def add(self, example: Example) -> None:
        """Note one example; a plain text asks nothing, and is known by all of its words alone."""
        texts = [] if isinstance(example, Text) else asked(example)
        self.rows.append({"prompt": prompt_key(example.prompt), "texts": texts})
        if len(self.rows) >= _BATCH:
            self._write()

    def _write(self) -> None:
        import pyarrow

        self.file.write_table(pyarrow.Table.from_pylist(self.rows, schema=self.schema))
        self.rows.clear()


def leak(train: Prepared, held: Prepared) -> Leak:
    """Count what of the questions in `held` the training split of `train` has; looked up once."""
    known = held.path / f"leak_{train.fingerprint}.json"
    if not known.is_file():
        write_json(known, _counted(train, held)._asdict())
    return Leak(**{name: read_json(known)[name] for name in Leak._fields})


def _counted(train: Prepared, held: Prepared) -> Leak:
    prompts: set[bytes] = set()
    overlap = Overlap(WORDS, alike=True)
    for example in held.examples("test"):
        prompts.add(_key(example))
        overlap.learn(Where(example.where, "", 0), _texts(example))
    seen: set[bytes] = set()
    words = 0
    for key, texts in _trained(train):
        seen |= {key} & prompts
        words += overlap.find(texts) is not None
    return Leak(len(seen), words)


def _key(example: EvalExample) -> bytes:
    """Return the key that a training example of the same prompt has."""
    opening: list[str] = []
    for message in example.messages:
        if message["role"] == "assistant":
            break
        opening.append(f"{message['role']}: {message['content']}")
    return prompt_key("\n".join(opening) if opening else example.prompt_text)


def _texts(example: EvalExample) -> list[str]:
    found = [message["content"] for message in example.messages if message["role"] == "user"]
    return found or [example.prompt_text]


def _trained(train: Prepared) -> Iterator[tuple[bytes, list[str]]]:
    """Yield of each training example the key of its prompt and what it asks."""
    from pyarrow import parquet

    for batch in parquet.ParquetFile(train.path / _FILE).iter_batches():
        for row in batch.to_pylist():
            yield row["prompt"], row["texts"]
