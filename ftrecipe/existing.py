"""An existing run directory, opened again: its config with what a person changes about it."""

from pathlib import Path

from ftrecipe import launch, plan, words
from ftrecipe.compose import compose_asked
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.plan import Plan
from ftrecipe.recipes import Setting
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.words import Asked


def open_run(verb: str, line: list[str]) -> tuple[RunDir, list[str]]:
    """Return the run directory that the first word names, and the words after it."""
    if not line or "=" in line[0]:
        raise ConfigError(f"{verb} needs a run: python -m ftrecipe {verb} RUN_DIR [key=value …]")
    folder = Path(line[0]).expanduser()
    if not RunDir(folder).run.is_file():
        siblings = [p.name for p in folder.parent.glob("*")] if folder.parent.is_dir() else []
        hint = did_you_mean(folder.name, siblings)
        raise ConfigError(f"{folder} is not a run directory (it has no run.json){hint}")
    return RunDir(folder), line[1:]


def recompose(rundir: RunDir, changes: list[str]) -> Plan:
    """Return the run's plan with `changes` applied, and write them to its files."""
    boundary = read_json(rundir.run)
    changed = words.read(changes)
    kept = {g: option for g, option in boundary["choices"].items() if g not in changed.choices}
    settings = [
        setting
        for setting in flatten(boundary["differences"])
        if setting.path[0] not in changed.choices
    ]
    asked = Asked(None, kept | changed.choices, settings + changed.settings)
    made = plan.make(compose_asked(asked))
    made.name, made.recipe = boundary["name"], boundary["recipe"]
    made.config["runs_dir"] = boundary["runs_dir"]
    if changes:
        launch.write(made, rundir)
    return made


def flatten(node: dict, path: tuple[str, ...] = ()) -> list[Setting]:
    """Return nested values as settings."""
    found: list[Setting] = []
    for key, value in node.items():
        if isinstance(value, dict) and value:
            found += flatten(value, (*path, key))
        else:
            found.append(Setting((*path, key), value, "run.json"))
    return found
