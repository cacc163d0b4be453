"""What one target asks of the folders of others: whether they are to be used, and their files."""

import os
import shutil
from pathlib import Path

from ftrecipe.components.export.made import Tuned
from ftrecipe.gated import GATE, REJECTED, kept
from ftrecipe.paths import typed

OWN = ("README.md", GATE, REJECTED)  # of the target that is linked, and of nothing else


def verdict(made: Path) -> str:
    """Return what its gate said of the files in a target's folder, "unknown" where none has."""
    return kept(made) or "failed"


def is_usable(made: Path, tuned: Tuned) -> bool:
    """Tell whether a target's folder passed its gate, and is of the last training."""
    if verdict(made) not in ("same", "degraded"):
        return False
    return not is_older(made, tuned)


def is_older(made: Path, tuned: Tuned) -> bool:
    """Tell whether a target was judged before the adapter was trained that there is now."""
    if tuned.adapter is None or not (made / GATE).is_file():
        return False
    trained = max(file.stat().st_mtime for file in tuned.adapter.iterdir())
    return trained > (made / GATE).stat().st_mtime


def place(base: str) -> str:
    """Return a base as another folder calls it too: a hub id, or a whole path."""
    return str(typed(base).absolute()) if typed(base).is_dir() else base


def link(made: Path, folder: Path) -> None:
    """Give the files of a target a second name each in `folder`; copies where that cannot be."""
    for file in sorted(made.rglob("*")):
        relative = file.relative_to(made)
        if file.is_dir():
            (folder / relative).mkdir(exist_ok=True)
        elif relative.parts[0] not in OWN:
            try:
                os.link(file, folder / relative)
            except OSError:  # a file system without hard links, or another one
                shutil.copy2(file, folder / relative)
