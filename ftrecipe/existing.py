"""An existing run directory, opened again: its config with what a person changes about it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_origin

from ftrecipe import manifest, plan
from ftrecipe.basis import MAY_CHANGE as GOING_ON
from ftrecipe.basis import MEASURING, Basis, is_below, refused
from ftrecipe.compose import compose_layers
from ftrecipe.config import GROUPS, RunConfig, from_plain, options
from ftrecipe.data.prepared import Prepared
from ftrecipe.door import words
from ftrecipe.door.vet import Layer, Setting
from ftrecipe.errors import ConfigError, listed
from ftrecipe.fit import fit, refuse
from ftrecipe.found import find_run, looked_in
from ftrecipe.needs import Longest, longest_row
from ftrecipe.paths import typed
from ftrecipe.plan import Plan
from ftrecipe.rundir import RunDir, read_json


def open_run(verb: str, line: list[str]) -> tuple[RunDir, list[str]]:
    """Return the run that the first word names, by its folder or else, and the words after it.

    Names are looked for in `runs_dir=…` if the line says so.
    """
    if not line or ("=" in line[0] and not typed(line[0]).is_dir()):
        raise ConfigError(f"{verb} needs a run: python -m ftrecipe {verb} RUN [key=value …]")
    is_folder = RunDir(typed(line[0])).run.is_file()
    place, rest = (None, line[1:]) if is_folder else looked_in(line[1:])
    rundir = RunDir(find_run(line[0], place).path.absolute())
    boundary = read_json(rundir.run)
    if "working_dir" not in boundary:
        raise ConfigError(
            f"{rundir.run}: is of another version of ftrecipe; start a new run: "
            f"python -m ftrecipe +recipe={rundir.recipe}"
        )
    rest = _consented(verb, rundir, rest)
    working_dir = Path(boundary["working_dir"])
    if working_dir.is_dir():
        os.chdir(working_dir)  # what the run named relative to its folder is found again
    return rundir, rest


def _consented(verb: str, rundir: RunDir, changes: list[str]) -> list[str]:
    """Return the changes without the consent that they repeat.

    Raises ConfigError where a run that runs code of others is opened without it: whoever wrote the
    folder may be another than who opens it.
    """
    given = [word for word in changes if word.lstrip("+") == CONSENT]
    if not read_json(rundir.run)["config"]["consent"]["remote_code"]:
        return changes
    if not given:
        raise ConfigError(
            f"{rundir.path}: this run runs code of others, its model's author or a program that it "
            f"names; if you trust it, say so again: python -m ftrecipe {verb} {rundir.path} "
            f"{CONSENT}"
        )
    return [word for word in changes if word not in given]


__all__ = [
    "EXPORTING", "GOING_ON", "MEASURING", "check_checkpoint", "confirm", "consents", "is_prepared",
    "open_run", "recompose",
]  # fmt: skip

CONSENT = "consent.remote_code=true"
SENDING = "consent.push_to_hub"  # may be given to a run that is there
EXPORTING = ("export", "fidelity", "hardware")
SHARE = "trainer.per_device_train_batch_size"


def recompose(rundir: RunDir, changes: list[str], allowed: Sequence[str]) -> Plan:
    """Return the run's plan with `changes` applied; nothing is written.

    Only the keys `allowed`, and those below them, can change: a run stays what it was. Suites are
    added to those that the run has, and so are exports of a run that is not to train: then those
    that are named are made, and those that were made before stay.
    """
    boundary = read_json(rundir.run)
    changed = words.read(changes)
    if "export" in allowed:
        allowed = (*allowed, SENDING, CONSENT.partition("=")[0])
    asked = None if "strategy" in allowed else _add_exports(changed, boundary)
    keys = [*changed.choices, *(setting.key for setting in changed.settings)]
    changed.faults += [
        f"{key}: a run keeps what it was trained with; here only {listed(allowed)} can change "
        "(for anything else start a new run)"
        for key in keys
        if not is_below(key, allowed) and _exists(key)
    ]
    if "eval" in changed.choices:
        known = boundary["choices"]["eval"]
        changed.choices["eval"] = list(dict.fromkeys([*known, *changed.choices["eval"]]))
    if changed.recipe is not None:
        changed.faults.append("a run keeps its recipe; start a new run with +recipe=<name>")
    before = Layer(choices=boundary["choices"], settings=flatten(boundary["differences"]))
    if is_prepared(rundir) and from_plain(boundary["config"]).dataset.faults():
        before.doubtful = {"dataset"}  # its files are gone: what was prepared of them is not
    moved = any(is_below(key, ("hardware", "strategy", SHARE)) for key in keys)
    if moved and "strategy" not in allowed:
        changed.choices["strategy"] = "auto"  # nothing is trained: what trained it does not matter
    elif moved and boundary["settled"]:
        changed.settings += _same_batch(boundary["global_batch_size"])
    composed = compose_layers([before, changed], None)
    made = plan.make(composed, counts=False, begins=False)
    for one in made.run.compare.against:
        if typed(one).resolve() == rundir.path.resolve():
            raise ConfigError(
                f"compare.against=[{one}]: this is the run itself; name an earlier one"
            )
    if "strategy" in allowed:  # it trains, on rows that are counted if they were prepared
        refuse(made.run, fit(made.run, known_longest(rundir) or longest_row(made.run)))
    made.name, made.recipe = boundary["name"], boundary["recipe"]
    made.config["runs_dir"] = boundary["runs_dir"]
    made.named = boundary.get("named", {}) | made.named
    made.exports = made.exports if asked is None else asked
    made.notes = changed.notes + composed.notes  # on what was said; the rest was told at its start
    return made


def _add_exports(changed: words.Asked, boundary: dict[str, Any]) -> list[str] | None:
    """Add the exports that are chosen to the run's; return those that are named, None for none."""
    named = [setting.path[1] for setting in changed.settings if setting.key.startswith("export.")]
    if "export" in changed.choices:
        chosen = changed.choices["export"]
        changed.choices["export"] = list(dict.fromkeys([*boundary["choices"]["export"], *chosen]))
        return list(dict.fromkeys(chosen))
    there = boundary["choices"]["export"]
    if new := [name for name in named if name in options("export") and name not in there]:
        changed.choices["export"] = list(dict.fromkeys([*there, *new]))  # a setting names it, too
    return list(dict.fromkeys(named)) or None


def confirm(verb: str, rundir: RunDir, made: Plan, given: Sequence[str]) -> None:
    """Raise ConfigError where something would leave this machine, and nobody says it anew.

    Whoever wrote the folder may be another than who opens it. given: the words of consent.
    """
    for name in made.exports:
        if made.run.export[name].sends and f"{SENDING}=true" not in given:
            raise ConfigError(
                f"{rundir.path}: export={name} sends the model away; if you want that, say so: "
                f"python -m ftrecipe {verb} {rundir.path} {SENDING}=true"
            )


def consents(changes: list[str]) -> tuple[list[str], list[str]]:
    """Return the words that consent to sending something away, and the others."""
    given = [word.lstrip("+") for word in changes if word.lstrip("+").startswith(f"{SENDING}=")]
    return given, [word for word in changes if word.lstrip("+") not in given]


def is_prepared(rundir: RunDir) -> bool:
    """Tell whether the run's prepared data is still in the cache."""
    return rundir.prepared.is_file() and Prepared.exists(Path(read_json(rundir.prepared)["path"]))


def known_longest(rundir: RunDir) -> Longest | None:
    """Return the longest row of the data that was prepared for a run, None if none was."""
    if not rundir.data_report.is_file():
        return None
    splits = read_json(rundir.data_report)["tokens"].values()
    longest = [split["max"] for split in splits if split["rows"]]
    return Longest(max(longest), max(longest), "counted") if longest else None


def check_checkpoint(rundir: RunDir, run: RunConfig) -> Path | None:
    """Return the newest checkpoint that looks whole, None where there is none.

    Raises ConfigError with all that has changed since it was saved, if it cannot be gone on from
    with what is there now. Its hashes are left to the worker, which also looks further back.
    """
    for checkpoint in manifest.all_in(rundir.checkpoints):
        if manifest.what_is_wrong(checkpoint, hashes=False) is None:
            break
    else:
        return None
    faults: list[str] = []
    try:
        manifest.needs_conversion(checkpoint, run.strategy, run.world_size)
    except ConfigError as error:
        faults += error.faults
    before = Basis.recorded(manifest.read(checkpoint)["basis"])
    changes = before.changes(Basis.of(run, rundir), checkpoint.name)
    if changes:
        raise refused([*faults, *changes], rundir.checkpoints)
    if faults:
        raise ConfigError(faults)
    return checkpoint


def _same_batch(rows: int) -> list[Setting]:
    """Return what keeps the rows of an optimizer step on another number of processes."""
    values = {"global_batch_size": rows, "gradient_accumulation_steps": 1}
    return [Setting(("trainer", key), value, "run.json") for key, value in values.items()]


def _exists(key: str) -> bool:
    """Tell a key that there is from one that has to be answered with the one meant."""
    kinds = words.field_types()
    above = key.rpartition(".")[0]
    return key in GROUPS or key in kinds or get_origin(kinds.get(above)) is dict


def flatten(node: dict[str, Any], path: tuple[str, ...] = ()) -> list[Setting]:
    """Return nested values of a run as settings."""
    found: list[Setting] = []
    for key, value in node.items():
        if isinstance(value, dict) and value:
            found += flatten(value, (*path, key))
        else:
            found.append(Setting((*path, key), value, "run.json", recorded=True))
    return found
