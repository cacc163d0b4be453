"""Makes what others will use of the trained model, one folder a target, each held by the gate."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ftrecipe import gated
from ftrecipe.components.export import Artefact, Export
from ftrecipe.errors import listed
from ftrecipe.gated import REJECTED
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.card import write_card
from ftrecipe.stages.exporting.fidelity.gate import Fidelity, Judged
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
    targets = _asked(session)
    if not targets:
        return
    _clean(session.dir)
    tuned, fidelity = TunedModel(session), Fidelity(session)
    if not all(target.sends for _, target in targets):
        fidelity.begin()
    for name, target in targets:
        session.screen.say(f"export    {name}")
        if target.sends:
            _send(session, name, target, tuned)
            continue
        found = _make(session, name, target, tuned, fidelity)
        gated.keep(session.dir, name, found.verdict, found.reasons)


def _asked(session: Session) -> list[tuple[str, Export]]:
    """Return the targets that are to be made; those made of others' files come last."""
    targets = [(name, session.run.export[name]) for name in session.exports]
    return sorted(targets, key=lambda one: one[1].after_others)


def _clean(rundir: RunDir) -> None:
    """Remove what processes left that were killed while they wrote: this one owns the run."""
    for folder in rundir.export.glob(".*"):
        shutil.rmtree(folder, ignore_errors=True)


def _send(session: Session, name: str, target: Export, tuned: TunedModel) -> None:
    """Send what other targets made, each of which its own gate has judged; keep the receipt."""
    final = session.dir.export / name
    fresh = final.with_name(f".{name}")
    fresh.mkdir(parents=True)
    try:
        target.write(tuned, fresh)
        put(fresh, final)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _make(
    session: Session, name: str, target: Export, tuned: TunedModel, fidelity: Fidelity
) -> Judged:
    """Write one target, hold it against the trained model, and hand on what passed.

    It has its place before it is handed on: an upload that breaks off takes nothing away.
    """
    final = session.dir.export / name
    fresh = final.with_name(f".{name}")
    fresh.mkdir(parents=True)
    try:
        target.write(tuned, fresh)
        merge = tuned.merge_figures if target.needs_merge else None
        artefacts = target.artefacts(fresh)
        found = fidelity.judged(artefacts, merge)
        if aside := reject(fresh, artefacts, found):
            session.screen.warn(f"export    {name} failed: {aside}")
        found.write(fresh)
        if found.passes:
            write_card(session, target, fresh)  # it goes out with the files
        gone = left_out(final, fresh)
        put(fresh, final)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # of one that could not be written, no part
    gated.keep(session.dir, name, found.verdict, found.reasons)  # handing it on may break off
    if gone:
        session.screen.warn(f"export    {name} was made anew without {listed(sorted(gone))}")
    return _delivered(target, tuned, fidelity, final, found) if found.passes else found


def left_out(old: Path, new: Path) -> set[str]:
    """Return the files of an export's old folder that its new one is made without."""
    files = {name for name in _judged_in(old) if (old / name).is_file()}
    return files - _judged_in(new)


def _judged_in(folder: Path) -> set[str]:
    """Return the names of what an export's gate has judged: files, and models on a server."""
    file = folder / gated.GATE
    return {each["name"] for each in read_json(file)["artefacts"]} if file.is_file() else set()


def reject(folder: Path, artefacts: Sequence[Artefact], found: Judged) -> str:
    """Put what failed where nobody loads it by accident; return in words what is where.

    Of several files those that failed; all of a folder where nothing in it passed. "" if none did.
    """
    failed = found.told["rejected"]
    if not failed:
        return ""
    paths = [each.path for each in artefacts if each.name in failed]
    moved = paths if found.passes else list(folder.iterdir())
    rejected = folder / REJECTED
    rejected.mkdir()
    for path in moved:
        path.rename(rejected / path.name)
    if not found.passes:
        return f"its files are in {REJECTED}/"
    others = [each.name for each in artefacts if each.name not in failed]
    return f"{listed(failed)} in {REJECTED}/; {listed(others)} passed, and stay"


def _delivered(
    target: Export, tuned: TunedModel, fidelity: Fidelity, folder: Path, found: Judged
) -> Judged:
    """Hand a target on, hold also what is served against the trained model, or take it back."""
    served = target.deliver(tuned, folder)
    if not served:
        return found
    there = fidelity.judged(served)
    if not there.passes:
        target.withdraw(tuned, folder)
    whole = found + there
    whole.write(folder)
    return whole
