"""The verb `recipes`: what can be run."""

from ftrecipe import plan as planning
from ftrecipe import recipes as door
from ftrecipe import words as typed
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.verbs import flags


def recipes(words: list[str]) -> int:
    """List the recipes with a line about each, or show one and what it resolves to.

    python -m ftrecipe recipes
    python -m ftrecipe recipes show NAME
    """
    _, rest = flags(words)
    if not rest:
        return _list()
    if rest[0] == "show" and len(rest) == 2:
        return _show(rest[1])
    hint = did_you_mean(rest[0], ["show"])
    raise ConfigError(f"recipes {' '.join(rest)}: not understood{hint}; write recipes show NAME")


def _list() -> int:
    names = door.names()
    width = max((len(name) for name in names), default=0)
    for name in names:
        try:
            lineage = door.lineage(name)
            faults = [fault for recipe in lineage for fault in recipe.faults]
            about = f"cannot be used: {faults[0]}" if faults else lineage[-1].description
        except ConfigError as error:
            about = f"cannot be used: {error.faults[0]}"
        print(f"{name:<{width}}  {about}")
    return 0


def _show(word: str) -> int:
    name = typed.recipe_name(word)
    recipe = door.load(name)
    print(f"# {recipe.file}\n{recipe.text.rstrip()}\n", flush=True)
    print("\n".join(planning.describe(planning.make(compose([f"recipe={word}"])))))
    return 0
