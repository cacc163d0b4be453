"""The verb `runs`: what has been run, side by side, and what is called what."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ftrecipe.amounts import size
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.folders import DEFAULT, shelf
from ftrecipe.found import find_run, looked_in
from ftrecipe.page.words import printable
from ftrecipe.paths import typed
from ftrecipe.verbs import flags, valued

VALUED = ("--sort", "--limit", "--output", "--older")
Action = Callable[[list[str], Path], int]


def runs(words: list[str]) -> int:
    """List the runs, show or compare some, tag them, and give them names to rely on.

    python -m ftrecipe runs [list] [CONDITION …] [--sort KEY] [--limit N] [--all] [--json]
    python -m ftrecipe runs show RUN [--json]
    python -m ftrecipe runs compare RUN RUN … [--output FILE.html] [--json]
    python -m ftrecipe runs tag RUN WORD … | runs tag RUN --remove WORD
    python -m ftrecipe runs promote RUN NAME@STAGE [--force]
    python -m ftrecipe runs rollback NAME@STAGE
    python -m ftrecipe runs names [NAME@STAGE] [--json]
    python -m ftrecipe runs clean [--older DAYS] [--yes]

    CONDITION: recipe=quick*, status=finished,failed, tag=x, name=support-bot, gate=passed,
    kind=check, since=2026-11-01, until=2026-12-01, or a metric in quotes: "qa.f1>=80". --sort
    date, duration, objective, recipe, status or a metric, the best first. An arrow says which way
    is better: ↑ more, ↓ less. Checks of data are shown with --all, and the trials of sweeps.

    `clean` says what may go, and removes it with --yes: prepared data that no run points to, bases
    measured --older than 30 days, what killed processes left, checks of data. Runs stay.

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run), or
    how a folder in runs/ begins: quickstart/2026-11-22. Runs are looked for in runs/, or in
    runs_dir=FOLDER.
    """
    place, rest = looked_in(words)
    folder = typed(DEFAULT) if place is None else place
    at = next((at for at, word in enumerate(rest) if not word.startswith("-")), 0)
    what = rest[at] if rest and (at == 0 or rest[at - 1] not in VALUED) else ""
    if what in ACTIONS:
        return ACTIONS[what](rest[:at] + rest[at + 1 :], folder)
    if what.isidentifier():
        raise ConfigError(
            f"runs {what}: not understood{did_you_mean(what, ACTIONS)} "
            f"(there are: {', '.join(ACTIONS)})"
        )
    return _list(rest, folder)


def _list(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import filters, listing, order

    named, rest = valued(words, "--sort", "--limit")
    given, rest = flags(rest, "--json", "--all")
    asked = listing.Asked(
        filters.read(rest),
        named.get("--sort", order.DATE),
        _count(named.get("--limit")),
        "--all" in given,
    )
    made = listing.listing(folder, asked)
    if "--json" in given:
        print(json.dumps(made.as_json(), ensure_ascii=False))  # a thousand runs are one long line
        return 0
    return _say(listing.table(made, asked))


def _show(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import one

    given, rest = flags(words, "--json")
    (name,) = _words(rest, 1, "runs show RUN")
    found = one.read(find_run(name, folder), shelf(folder))
    return _say(one.as_json(found) if "--json" in given else one.lines(found))


def _compare(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import comparing, comparison_page, comparison_table

    named, rest = valued(words, "--output")
    given, rest = flags(rest, "--json")
    if len(rest) < 2:
        raise ConfigError("runs compare: at least two; write runs compare RUN RUN …")
    faults: list[str] = []
    found = []
    for name in rest:
        try:
            found.append((name, find_run(name, folder)))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    made = comparing.compared(found)
    output = typed(named["--output"]) if "--output" in named else folder / "compare.html"
    if "--json" in given:
        if "--output" in named:
            comparison_page.write(made, output)
        return _say(made.as_json())
    told = comparison_table.lines(made)
    try:
        comparison_page.write(made, output)
    except OSError as error:
        if "--output" in named:
            raise
        return _say([*told, "", f"no page   {output}: {error.strerror}; add --output FILE.html"])
    return _say([*told, "", f"page      {output}"])


def _tag(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import tags

    removed = [word.removeprefix("--remove=") for word in words if word.startswith("--remove=")]
    rest = [word for word in words if not word.startswith("--remove=")]
    given, rest = flags(rest, "--remove")
    if not rest:
        raise ConfigError("runs tag: which run? write runs tag RUN word")
    rundir = find_run(rest[0], folder)
    add, remove = ([], rest[1:]) if "--remove" in given else (rest[1:], [])
    known = tags.change(rundir, add, [*remove, *removed])
    return _say([f"{rundir.path}: {', '.join(known) or 'no tags'}"])


def _promote(words: list[str], folder: Path) -> int:
    from ftrecipe.runs.promotion import promote

    given, rest = flags(words, "--force")
    run, name = _words(rest, 2, "runs promote RUN name@stage")
    rundir = find_run(run, folder)
    event = promote(folder, rundir, name, "--force" in given)
    if event is None:
        return _say([f"{name} is {rundir.path} already"])
    before = f" (before: {folder / event.replaced})" if event.replaced else ""
    told = [f"{name} is {rundir.path}{before}", *(f"forced: {why}" for why in event.forced)]
    return _say(told)


def _rollback(words: list[str], folder: Path) -> int:
    from ftrecipe.pointers import rollback

    _, rest = flags(words)
    (name,) = _words(rest, 1, "runs rollback name@stage")
    event = rollback(folder, name)
    return _say([f"{name} is {folder / event.run} again (before: {folder / str(event.replaced)})"])


def _names(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import naming

    given, rest = flags(words, "--json")
    if len(rest) > 1:
        raise ConfigError("runs names: one name, or none for all")
    found = naming.read(shelf(folder), rest[0] if rest else None)
    if "--json" in given:
        return _say(naming.as_json(found, folder))
    return _say(naming.lines(found, folder, history=bool(rest)))


def _clean(words: list[str], folder: Path) -> int:
    from ftrecipe.runs import cleaning

    named, rest = valued(words, "--older")
    given, rest = flags(rest, "--yes")
    _words(rest, 0, "runs clean [--older DAYS] [--yes]")
    days = named.get("--older", str(cleaning.DAYS))
    if not days.isdecimal():
        raise ConfigError(f"--older {days}: how many days? write --older 30")
    found = cleaning.found(folder, float(days))
    _say(cleaning.lines(found, removed="--yes" in given))
    if "--yes" in given and found.waste:
        freed = cleaning.remove(found, print)
        print(f"removed   {size(freed)}")
    return 0


def _words(words: list[str], count: int, usage: str) -> list[str]:
    """Return exactly so many words. Raises ConfigError with how it is written."""
    if len(words) != count:
        lack = "something is missing" if len(words) < count else f"too many words: {words[count]}"
        raise ConfigError(f"runs: {lack}; write {usage}")
    return words


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"--limit {text}: how many? write --limit 20")
    return int(text)


def _say(told: list[str] | dict[str, Any]) -> int:
    if isinstance(told, dict):
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        print("\n".join(map(printable, told)))
    return 0


ACTIONS: dict[str, Action] = {
    "list": _list, "show": _show, "compare": _compare, "tag": _tag,
    "promote": _promote, "rollback": _rollback, "names": _names, "clean": _clean,
}  # fmt: skip
