"""A gate's conditions are read as people write them, and what cannot be read says how to."""

import pytest

from ftrecipe.compare.gate import Bound, parse, renamed

KNOWN = ("base", "few_shot", "faq/2026-11-22_10-00-00", "last-week", "last")


@pytest.mark.parametrize(
    ("text", "metric", "sign", "bound"),
    [
        ("qa.f1 >= base + 5", "f1", ">=", Bound(5, 1, "base")),
        ("qa.f1>=base+5", "f1", ">=", Bound(5, 1, "base")),
        ("  qa.f1  >=  base  ", "f1", ">=", Bound(0, 1, "base")),
        ("qa.f1 ≥ base − 5", "f1", ">=", Bound(-5, 1, "base")),
        ("qa.f1 > base-5", "f1", ">", Bound(-5, 1, "base")),
        ("qa.f1 <= base * 1.1", "f1", "<=", Bound(0, 1.1, "base")),
        ("qa.f1 <= 1.1 * base", "f1", "<=", Bound(0, 1.1, "base")),
        ("qa.f1 < base * 110 %", "f1", "<", Bound(0, 1.1, "base")),
        ("qa.f1 >= 80", "f1", ">=", Bound(80)),
        ("qa.f1 >= 80 %", "f1", ">=", Bound(80)),
        ("qa.f1 >= -2.5e-1", "f1", ">=", Bound(-0.25)),
        ("tuned.qa.f1 >= few_shot", "f1", ">=", Bound(0, 1, "few_shot")),
        ("qa.f1.refund >= base", "f1.refund", ">=", Bound(0, 1, "base")),
        ("qa.f1 >= last-week", "f1", ">=", Bound(0, 1, "last-week")),
        ("qa.f1 >= last-week-3", "f1", ">=", Bound(-3, 1, "last-week")),
        ("qa.f1 >= last - 3", "f1", ">=", Bound(-3, 1, "last")),
        (
            "qa.f1 >= faq/2026-11-22_10-00-00 + 1", "f1", ">=",
            Bound(1, 1, "faq/2026-11-22_10-00-00"),
        ),
    ],
)  # fmt: skip
def test_a_condition_is_read(text: str, metric: str, sign: str, bound: Bound) -> None:
    found = parse(text, KNOWN)
    assert (found.suite, found.metric, found.sign) == ("qa", metric, sign)
    assert found.bound.baseline == bound.baseline
    assert (found.bound.factor, found.bound.offset) == pytest.approx((bound.factor, bound.offset))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no comparison"),
        ("qa.f1", "has no comparison"),
        ("qa.f1 >=", "says nothing after >="),
        ("f1 >= 3", "names no metric"),
        ("base + 5 <= qa.f1", "names no metric"),
        ("qa.f1 => base", "write >="),
        ("qa.f1 = 80", "there are >= <= > <"),
        ("qa.f1 >= bse + 5", "did you mean base"),
        ("qa.f1 >= base + 5 %", r"base \* 1.05 for a share"),
        ("qa.f1 >= base - 5%", r"base \* 0.95 for a share"),
        ("qa.f1 >= base / 2", "neither a number nor a baseline"),
        ("qa.f1 >= base + few_shot", "neither a number nor a baseline"),
        ("qa.f1 >= base +", "neither a number nor a baseline"),
        ("qa.f1 >= last-year", "compare.against"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse(text, KNOWN)


@pytest.mark.parametrize(
    ("sign", "margins"), [(">=", (0, 1)), (">", (1, 2)), ("<=", (0, -1)), ("<", (-1, -2))]
)
def test_a_condition_holds_on_its_side_of_the_bound(sign: str, margins: tuple[int, int]) -> None:
    condition = parse(f"qa.f1 {sign} 5", KNOWN)
    assert [condition.holds(margin) for margin in margins] == [True, True]
    assert not condition.holds(-margins[1])


def test_a_baseline_can_be_called_otherwise() -> None:
    names = {"bot@production": "bot/2026-11-22_10-00-00", "base": "base"}
    assert renamed("qa.f1 >= bot@production - 2", names) == "qa.f1 >= bot/2026-11-22_10-00-00 - 2"
    assert renamed("qa.f1 >= 1.1 * bot@production", names) == (
        "qa.f1 >= 1.1 * bot/2026-11-22_10-00-00"
    )
    for text in ("qa.f1 >= base + 5", "qa.f1 >= 80", "qa.f1 >= other", "nonsense"):
        assert renamed(text, names) == text
