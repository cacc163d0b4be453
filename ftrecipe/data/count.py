"""Counts the rows that would be trained on, for a plan; loads no tokenizer."""

from pathlib import Path

from ftrecipe.data.corpus import gather
from ftrecipe.data.files import data_files
from ftrecipe.data.locate import locate
from ftrecipe.data.read import Source

_LARGEST = 64 * 2**20  # bytes of data that a plan may take the time to read


def count_rows(source: Source, seed: int = 0) -> int | None:
    """Return the rows of the train split; None for hub data and files over 64 MB.

    Rows that preparing will cut into pieces or leave out as too long count as one each.
    Raises DataError as preparing would.
    """
    found = [locate(path) for path in (source.path, source.validation_path, source.test_path)
             if path]  # fmt: skip
    paths = [path for path in found if isinstance(path, Path)]
    if len(paths) < len(found) or not paths or sum(map(_size, paths)) > _LARGEST:
        return None
    return sum(split == "train" for split, _ in gather(source, seed).rows)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else data_files(path)
    return sum(file.stat().st_size for file in files)
