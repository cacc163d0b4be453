"""Where it got better and worse: the largest changes either way, paired by example."""

from stories import forgetting, qa, qa_rows, story, suite

from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.page.moves import moves, section

EVIL = "<script>alert('x')</script>"


def test_the_largest_changes_either_way_are_found_and_counted() -> None:
    rows = {
        "base": qa_rows(["right"] * 3 + ["x"] * 30),
        "tuned": qa_rows(["x"] * 3 + ["right"] * 20 + ["x"] * 10),
    }
    found = moves(suite(Qa(), rows))
    assert found is not None
    assert (found.better, found.worse, found.same) == (20, 3, 10)
    assert (len(found.gains), len(found.losses)) == (10, 3)
    assert {move.line for move in found.losses} == {1, 2, 3}


def test_losses_are_ranked_by_token_and_lower_is_better() -> None:
    found = moves(forgetting(3.0, 2.0))
    assert found is not None
    assert (found.better, found.worse) == (40, 0)
    told = section(story(forgetting(2.0, 3.0)))
    assert "loss of a token" in told
    assert "line 1 of eval/forgetting.jsonl" in told


def test_only_examples_that_both_were_asked_are_compared() -> None:
    base, tuned = qa_rows(["x"] * 10), qa_rows(["right"] * 12)
    found = moves(suite(Qa(), {"tuned": tuned}))
    assert found is None
    whole = suite(Qa(), {"tuned": tuned})
    whole.rows["base"] = base[::-1]
    found = moves(whole)
    assert found is not None
    assert (found.better, found.same) == (10, 0)
    assert all(move.before["question"] == move.after["question"] for move in found.gains)


def test_the_words_that_differ_are_marked() -> None:
    asked = ["It is the number 0 and another one."] + ["right"] * 11
    told = section(story(suite(Qa(), {"base": qa_rows(asked), "tuned": qa_rows(["right"] * 12)})))
    assert "<del>another one</del>" in told
    assert "<ins>no other</ins>" in told


def test_rows_of_an_older_release_are_not_judged_but_do_no_harm() -> None:
    rows = {"base": qa_rows(["x"] * 9), "tuned": qa_rows(["right"] * 9)}
    told = suite(Qa(), rows)
    for row in [*rows["base"], *rows["tuned"]]:
        del row["answerable"]
    assert "0 better, 0 worse, 9 the same" in section(story(told))


def test_what_models_say_cannot_be_markup() -> None:
    rows = {"base": qa_rows(["x"] * 9), "tuned": qa_rows([EVIL] * 9)}
    for row in [*rows["base"], *rows["tuned"]]:
        row["question"], row["expected"] = EVIL, [EVIL]
    told = suite(Qa(), rows, EVIL)
    for row in rows["tuned"]:
        row["exact_match"] = row["f1"] = 1.0
    assert "<script" not in section(story(told))


def test_a_suite_that_only_one_model_has_is_left_out() -> None:
    assert section(story(qa(tuned=4))) == ""
