"""Rules on values that nothing would read: their fields declare what they have an effect with.

They are for what a person writes. A run that was made before goes on with such values: they have no
effect there either.
"""

from collections.abc import Iterator
from functools import partial

from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.nested import without_effect
from ftrecipe.registry import Group
from ftrecipe.rules.register import writing_rule


def _without_effect(group: Group, run: RunConfig) -> Iterator[str]:
    option = getattr(run, group.name)
    for key, one in (
        ((f"{group.name}.{name}", one) for name, one in option.items())
        if group.many
        else [(group.name, option)]
    ):
        yield from (f"{key}.{fault}" for fault in without_effect(one, key))


for _group in GROUPS.values():  # one rule a group, so that what is faulty hides no other's faults
    writing_rule(partial(_without_effect, _group))


@writing_rule
def _inside_of_data(run: RunConfig) -> Iterator[str]:
    for key, one in run.dataset.inside():
        yield from (f"{key}.{fault}" for fault in without_effect(one, key))
