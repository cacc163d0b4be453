"""The verdict: is the tuned model better, at what, and by how much; only what is real counts."""

import math
from dataclasses import dataclass

from ftrecipe.baselines import FEW_SHOT
from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import FLOOR, Change, Suite
from ftrecipe.stages.page.words import (
    amount,
    heading,
    in_sentence,
    measured,
    ruled,
    shift,
    sure,
    who,
)

MOST_LOSSES = 2  # named in the sentence; the table has all


@dataclass(frozen=True)
class Verdict:
    """One sentence: `head` says it, `body` says at what and by how much; either may be empty."""

    head: str
    body: str
    tone: str = "even"

    @property
    def text(self) -> str:
        """The whole sentence."""
        body = f"{self.body[:1].upper()}{self.body[1:]}" if not self.head else self.body
        return f"{': '.join(part for part in (self.head, body) if part)}."


def verdict(story: Story) -> Verdict:
    """Return the finding that counts."""
    told = [suite for suite in measured(story) if suite.telling in suite.known]
    if not any(suite.tuned for suite in told):
        return _before(story, told)
    lead = next(suite for suite in told if suite.tuned)
    compared = {
        name: change
        for name in lead.changes
        if (change := lead.change(lead.telling, name)) and ruled(change)
    }
    if not compared:
        return Verdict("", _without_interval(lead))
    others = [suite for suite in told if suite is not lead]
    parts = [_moved(lead, *next(iter(compared.items()))), *_also(others, lead).values()]
    if prompted := _prompted(story, lead):
        parts.append(prompted)
    return Verdict(_head(story, compared), "; ".join(parts), ruled(next(iter(compared.values()))))


def _head(story: Story, compared: dict[str, Change]) -> str:
    """Return whom the tuned model is better than, and whom it is not."""
    told = {name: ruled(change) for name, change in compared.items() if name != FEW_SHOT}
    groups = {
        word: [who(name, story) for name, found in told.items() if found == word]
        for word in ("better", "worse", "even", "changed")
    }
    if not told or set(told.values()) <= {"even", "changed"}:
        return "No real change" if "changed" not in told.values() else "A change"
    said = [
        f"{word} {f' and {word} '.join(f'than {name}' for name in groups[word])}".replace(
            f" and {word} than", " and than"
        )
        for word in ("better", "worse")
        if groups[word]
    ]
    same = groups["even"] + groups["changed"]
    said += [f"not really different from {' or '.join(same)}"] if same else []
    whole = ", ".join(said)
    return whole[:1].upper() + whole[1:]


def _moved(suite: Suite, name: str, change: Change) -> str:
    """Say how the telling metric of the verdict's suite went, with its interval."""
    metric = suite.telling
    assert suite.tuned is not None
    after = amount(suite, metric, suite.tuned[metric])
    on = f"{in_sentence(metric)} on {suite.questions}"
    difference = change.change or 0.0
    if difference == 0 and change.low == change.high:
        return f"{on} stayed at {after}"
    verb = "rose" if difference > 0 else "fell"
    told = shift(suite, metric, abs(difference))[1:]
    against = "" if name == BASE else f" against {name}"
    return f"{on} {verb}{against} by {told} to {after} ({sure(suite, metric, change)})"


def _also(suites: list[Suite], lead: Suite) -> dict[str, str]:
    """Say what was lost elsewhere; and, where the first suite shows nothing, what was gained."""
    first = ruled(lead.change(lead.telling))
    said = {}
    for suite in suites:
        word = ruled(suite.change(suite.telling))
        if word == "worse" or (word == "better" and first != "better"):
            said[suite.name] = _went(suite, word)
    return dict(list(said.items())[:MOST_LOSSES])


def _went(suite: Suite, word: str) -> str:
    metric = suite.telling
    before, after = (suite.values[name][metric] for name in (BASE, TUNED))
    told = f"from {amount(suite, metric, before)} to {amount(suite, metric, after)}"
    return f"{in_sentence(metric)} on {suite.eval.of} got {word}, {told}"


def _prompted(story: Story, lead: Suite) -> str:
    """Say so where examples in the prompt do as well as the training."""
    change = lead.change(lead.telling, FEW_SHOT)
    if change is None or ruled(change) in ("better", ""):
        return ""
    reached = lead.values.get(FEW_SHOT, {}).get(lead.telling, 0.0)
    if lead.eval.is_percent(lead.telling) and reached < FLOOR:
        return ""  # as well as nothing
    does = "does" if story.shots == 1 else "do"
    how = "better" if ruled(change) == "worse" else "as well"
    return f"{_shots(story)} in the prompt {does} {how} ({amount(lead, lead.telling, reached)})"


def _shots(story: Story) -> str:
    words = {1: "one example", 2: "two examples", 3: "three examples", 4: "four examples",
             5: "five examples"}  # fmt: skip
    return words.get(story.shots, f"{story.shots} examples")


def prompting_is_enough(story: Story) -> bool:
    """Tell whether the base with examples in its prompt does as well on the verdict's suite."""
    return any(_prompted(story, suite) for suite in measured(story)[:1])


def _without_interval(suite: Suite) -> str:
    """Say what is known where no change has an interval."""
    metric = suite.telling
    assert suite.tuned is not None
    after, name = amount(suite, metric, suite.tuned[metric]), in_sentence(metric)
    if suite.base is None or metric not in suite.base:
        return f"{name} on {suite.questions} is {after}; the base was not measured"
    before = suite.base[metric]
    if before == suite.tuned[metric]:
        return f"{name} on {suite.questions} stayed at {after}"
    verb = "rose" if suite.tuned[metric] > before else "fell"
    if not math.isfinite(suite.tuned[metric]):
        verb = "went"
    return (
        f"{name} on {suite.questions} {verb} from {amount(suite, metric, before)} to {after}; "
        "no interval was computed"
    )


def _before(story: Story, told: list[Suite]) -> Verdict:
    """Say what the baselines reach, where nothing is trained yet."""
    if not told:
        return Verdict("", "the tuned model was not measured")
    suite = told[0]
    metric = suite.telling
    reached = [
        f"{amount(suite, metric, values.get(metric))} ({who(name, story)})"
        for name, values in suite.values.items()
    ]
    body = f"{in_sentence(metric)} on {suite.questions} is {', '.join(reached)}"
    return Verdict("Before training", body)


def findings(story: Story) -> list[str]:
    """Return what else is known, a sentence each: other suites, then other baselines."""
    told = [suite for suite in measured(story) if suite.tuned and suite.telling in suite.tuned]
    lead = told[:1]
    also = _also(told[1:], told[0]) if told else {}
    said = [_finding(suite) for suite in told[1:] if suite.name not in also]
    said += [_against(story, suite, name) for suite in lead for name in story.others]
    return [sentence for sentence in said if sentence]


def _finding(suite: Suite) -> str:
    metric = suite.telling
    change = suite.change(metric)
    if not ruled(change) or change is None or suite.base is None or suite.tuned is None:
        return ""
    before, after = (amount(suite, metric, side[metric]) for side in (suite.base, suite.tuned))
    on = f"{heading(metric)} on {suite.of}"
    if not change.real:
        told = f"{on}: no real change ({sure(suite, metric, change)})."
        return "" if suite.is_general else told
    verb = "rose" if (change.change or 0) > 0 else "fell"
    return f"{on} {verb} from {before} to {after} ({sure(suite, metric, change)})."


def _against(story: Story, suite: Suite, name: str) -> str:
    metric = suite.telling
    change = suite.change(metric, name)
    if change is None or change.change is None:
        return ""
    word = {"better": "Better than", "worse": "Worse than"}.get(
        ruled(change), "No real difference from"
    )
    reached = amount(suite, metric, suite.values.get(name, {}).get(metric))
    if change.change == 0:
        return f"{word} {who(name, story)}: {in_sentence(metric)} stayed at {reached}."
    return (
        f"{word} {who(name, story)}: {in_sentence(metric)} {shift(suite, metric, change.change)} "
        f"from its {reached} ({sure(suite, metric, change)})."
    )


def gate_line(story: Story) -> str:
    """Return whether the gate passed, as one sentence; empty where there is none."""
    if story.gate is None:
        return ""
    conditions = story.gate["conditions"]
    missed = sum(not each["passed"] for each in conditions)
    if len(conditions) == 1:
        return f"The gate {'failed' if missed else 'passed'}."
    if missed:
        verb = "is" if missed == 1 else "are"
        return f"The gate failed: {missed} of {len(conditions)} conditions {verb} not met."
    return f"The gate passed: all {len(conditions)} conditions are met."
