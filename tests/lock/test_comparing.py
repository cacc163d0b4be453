"""Two locks side by side: bits, bytes and words."""

import math

from ftrecipe.lock import contents, differing, outcome

SAME = {"loss": {"1": 5.440403461456299, "2": 5.0}}


def test_losses_are_compared_to_the_last_bit() -> None:
    other = {"loss": {"1": math.nextafter(5.440403461456299, 6), "2": 5.0}}
    assert outcome.losses(SAME, SAME).same is True
    found = outcome.losses(SAME, other)
    assert found.same is False
    assert "differ from step 1" in found.told
    assert "1 of 2 numbers" in found.told


def test_steps_that_only_one_run_logged_are_a_difference() -> None:
    found = outcome.losses(SAME, {"loss": {"1": 5.440403461456299}})
    assert found.same is False
    assert "differ from step 2: loss 5.0 → –" in found.told


def test_a_loss_that_is_no_number_is_equal_to_itself() -> None:
    assert outcome.losses({"loss": {"1": math.nan}}, {"loss": {"1": math.nan}}).same is True


def test_what_one_side_does_not_say_is_neither_same_nor_different() -> None:
    assert outcome.losses({}, SAME).same is None
    assert outcome.mapped("metrics", {}, {"qa": 1}, "number").same is None
    assert outcome.one("prepared data", None, "a").same is None


def test_only_the_first_few_differences_of_an_item_are_told() -> None:
    was = {f"package_{n}": "1" for n in range(9)}
    found = outcome.mapped("versions", was, dict.fromkeys(was, "2"), "package")
    assert found.told.count("→") == outcome.SHOWN
    assert found.told.endswith("and 6 more")


def test_an_option_that_only_one_run_has_is_one_difference() -> None:
    a = {"config": {"eval": {"qa": {"type": "qa", "seed": 0}}}}
    b = {"config": {"eval": {}}}
    [found] = differing.differences(a, b)
    assert (found.item, found.a, found.b) == ("eval.qa", "qa", None)


def test_what_comes_with_another_option_is_not_told() -> None:
    a = {"config": {"peft": {"type": "lora", "r": 8, "extra": {}}}}
    b = {"config": {"peft": {"type": "full", "extra": {"a": 1}}}}
    assert [one.item for one in differing.differences(a, b)] == ["peft.type", "peft.extra.a"]


def data(name: str, digest: str) -> dict[str, object]:
    file = {"key": "dataset.path", "named": name, "name": name, "sha256": digest}
    return {"config": {}, "data": {"files": [file], "rows": {}}}


def test_the_same_data_under_another_name_is_the_same() -> None:
    assert differing.differences(data("a.csv", "1" * 64), data("b.csv", "1" * 64)) == []


def test_other_data_is_told_by_name_and_hash() -> None:
    [found] = differing.differences(data("a.csv", "1" * 64), data("a.csv", "2" * 64))
    assert (found.a, found.b) == ("a.csv 111111111111", "a.csv 222222222222")


def test_a_long_value_is_shown_short_and_on_one_line() -> None:
    text = contents.shown("{% for m in messages %}\n" * 20)
    assert len(text) == contents.LONGEST
    assert "\n" not in text
