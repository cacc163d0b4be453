"""Counts the rows that would be trained on, for a plan; loads no tokenizer."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ftrecipe.data.cleaning import Step
from ftrecipe.data.corpus import gather
from ftrecipe.data.example import Chat, Completion, Preference
from ftrecipe.data.files import stored
from ftrecipe.data.files.locate import locate
from ftrecipe.data.prepared import EvalExample
from ftrecipe.data.questions import question
from ftrecipe.data.read import Source
from ftrecipe.data.reading import refuse_faults

_LARGEST = 64 * 2**20  # bytes of data that a plan may take the time to read


@dataclass(frozen=True)
class Counted:
    """Rows of each split that has any, and the UTF-8 bytes of text in the longest row of all.

    asked: the questions of the splits that were to be kept, without their tokens.
    """

    splits: Counter[str]
    longest: int
    asked: dict[str, list[EvalExample]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the rows that are trained on."""
        return self.splits["train"]


def count_rows(
    source: Source, steps: Sequence[Step] = (), seed: int = 0, keep: Collection[str] = ()
) -> Counted | None:
    """Return how much there is; None for hub data, files over 64 MB and slow cleaning.

    The questions of the splits to `keep` are in it. Rows that preparing will cut into pieces or
    leave out as too long count as one each. Raises DataError as preparing would.
    """
    parts = source.parts(steps)
    named = [*(part.path for part, _ in parts), source.validation_path, source.test_path]
    found = [locate(path) for path in named if path]
    if not all(step.quick for _, own in parts for step in own):
        return None
    paths = [path for path in found if isinstance(path, Path)]
    if len(paths) < len(found) or not paths or sum(map(size_of, paths)) > _LARGEST:
        return None
    corpus = gather(source, steps, seed)
    corpus.refuse()
    splits, longest = Counter[str](), 0
    asked: dict[str, list[EvalExample]] = {split: [] for split in keep}
    for split, example in corpus.rows:
        splits[split] += 1
        longest = max(longest, sum(len(text.encode()) for text in example.texts()))
        if split in asked and isinstance(example, Chat | Completion | Preference):
            asked[split].append(question(example))
    refuse_faults(corpus.readings, source.max_malformed)
    return Counted(splits, longest, asked)


def size_of(path: Path) -> int:
    """Return the bytes behind a path, whatever is in them."""
    return sum(file.stat().st_size for file, _ in stored(path))
