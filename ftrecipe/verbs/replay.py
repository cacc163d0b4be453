"""The verb `replay`: repeat a run exactly."""

from ftrecipe import gated, launch
from ftrecipe.errors import ConfigError
from ftrecipe.found import looked_in
from ftrecipe.lock import record
from ftrecipe.lock.outcome import Item, outcome
from ftrecipe.page.words import printable
from ftrecipe.paths import typed
from ftrecipe.repeat import told
from ftrecipe.repeat.found import absolute
from ftrecipe.repeat.locked import open_lock
from ftrecipe.repeat.planned import composed, environment, planned
from ftrecipe.verbs import flags

NEEDED = ("losses", "trained weights")  # what has to be known to call two runs identical


def replay(words: list[str]) -> int:
    """Repeat a run from its lock, and say item by item what is identical.

    python -m ftrecipe replay RUN|lock.json [--anyway] [key=value …]
    python -m ftrecipe replay lock.json dataset.path=my/copy.jsonl model.path=my/model

    RUN is a run's folder or a name, support-bot@production, as everywhere (runs names).
    Files may lie elsewhere here: their content is compared. Data or base weights that are not the
    run's are refused; --anyway goes on with them. Other versions, another machine are told first.
    Exit code 0: identical; 1: not identical, or failed; 2: refused.
    """
    given, rest = flags(words, "--anyway")
    if not rest or ("=" in rest[0] and not typed(rest[0]).exists()):
        raise ConfigError("replay needs a run: python -m ftrecipe replay RUN|lock.json")
    changes = absolute(rest[1:])
    locked = open_lock(rest[0], looked_in(rest[1:])[0])
    lock = locked.lock
    composition = composed(locked, changes)
    inputs = told.compared(lock, composition.run)
    print(printable(f"replay    {lock['name']} ({locked.file})"))
    for suite in locked.left_out:
        print(printable(f"left out  {suite}: measured later, of files that the lock does not know"))
    print("\n".join(map(printable, told.before(lock, composition.run, inputs))), flush=True)
    if (wrong := [item for item in inputs if item.same is False]) and "--anyway" not in given:
        raise ConfigError([
            f"{item.name}: not those of the run: {item.told}; name the right copy, or add --anyway"
            for item in wrong
        ])  # fmt: skip
    made = planned(locked, composition)
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    rundir = launch.create(made)
    code = launch.begin(made, rundir, environment(lock))
    if code not in (0, gated.FAILED):  # a gate that fails again is a part of the repetition
        return code
    return _tell_after(outcome(lock, record.read(rundir.lock_json)))


def _tell_after(items: list[Item]) -> int:
    """Say item by item what is identical; return the exit code."""
    print()
    width = max(len(item.name) for item in items)
    for item in items:
        print(printable(f"{item.name:<{width}}  {item.told}"))
    wrong = [item.name for item in items if item.decides and item.same is False]
    unknown = [item.name for item in items if item.name in NEEDED and item.same is None]
    if wrong:
        print(f"\nnot identical: {', '.join(wrong)}")
        return 1
    if unknown:
        print(f"\nnot known to be identical: the lock says nothing of {', '.join(unknown)}")
        return 1
    print("\nidentical")
    return 0
