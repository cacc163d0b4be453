"""The verb `recipes`: what can be run, and how recipes come from and go to other teams."""

from pathlib import Path

from ftrecipe import plan as planning
from ftrecipe.compose import compose
from ftrecipe.door import recipes as door
from ftrecipe.door import words as typed
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.found import looked_in
from ftrecipe.page.words import printable
from ftrecipe.planned import describe
from ftrecipe.verbs import flags, valued


def recipes(words: list[str]) -> int:
    """List the recipes, show one, or exchange them with other teams.

    python -m ftrecipe recipes [list]
    python -m ftrecipe recipes show NAME
    python -m ftrecipe recipes add SOURCE [--team TEAM] [--as NAME] [--yes] [--force]
    python -m ftrecipe recipes verify [NAME …]
    python -m ftrecipe recipes publish RUN --to FOLDER [--as NAME] [--license WORDS] [--force]

    SOURCE is a file, a folder, git+https://host/repository@ref#path, or an https address of one
    YAML. Without --yes, add writes nothing and shows what it would.
    """
    if not words:
        return _list([])
    what, rest = words[0], words[1:]
    if what.startswith("-"):
        flags(words)
    if what not in ACTIONS:
        hint = did_you_mean(what, ACTIONS)
        raise ConfigError(
            f"recipes {' '.join(words)}: not understood{hint} (there are: {', '.join(ACTIONS)})"
        )
    return ACTIONS[what](rest)


def _list(words: list[str]) -> int:
    from ftrecipe.exchange.listing import table

    _, rest = flags(words)
    if rest:
        raise ConfigError(f"recipes list {rest[0]}: takes no name; recipes show {rest[0]}")
    print("\n".join(table()))
    return 0


def _show(words: list[str]) -> int:
    from ftrecipe.exchange.shown import changes

    _, rest = flags(words)
    name = typed.recipe_name(_one(rest, "recipes show NAME"))
    recipe = door.load(name)
    print(f"# {recipe.file}\n{printable(recipe.text.rstrip(), keep=chr(10))}\n")
    names = [printable(one.name) for one in door.lineage(name)]
    if len(names) > 1:
        print(f"extends   {' → '.join(reversed(names))}")
    composition = compose([f"recipe={rest[0]}"])
    print("\n".join([*changes(composition), "", *describe(planning.make(composition))]))
    return 0


def _add(words: list[str]) -> int:
    from ftrecipe.exchange.adding import add
    from ftrecipe.exchange.shown import described

    named, rest = valued(words, "--team", "--as")
    given, rest = flags(rest, "--yes", "--force")
    source = _one(rest, "recipes add SOURCE")
    write = "--yes" in given
    added = add(source, named.get("--team", "shared"), named.get("--as"), write, "--force" in given)
    for one in added:
        print("\n".join(map(printable, described(one))), end="\n\n")
    if write:
        print(f"written   and pinned in {door.OWN}/shared.json")
        print("\n".join(f"run       python -m ftrecipe +recipe={one.name}" for one in added))
    else:
        print("nothing is written yet; to add it, the same command with --yes")
    return 0


def _verify(words: list[str]) -> int:
    from ftrecipe.exchange.verifying import verify

    _, rest = flags(words)
    found = verify(rest)
    if not found:
        print("no recipe was added here (recipes add SOURCE); recipes verify NAME looks at any")
    for one in found:
        state = "differs" if one.faults else "verified" if one.pinned else "composes"
        print(f"{state:<9} {printable(one.name)}")
        print("".join(f"  {printable(line)}\n" for line in [*one.faults, *one.notes]), end="")
    return 1 if any(one.faults for one in found) else 0


def _publish(words: list[str]) -> int:
    from ftrecipe.exchange.publishing import Wishes, publish

    named, rest = valued(words, "--to", "--as", "--license")
    given, rest = flags(rest, "--force")
    place, rest = looked_in(rest)
    folder = _one(rest, "recipes publish RUN --to FOLDER")
    if "--to" not in named:
        raise ConfigError(f"recipes publish {folder}: where to? write --to FOLDER")
    wishes = Wishes(named.get("--as"), named.get("--license"), "--force" in given)
    for line in publish(folder, Path(named["--to"]), wishes, place):
        print(line)
    return 0


def _one(words: list[str], usage: str) -> str:
    """Return the one word that is asked for. Raises ConfigError for none, or several."""
    if len(words) != 1:
        raise ConfigError(f"recipes: {'what' if not words else 'only one'}? write {usage}")
    return words[0]


ACTIONS = {"list": _list, "show": _show, "add": _add, "verify": _verify, "publish": _publish}
