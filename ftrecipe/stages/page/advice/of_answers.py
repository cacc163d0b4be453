"""Advice from what the models said: the answers, their intervals, and what was forgotten."""

import math

from ftrecipe.components.eval import AnswerEval
from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.advice.finding import Advice, epochs, rate
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Change, Suite
from ftrecipe.stages.page.verdict import prompting_is_enough
from ftrecipe.stages.page.words import amount, heading, in_sentence, interval, measured

SMALL_TEST = 100  # examples
HELD_OUT = 0.2  # of the data: to test on more of it takes too much from training
WIDE = 10.0  # points from one end of an interval to the other
CUT = 0.1  # of the answers
LOST = 1.1  # times the base's
SAME = 10  # answers, from which on one that is all of them is a finding


def all_the_same(story: Story) -> Advice | None:
    """One answer to everything, where the expected ones differ."""
    for suite in measured(story):
        rows = [row for row in suite.rows.get(TUNED, []) if row.get("answer") is not None]
        said = {str(row["answer"]) for row in rows}
        wanted = {str(row.get("expected")) for row in rows}
        if len(rows) >= SAME and len(said) == 1 and len(wanted) > 1:
            return Advice(
                "The tuned model says the same to every question: it has learned the most frequent "
                "answer, or the training broke it.", (rate(story, 0.3),)
            )  # fmt: skip
    return None


def prompting_does_as_well(story: Story) -> Advice | None:
    """Examples in the prompt of the base reach what the training reached."""
    if not prompting_is_enough(story):
        return None
    return Advice(
        "Prompting does as well as this training: put the examples in the prompt, or give the "
        "training more to learn from than fits there.", ("dataset.path=MORE_DATA",)
    )  # fmt: skip


def no_real_change(story: Story) -> Advice | None:
    """What the verdict speaks of did not change for sure."""
    lead, change = _lead(story)
    if lead is None or change is None or change.real is not False:
        return None
    gains = _gains(story)
    seen = (
        f"{heading(lead.telling)} shows no real change, though {' and '.join(gains)} got better."
        if gains
        else "Nothing shows that the training helped."
    )
    return Advice(
        f"{seen} Give it more to learn from, or let it learn more: longer, or with a larger step.",
        (
            "dataset.path=MORE_DATA",
            epochs(story, 2),
            rate(story, 3),
        ),
    )


def small_test(story: Story) -> Advice | None:
    """So few examples that the interval leaves open whether a change is large or none."""
    lead, change = _lead(story)
    if lead is None or change is None or not lead.eval.is_percent(lead.telling):
        return None
    count = len(lead.rows.get(TUNED, []))
    if change.ends is None or change.change is None:
        return None
    low, high = change.ends
    wide = high - low
    clear = min(abs(low), abs(high)) > abs(change.change) / 2 and change.real
    if not 0 < count < SMALL_TEST or wide < WIDE or clear:
        return None
    needed = math.ceil(count * (wide / (WIDE / 2)) ** 2 / 10) * 10
    return Advice(
        f"With {count} test examples the change is only known to be within "
        f"{interval(lead, lead.telling, change)}; about {needed:,} would narrow that to "
        f"{WIDE / 2:.0f} points.", _more_tests(story)
    )  # fmt: skip


def cut_off(story: Story) -> Advice | None:
    """Answers that did not end by themselves."""
    for suite in measured(story):
        if not isinstance(suite.eval, AnswerEval):
            continue
        ends = [row["ended"] for row in suite.rows.get(TUNED, []) if row.get("ended") is not None]
        share = ends.count(False) / len(ends) if ends else 0.0
        if share > CUT:
            told = f"{share:.0%} of the answers to {suite.name} were cut off"
            if (story.data or {}).get("eos_supervised") == 0:
                return Advice(
                    f"{told}: no training row ends with a learned end token, so the model never "
                    "learned to stop. Use a chat template that ends its turns."
                )
            longer = f"eval.{suite.name}.max_new_tokens={2 * suite.eval.max_new_tokens}"
            return Advice(f"{told} before they ended: allow longer ones.", (longer,))
    return None


def forgot(story: Story) -> Advice | None:
    """What the run's data is not about went badly."""
    for suite in measured(story):
        change, metric = suite.change(suite.telling), suite.telling
        if change is None or change.better is not False or not suite.is_general:
            continue
        base, tuned = (suite.base or {}).get(metric), (suite.tuned or {}).get(metric)
        if base is None or tuned is None or (base > 0 and tuned > base and tuned < LOST * base):
            continue
        rank = story.config.get("peft", {}).get("r")
        keys = [rate(story, 0.3), *([f"peft.r={max(1, rank // 2)}"] if rank else [])]
        return Advice(
            f"It forgot: {in_sentence(metric)} on {suite.eval.of} went from "
            f"{amount(suite, metric, base)} to {amount(suite, metric, tuned)}. If that counts, "
            "take smaller steps or a lower rank, or mix general data in (dataset=mix).", tuple(keys)
        )  # fmt: skip
    return None


def _lead(story: Story) -> tuple[Suite | None, Change | None]:
    for suite in measured(story):
        if suite.tuned:
            return suite, suite.change(suite.telling)
    return None, None


def _gains(story: Story) -> list[str]:
    """Return what else got really better on what it is tuned for: one metric a suite."""
    found = []
    for suite in measured(story):
        changes = {} if suite.is_general else suite.changes.get(BASE, {})
        better = [metric for metric in suite.eval.directions if metric in changes]
        found += [in_sentence(metric) for metric in better if changes[metric].better][:1]
    return found


def _more_tests(story: Story) -> tuple[str, ...]:
    """Return how more is held out: a file's own size is nothing that a key could change."""
    dataset = story.config.get("dataset", {})
    if dataset.get("test_path") or (dataset.get("split") or {}).get("test", 0) >= HELD_OUT:
        return ("dataset.test_path=MORE_QUESTIONS",)
    return (f"dataset.split.test={HELD_OUT}",)
