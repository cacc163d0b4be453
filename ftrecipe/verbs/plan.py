"""The verb `plan`: what would run."""

import json

from ftrecipe import launch
from ftrecipe import plan as planning
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.planned import describe
from ftrecipe.readiness import lacks
from ftrecipe.sealing import secrets_of
from ftrecipe.verbs import flags

SWEEPS = {"-m", "--multirun"}


def plan(words: list[str]) -> int:
    """Compose, check the rules and print what would run; nothing is written unless told.

    python -m ftrecipe plan [--all] [--json] [--write] [key=value …]
    python -m ftrecipe plan -m [--json] [key=a,b …] [+sweep=<name>]

    --all shows every field, not only those that somebody chose. -m, --multirun checks every trial
    of a sweep, says which cannot run and why, and plans the first that can. --write makes the run's
    folder and starts nothing: a scheduler, or a person on each of several machines, runs its
    plan.sh.
    """
    given, rest = flags(words, "--all", "--json", "--write", *SWEEPS)
    if given & SWEEPS or any(word.lstrip("+").startswith("sweep=") for word in rest):
        return _sweep(rest, given)
    made = planning.make(compose(rest), here="--write" not in given)
    if "--write" not in given:
        made.notes += [f"here      {fault}" for fault in lacks(made.run, made.stages)]
    if "--json" in given:
        print(json.dumps(planning.as_json(made), indent=2))
    elif "--write" not in given:
        print("\n".join(describe(made, every="--all" in given)))
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


def _sweep(words: list[str], given: set[str]) -> int:
    """Check every trial of a sweep, and plan the first one that can run."""
    from ftrecipe.sweep.front import looked_at

    if "--write" in given:
        raise ConfigError(
            "plan --write: a sweep plans each of its trials when it runs it; start it with "
            "python -m ftrecipe -m key=a,b"
        )
    found = looked_at(words)
    first = planning.make(found.first)
    if "--json" in given:
        print(json.dumps(found.as_json() | {"first": planning.as_json(first)}, indent=2))
    else:
        print("\n".join([*found.lines(), "", *describe(first, every="--all" in given)]))
    return 0
