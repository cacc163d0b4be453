"""The closing table says what changed and whether that is good."""

import pytest

from ftrecipe.stages.summary import change, number


@pytest.mark.parametrize(
    ("before", "after", "direction", "said"),
    [
        (0.0, 85.0, "max", "+85.0 better"),
        (4.0, 5.5, "min", "+1.500 worse"),
        (4.0, 3.0, "min", "−1.000 better"),
        (1.0, 1.0, "max", "same"),
        (None, 1.0, "max", ""),
    ],
)
def test_change_has_a_sign_and_a_verdict(before, after, direction, said) -> None:
    assert change(before, after, direction) == said


def test_value_that_was_not_measured_is_a_dash() -> None:
    assert number(None) == "–"
