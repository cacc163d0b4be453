"""Axes of drawings: round ticks that span what is drawn."""

import pytest

from ftrecipe.page.axes import ticks


def test_ticks_are_round_and_span_the_data() -> None:
    assert ticks(0.13, 6.1, 5) == [0, 2, 4, 6, 8]
    assert ticks(0, 155, 6) == pytest.approx([0, 50, 100, 150, 200])
