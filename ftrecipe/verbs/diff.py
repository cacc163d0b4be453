"""The verb `diff`: where two runs, recipes or locks differ."""

import json
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from ftrecipe import plan as planning
from ftrecipe.compose import compose
from ftrecipe.door.recipes import names
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.lock import record
from ftrecipe.lock.contents import shown
from ftrecipe.lock.differing import Difference, differences
from ftrecipe.lock.results import results
from ftrecipe.page.words import printable
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.secrets import redacted
from ftrecipe.verbs import flags

WIDEST = 44  # columns of the keys' column


def diff(words: list[str]) -> int:
    """Say where two runs, recipes or locks differ: config, data, versions, machine, results.

    python -m ftrecipe diff A B [--json]

    Each of A and B is a run's folder, a lock.json, the name of a recipe or its file. Of a recipe
    there is only the config, as it would be settled here. Exit code, as of diff(1): 0 no
    difference, 1 differences, 2 refused. What a run took (seconds, memory) is shown, not counted.
    """
    given, rest = flags(words, "--json")
    if len(rest) != 2:
        raise ConfigError(
            "diff needs two of them: python -m ftrecipe diff A B (runs, recipes or locks)"
        )
    faults: list[str] = []
    sides = [_side(word, faults) for word in rest]
    if faults:
        raise ConfigError(faults)
    a, b = sides
    found = differences(a, b)
    counted = [one for one in found if one.counted]
    if "--json" in given:
        listed = [asdict(one) for one in found]
        whole = {"schema_version": 1, "a": rest[0], "b": rest[1], "differences": listed}
        print(redacted(json.dumps(whole, indent=2)))
    else:
        print("\n".join(_lines(rest, a, b, found)))
    return 1 if counted else 0


def _side(word: str, faults: list[str]) -> dict[str, Any]:
    """Return what `word` names as a lock, or as much of one as there is."""
    try:
        path = typed(word)
        if path.is_dir() and word not in names():
            return _of_run(RunDir(path))
        if path.suffix == ".json":
            return record.read(path)
        return _of_recipe(word)
    except ConfigError as error:
        faults += [f if word in f else f"{word}: {f}" for f in error.faults]
        return {}


def _of_run(rundir: RunDir) -> dict[str, Any]:
    """Return a run's lock, with what came of it so far; of a run without one, its config."""
    if rundir.lock_json.is_file():
        return {**record.read(rundir.lock_json), "results": results(rundir)}
    if not rundir.run.is_file():
        raise ConfigError(f"{rundir.path} is not a run directory (it has no run.json)")
    return {"config": read_json(rundir.run)["config"], "results": results(rundir)}


def _of_recipe(word: str) -> dict[str, Any]:
    is_file = Path(word).suffix in (".yaml", ".yml")
    if not is_file and word not in names():
        hint = did_you_mean(word, names())
        raise ConfigError(f"{word} is neither a run's folder, nor a lock.json, nor a recipe{hint}")
    made = planning.make(compose([f"recipe={word}"]), here=False, counts=False)
    return {"config": made.config}


def _lines(
    words: list[str], a: dict[str, Any], b: dict[str, Any], found: list[Difference]
) -> list[str]:
    """Return the differences for a person, a section after the other."""
    lines = [f"a  {words[0]}", f"b  {words[1]}"]
    for section, these in groupby(found, key=lambda one: one.section):
        some = list(these)
        width = min(WIDEST, max(len(one.item) for one in some))
        lines += ["", section]
        lines += [f"  {one.item:<{width}}  {_change(one)}" for one in some]
    said = [name for name in ("data", "versions", "results") if name in a and name in b]
    if not any(one.counted for one in found):
        lines += ["", "no differences in " + ", ".join(["config", *said])]
    silent = [
        f"{name} (only of {'a' if name in a else 'b'})"
        for name in ("data", "versions", "results")
        if (name in a) != (name in b)
    ]
    return [printable(redacted(line)) for line in [*lines, *([f"not compared: {', '.join(silent)}"]
                                                  if silent else [])]]  # fmt: skip


def _change(one: Difference) -> str:
    if one.item == "losses":
        return str(one.b)
    short = [shown(_rounded(value)) for value in (one.a, one.b)]
    if short[0] == short[1]:
        short = [shown(one.a), shown(one.b)]
    return " → ".join(short)


def _rounded(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
