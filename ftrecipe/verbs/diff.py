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
from ftrecipe.found import NoSuchRun, find_run, looked_in
from ftrecipe.lock import record
from ftrecipe.lock.contents import shown
from ftrecipe.lock.differing import Difference, differences
from ftrecipe.lock.sides import side
from ftrecipe.page.words import printable
from ftrecipe.paths import typed
from ftrecipe.secrets import redacted
from ftrecipe.verbs import flags

WIDEST = 44  # columns of the keys' column


def diff(words: list[str]) -> int:
    """Say where two runs, recipes or locks differ: config, data, versions, machine, results.

    python -m ftrecipe diff A B [--json]

    Each of A and B is a run's folder or its name (support-bot@production, quickstart/latest), a
    lock.json, the name of a recipe or its file. Of a recipe there is only the config, as it would
    be settled here. Exit code, as of diff(1): 0 no difference, 1 differences, 2 refused. What a
    run took (seconds, memory) is shown, not counted.
    """
    given, rest = flags(words, "--json")
    place, rest = looked_in(rest)
    if len(rest) != 2:
        raise ConfigError(
            "diff needs two of them: python -m ftrecipe diff A B (runs, recipes or locks)"
        )
    faults: list[str] = []
    sides = [_side(word, place, faults) for word in rest]
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


def _side(word: str, place: Path | None, faults: list[str]) -> dict[str, Any]:
    """Return what `word` names as a lock, or as much of one as there is."""
    try:
        path = typed(word)
        if path.suffix == ".json" and not path.is_dir():
            return record.read(path)
        if word in names() or path.suffix in (".yaml", ".yml"):
            return _of_recipe(word)
        return side(find_run(word, place))
    except NoSuchRun as error:
        hint = did_you_mean(word, names())
        neither = f"{word} is neither a run, nor a lock.json, nor a recipe{hint}"
        faults += error.faults if typed(word).exists() else [neither]
        return {}
    except ConfigError as error:
        faults += [f if word in f else f"{word}: {f}" for f in error.faults]
        return {}


def _of_recipe(word: str) -> dict[str, Any]:
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
