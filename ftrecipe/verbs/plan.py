"""The verb `plan`: what would run."""

import json

from ftrecipe import plan as planning
from ftrecipe.compose import compose
from ftrecipe.verbs import flags


def plan(words: list[str]) -> int:
    """Compose, check the rules and print what would run; nothing is written.

    python -m ftrecipe plan [--json] [key=value …]
    """
    given, rest = flags(words, "--json")
    made = planning.make(compose(rest))
    if "--json" in given:
        print(json.dumps(planning.as_json(made), indent=2))
    else:
        print("\n".join(planning.describe(made)))
    return 0
