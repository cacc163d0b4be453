"""The findings of a sweep in words: who won, by how much, and what became of the others."""

import shlex
import statistics
from collections import Counter
from collections.abc import Sequence

from ftrecipe.amounts import NONE, duration, number
from ftrecipe.objective import ARROWS, short
from ftrecipe.page.words import title
from ftrecipe.sweep.page.story import FAILED, Story, Trial

ENDED = {"finished": "finished, but not with a number"}


def value(story: Story, amount: float | None) -> str:
    """Return a value of the objective: exact enough to tell two trials apart."""
    return number(amount, story.percent)


def span(seconds: float | None) -> str:
    """Return how long a trial took."""
    return NONE if seconds is None else duration(seconds)


def heading(story: Story) -> str:
    """Return the objective with the way that is better: `qa.exact_match ↑`."""
    return f"{short(story.objective)} {ARROWS[story.direction]}"


def metric(story: Story) -> str:
    """Return the objective's name as it stands in a sentence: "exact match"."""
    name = title(story.objective.rpartition(".")[2])
    return name if name[1:2].isupper() or name[1:2].isdigit() else name[:1].lower() + name[1:]


def labels(keys: Sequence[str]) -> dict[str, str]:
    """Return a short name for every key: its last word, unless two keys share it."""
    last = {key: key.rpartition(".")[2] for key in keys}
    times = Counter(last.values())
    return {key: word if times[word] == 1 else key for key, word in last.items()}


def settings(trial: Trial) -> list[str]:
    """Return a trial's values as words for the command line."""
    return [f"{key}={text}" for key, text in trial.overrides.items()]


def verdict(story: Story) -> str:
    """Return what the sweep found, as one sentence."""
    best = story.best
    if best is None:
        waiting = story.state == "running"
        return "No trial has finished yet." if waiting else "No trial finished with a result."
    known = labels(story.keys)
    made = [f"{known[key]}={text}" for key, text in best.overrides.items()]
    how = f"with {_joined(made)}" if 0 < len(made) <= 3 else f"in trial {best.number}"
    of = f"Best of {len(story.ranked)} trials: " if len(story.ranked) > 1 else ""
    said = f"{of}{metric(story)} {value(story, best.score)} {how}"
    said += ", which failed its gate" if best.gate == FAILED else ""
    return f"{said[:1].upper()}{said[1:]}."


def _joined(words: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return " and ".join([part for part in (", ".join(words[:-1]), words[-1]) if part])


def findings(story: Story) -> list[str]:
    """Return what else is to know, a sentence each."""
    told = [*said_of_the_gate(story), _others(story), _level(story), _lost(story), _state(story)]
    return [said for said in told if said]


def said_of_the_gate(story: Story) -> list[str]:
    """Say so where the best trial failed its gate, and which is the best of those that did not."""
    best, passed = story.best, story.best_passed
    if best is None or best.gate != FAILED:
        return []
    if passed is None:
        return ["No trial with a result passed its gate."]
    reached = f"{metric(story)} {value(story, passed.score)}"
    return [
        f"Trial {best.number} failed its gate; "
        f"the best that did not is trial {passed.number} with {reached}."
    ]


def _others(story: Story) -> str:
    scores = [trial.score for trial in story.ranked[1:] if trial.score is not None]
    base = story.baseline
    said = "" if base is None else f"The base model has {value(story, base)}"
    if len(scores) < 2:
        return f"{said}." if said else ""
    worst, middle = value(story, scores[-1]), value(story, statistics.median(scores))
    others = f"the other trials have {middle} in the middle and {worst} at worst"
    return f"{said}; {others}." if said else f"{others[:1].upper()}{others[1:]}."


def _level(story: Story) -> str:
    level = [trial for trial in story.ranked[1:] if trial.score == story.ranked[0].score]
    if not level:
        return ""
    names = ", ".join(str(trial.number) for trial in level[:5])
    more = f" and {len(level) - 5} more" if len(level) > 5 else ""
    few = len(level) == 1
    return f"Trial{'' if few else 's'} {names}{more} {'is' if few else 'are'} level with it."


def _lost(story: Story) -> str:
    states = Counter(trial.state for trial in story.unranked if trial.state != "running")
    if not states:
        return ""
    told = _joined([f"{count} {ENDED.get(state, state)}" for state, count in states.items()])
    return f"Without a result: {told}."


def _state(story: Story) -> str:
    return {
        "running": "The sweep is still running; this page is as it was when last written.",
        "interrupted": "The sweep was interrupted before its end; the same command goes on.",
    }.get(story.state, "")


def cards(story: Story) -> list[tuple[str, str]]:
    """Return the numbers to see at once: name and value."""
    best = story.best
    found = [] if best is None else [(f"best, trial {best.number}", value(story, best.score))]
    if story.baseline is not None:
        found.append(("base model", value(story, story.baseline)))
    done, tried = len(story.ranked), len(story.trials)
    found.append(("trials with a result", f"{done}" if done == tried else f"{done} of {tried}"))
    seconds = sum(trial.seconds for trial in story.trials if trial.seconds is not None)
    return [*found, ("time of all trials", duration(seconds))]


def usages(story: Story) -> list[tuple[str, str]]:
    """Return what to do with the winner: title and command."""
    best = story.best
    if best is None:
        return []
    again = f"python -m ftrecipe {shlex.quote(f'+recipe={story.best_recipe.absolute()}')}"
    found = [
        ("Run the winner's recipe", again),
        ("Run it with a change, for instance another seed", f"{again} seed=7"),
    ]
    if best.run is not None:
        run = shlex.quote(str((story.folder / best.run).absolute()))
        found.append(("Measure the winner again", f"python -m ftrecipe evaluate {run}"))
    return found
