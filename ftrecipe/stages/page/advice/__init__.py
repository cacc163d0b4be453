"""What to try next: rules that look at what was measured, each with the keys to type.

A rule is a function of the Story that returns a finding or None.
"""

from ftrecipe.stages.page.advice import of_answers, of_data, of_training
from ftrecipe.stages.page.advice.finding import Advice
from ftrecipe.stages.page.story import Story

RULES = (
    of_training.diverged,
    of_answers.all_the_same,
    of_answers.prompting_does_as_well,
    of_answers.no_real_change,
    of_training.overfit,
    of_training.still_falling,
    of_data.small_training,
    of_answers.small_test,
    of_answers.cut_off,
    of_answers.forgot,
    of_data.contaminated,
    of_training.never_looked,
)


def advice(story: Story) -> list[Advice]:
    """Return what the rules say, the most urgent first."""
    return [found for rule in RULES if (found := rule(story)) is not None]
