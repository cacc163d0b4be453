"""The last lines of a worker: of a run all it came to, of later work what that made or measured."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ftrecipe import gated
from ftrecipe.components.export.others import verdict
from ftrecipe.gated import GATE
from ftrecipe.page.words import took
from ftrecipe.rundir import read_json
from ftrecipe.stages.page.exported import Exports, heads, reasons, table
from ftrecipe.stages.page.usage import asking
from ftrecipe.stages.session import Session
from ftrecipe.stages.summary import aligned, measured, shown, summary


def closing(session: Session, later: str | None, seconds: Mapping[str, float]) -> list[str]:
    """Return what a person sees last.

    later: what was done with a finished run, None where this was the run. seconds: by stage.
    """
    if session.only_checks:
        return []
    told = summary(session) if later is None else LATER.get(later, _written)(session)
    return [*told, f"took      {took(seconds)}"]


def _exported(session: Session) -> list[str]:
    """What was made, how near it is to the trained model, and how it is used."""
    found: Exports = {
        name: read_json(file)
        for name in session.exports
        if (file := session.dir.export / name / GATE).is_file()
    }
    rows = aligned(("", *heads(found)[1:]), list(table(found))) if found else []
    why = [f"{'':<9} {reason}" for reason in reasons(found)]
    made = [session.dir.export / name for name in session.exports]
    there = [path for path in made if path.is_dir()]
    told = [f"export    {shown(path)}" for path in there]
    return ["", *rows, *why, "", *told, *_uses(session, there), *_written(session)]


def _uses(session: Session, made: list[Path]) -> list[str]:
    """Return a command to use each export by that is fit for it."""
    fit, found = [folder for folder in made if verdict(folder) != "failed"], []
    for folder in fit:
        told = asking(session.run, session.dir, folder, shown(folder))
        usages = session.run.export[folder.name].usage(told)
        shell = [use.code.splitlines()[0] for use in usages if use.language == "sh"]
        found += [f"use       {shell[0]}"] if shell else []
    if not found and fit:
        found = [f"use       python -m ftrecipe chat {shown(session.dir.path)} --compare base"]
    return found


def _measured(session: Session) -> list[str]:
    """What was measured, what the gate says of it, and of exports that were made before."""
    gate = gated.gate_of(session.dir)
    lines = gated.lines(gate) if gate else []
    lines += [f"gate      {each}" for each in gated.made_before(session.dir, gate)]
    rows = measured(session.run.eval, session.dir)
    return ["", *rows, "", *lines, *_written(session)]


def _written(session: Session) -> list[str]:
    """Where the story of it all is."""
    return [f"report    {shown(session.dir.report_html)}"]


LATER: dict[str, Callable[[Session], list[str]]] = {"export": _exported, "evaluate": _measured}
