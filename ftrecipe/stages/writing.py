"""Files that could not be written: known however a library puts it, and told with the reason."""

import errno
import os
import shutil
from pathlib import Path

from safetensors import SafetensorError

from ftrecipe.amounts import size

LITTLE = 64 << 20  # bytes left on a disk that is called full where nobody says why writing failed
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TORCH = ("inline_container", "PytorchStreamWriter", "file write failed")  # it keeps no reason


def is_unwritten(error: Exception) -> bool:
    """Tell an error of writing files from others.

    OSError, the I/O errors of safetensors and of torch's zip writer, and those that tokenizers
    raises as a plain Exception.
    """
    text = str(error)
    return (
        isinstance(error, OSError)
        or (isinstance(error, SafetensorError) and "I/O error" in text)
        or (isinstance(error, RuntimeError) and any(word in text for word in _TORCH))
        or (type(error) is Exception and "(os error " in text)
    )


def why(error: Exception, folder: Path) -> str:
    """Return in one line why something could not be written to `folder`."""
    text = str(error)
    free = _free(folder)
    full = "No space left" in text or (isinstance(error, OSError) and error.errno in _FULL)
    if full or (isinstance(error, RuntimeError) and free < LITTLE):
        return f"no space left on device ({size(free)} free in {folder})"
    return text.splitlines()[0] if text else type(error).__name__


def _free(folder: Path) -> int:
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    return shutil.disk_usage(there).free


def put(fresh: Path, final: Path) -> None:
    """Give a folder that is whole its name, which no other has from then on.

    It is on the disk before it has the name: a power cut leaves the old one or this one.
    """
    sync(fresh)
    remove(final)
    fresh.replace(final)
    _sync(final.parent)


def remove(folder: Path) -> None:
    """Remove a folder, if it is there; nobody ever sees a part of it."""
    if folder.is_dir():
        hidden = folder.with_name(f".spent-{folder.name}")
        shutil.rmtree(hidden, ignore_errors=True)
        folder.replace(hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def sync(folder: Path) -> None:
    """Have the disk keep all files in a folder, and their names. Raises OSError if it cannot."""
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)
    for below in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        _sync(below)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
