"""What a model is not to be trusted with, as far as its run can tell; nothing is guessed."""

from collections.abc import Iterator

from ftrecipe.amounts import many, number
from ftrecipe.stages.card.facts import Facts
from ftrecipe.stages.page.words import amount, in_sentence, measured, ruled

SMALL_TRAINING = 1000  # examples
SMALL_TEST = 100


def limits(facts: Facts) -> list[str]:
    """Return them, a sentence or two each."""
    return [*_model(facts), *_data(facts), *_measured(facts), *_unknown(facts)]


def _model(facts: Facts) -> Iterator[str]:
    if facts.run.model.toy:
        yield "The base is a toy, far too small to be useful: this shows how tuning works."
    yield "It says wrong things in the tone of right ones, as its base does."


def _data(facts: Facts) -> Iterator[str]:
    report = facts.story.data
    if report is None:
        return
    count = report["examples"]["train"]
    if count < SMALL_TRAINING:
        yield (
            f"It was tuned on {many(count, 'example')}: what is unlike them, it answers as its "
            "base would, or worse."
        )
    for split, leak in report["contamination"].items():
        if leak["same_prompt"]:
            yield (
                f"{many(leak['same_prompt'], 'question')} of the {split} split can be seen in "
                "training too, which flatters its results."
            )
    if facts.languages:
        yield f"It was tuned on text in {', '.join(facts.languages)} alone."
    else:
        yield "Nobody looked which languages the training data is in."
    if facts.hides:
        steps = ", ".join(facts.hides)
        yield f"Personal data was hidden before training ({steps}); some may be left."
    else:
        yield "Nobody looked for personal data in the training data: the model may repeat some."


def _measured(facts: Facts) -> Iterator[str]:
    suites = [suite for suite in measured(facts.story) if suite.tuned]
    if not suites:
        yield "It was not measured."
        return
    small = [suite for suite in suites if 0 < len(next(iter(suite.rows.values()), [])) < SMALL_TEST]
    if small:
        named = ", ".join(f"{suite.name}: {_count(suite.rows)}" for suite in small)
        yield f"It was measured on few examples ({named}): the intervals are wide."
    for suite in suites:
        if ruled(suite.change(suite.telling)) == "worse" and suite.base and suite.tuned:
            before, after = (
                amount(suite, suite.telling, side[suite.telling])
                for side in (suite.base, suite.tuned)
            )
            told = in_sentence(suite.telling)
            yield f"On {suite.eval.of}, {told} got worse: from {before} to {after}."
    if not any(suite.is_general for suite in suites):
        yield "What it forgot of what its base knows was not measured."


def _count(rows: dict[str, list]) -> str:
    return number(len(next(iter(rows.values()))))


def _unknown(facts: Facts) -> Iterator[str]:
    if facts.license is None:
        yield "The license of its base is not known here; what it allows holds for this model too."
    bare = [data.name for data in facts.data if data.license is None]
    if bare:
        yield f"The license of the training data is not known here: {', '.join(bare)}."
