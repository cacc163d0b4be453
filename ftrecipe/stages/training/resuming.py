"""Decides what a training goes on from, and whether it may: its basis must be what it was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftrecipe import manifest
from ftrecipe.basis import Basis, refused
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.checkpoints import latest_valid
from ftrecipe.stages.training.peers import Peers
from ftrecipe.stages.training.universal import convert, load_universal


@dataclass(frozen=True)
class Start:
    """What all processes go on from, None for the beginning, and what the training rests on."""

    checkpoint: Path | None
    basis: Basis
    reschedules: bool = False  # whether it was saved by a training of another number of steps


def find_start(session: Session, peers: Peers, args: Any, steps: int) -> Start:
    """Return where training starts; of a checkpoint, in a form for as many processes as there are.

    It is from before the last of `steps`: from a later one, the trainer would take one too many.
    Raises ConfigError, before weights are loaded, where config, data or base are not those of it.
    """
    basis = peers.of_first(lambda: Basis.of(session.run, session.dir, steps))
    folder, screen = session.dir.checkpoints, session.screen
    checkpoint = peers.of_first(lambda: latest_valid(folder, screen, below=steps))
    if checkpoint is None:
        return Start(None, basis)
    reschedules = peers.of_first(lambda: _compare(session, checkpoint, basis))
    if manifest.needs_conversion(checkpoint, session.run.strategy, session.rank.world):
        screen.say(f"train     converting {checkpoint.name} for {session.rank.world} parts")
        peers.of_first(lambda: convert(checkpoint))
        load_universal(args)
    return Start(checkpoint, basis, reschedules)


def _compare(session: Session, checkpoint: Path, now: Basis) -> bool:
    """Raise ConfigError for what must not have changed; tell what has, and may.

    Return whether the steps of the whole training are others.
    """
    before = Basis.recorded(manifest.read(checkpoint)["basis"])
    if changes := before.changes(now, checkpoint.name):
        raise refused(changes, checkpoint.parent)
    if others := before.other_packages(now):
        session.screen.warn(
            f"other packages than {checkpoint.name} was trained with, so that losses may differ: "
            + "; ".join(others)
        )
    if before.steps != now.steps:
        session.screen.say(
            f"train     {now.steps} steps instead of {before.steps}: from here on, the learning "
            f"rate is that of a schedule of {now.steps} steps"
        )
    return before.steps != now.steps
