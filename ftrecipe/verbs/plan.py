"""The verb `plan`: what would run."""

import json

from ftrecipe import launch
from ftrecipe import plan as planning
from ftrecipe.compose import compose
from ftrecipe.readiness import lacks
from ftrecipe.sealing import secrets_of
from ftrecipe.verbs import flags


def plan(words: list[str]) -> int:
    """Compose, check the rules and print what would run; nothing is written unless told.

    python -m ftrecipe plan [--json] [--write] [key=value …]

    --write makes the run's folder and starts nothing: a scheduler, or a person on each of several
    machines, runs its plan.sh.
    """
    given, rest = flags(words, "--json", "--write")
    made = planning.make(compose(rest), here="--write" not in given)
    if "--write" not in given:
        made.notes += [f"here      {fault}" for fault in lacks(made.run, made.stages)]
    if "--json" in given:
        print(json.dumps(planning.as_json(made), indent=2))
    elif "--write" not in given:
        print("\n".join(planning.describe(made)))
    if "--write" in given:
        rundir = launch.create(made, defer=made.looks_at_the_machine)
        machines = made.run.hardware.num_machines
        if "--json" not in given:
            print(f"written   {rundir.path}")
            for name in secrets_of(made.config):
                print(f"secret    where it starts: export {name}=<the value given here>")
            for rank in range(machines):
                which = f"  # on machine {rank}" if machines > 1 else ""
                print(f"start     sh {rundir.plan}{f' {rank}' if machines > 1 else ''}{which}")
    return 0
