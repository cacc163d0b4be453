"""How to use what a run made: commands and code that can be copied as they stand."""

import shlex
from dataclasses import replace
from pathlib import Path

from ftrecipe.components.export import Asking, Usage
from ftrecipe.components.export.others import verdict
from ftrecipe.config import RunConfig
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.summary import shown


def usages(run: RunConfig, rundir: RunDir, question: str, held_back: bool = False) -> list[Usage]:
    """Return what can be done with the files that are there; `question` is the example.

    held_back: the gate failed, so that nothing was exported.
    """
    found = [*_loading(run, rundir, question), *_commands(run, rundir)]
    if not held_back:
        return [*found, _promoting(rundir)]
    target = "" if run.export else f" export={'merged' if run.peft.mergeable else 'adapter'}"
    kept = f"python -m ftrecipe export {_folder(rundir)}{target}"
    anyway = Usage("Export it all the same, though the gate failed", kept)
    return [anyway, *(use for use in found if use.code != kept)]


def _promoting(rundir: RunDir) -> Usage:
    command = f"python -m ftrecipe runs promote {_folder(rundir)} NAME@production"
    return Usage("Give it a name to be used by", command)


def _folder(rundir: RunDir) -> str:
    return shlex.quote(shown(rundir.path))


def _loading(run: RunConfig, rundir: RunDir, question: str) -> list[Usage]:
    found = []
    for name, target in run.export.items():
        folder = rundir.export / name
        if folder.is_dir() and verdict(folder) != "failed":
            there = str(folder.absolute())
            found += target.usage(asking(run, rundir, folder, there, question))
    return found


def asking(run: RunConfig, rundir: RunDir, files: Path, folder: str, question: str = "") -> Asking:
    """Return what the usage of an export is told, that lies in `files` and is called `folder`."""
    told = Asking(files, folder, read_json(rundir.run)["name"])
    chats = run.dataset.produces() == "chat"
    told = replace(told, chats=chats, system=run.dataset.system or "")
    return replace(told, question=question) if question else told


def _commands(run: RunConfig, rundir: RunDir) -> list[Usage]:
    folder = _folder(rundir)
    recipe = shlex.quote(f"+recipe={shown(rundir.recipe)}")
    found = [
        Usage("Talk to it", f"python -m ftrecipe chat {folder} --compare base"),
        Usage("Serve it, by OpenAI's API", f"python -m ftrecipe serve {folder}"),
        Usage("Measure it again", f"python -m ftrecipe evaluate {folder}"),
        Usage("Hold it against other runs", f"python -m ftrecipe runs compare {folder} OTHER_RUN"),
        Usage("Run the same recipe again, with a change", f"python -m ftrecipe {recipe} seed=7"),
    ]
    if run.peft.mergeable and "merged" not in run.export:
        merge = f"python -m ftrecipe export {folder} export=merged"
        found.insert(2, Usage("Make one plain model that needs no PEFT", merge))
    return found
