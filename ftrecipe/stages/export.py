"""Makes what others will use of the trained model, one folder a target, each held by the gate."""

import shutil
from pathlib import Path

from ftrecipe import gated
from ftrecipe.components.export import Export
from ftrecipe.stages.card import write_card
from ftrecipe.stages.exporting.fidelity import Fidelity
from ftrecipe.stages.exporting.tuned import TunedModel
from ftrecipe.stages.session import Session
from ftrecipe.stages.summary import shown
from ftrecipe.stages.writing import put


def export(session: Session) -> None:
    """Write every target; a folder appears whole or not at all.

    After a gate that failed nothing is written, unless a person asks for it in so many words.
    """
    if gated.stops(session.dir):
        session.screen.say(
            "export    the gate failed: nothing is exported; all the same: "
            f"python -m ftrecipe export {shown(session.dir.path)}"
        )
        return
    session.models.must_be_trained()
    tuned, fidelity = TunedModel(session), Fidelity(session)
    for name, target in session.run.export.items():
        session.screen.say(f"export    {name}")
        final = session.dir.export / name
        fresh = final.with_name(f".{name}")
        shutil.rmtree(fresh, ignore_errors=True)  # of a process that was killed
        fresh.mkdir(parents=True)
        try:
            _make(session, name, target, tuned, fidelity, fresh)
            put(fresh, final)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # of one that could not be written, no part


def _make(
    session: Session,
    name: str,
    target: Export,
    tuned: TunedModel,
    fidelity: Fidelity,
    folder: Path,
) -> None:
    """Write one target, hold it against the trained model, and hand on what passed."""
    target.write(tuned, folder)
    found = fidelity.judged(name, target.artefacts(folder), folder)
    if found.passes:
        fidelity.judged(name, target.deliver(tuned, folder), folder)
    write_card(session, target, folder)
