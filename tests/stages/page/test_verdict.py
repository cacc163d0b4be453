"""The verdict calls better or worse only what is real, and says at what and by how much."""

from dataclasses import replace

import pytest
from stories import forgetting, qa, qa_rows, story, suite

from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Suite
from ftrecipe.stages.page.verdict import findings, gate_line, verdict
from ftrecipe.stages.page.words import lines, measured


def test_a_real_gain_is_told_with_its_interval() -> None:
    said = verdict(story(qa(base=0, tuned=34)))
    assert (said.head, said.tone) == ("Better than the base", "better")
    assert said.body.startswith(
        "exact match on 40 questions it was never shown rose by 85.0 points to 85.0 % "
        "(95 % interval +"
    )


def test_a_real_loss_is_worse() -> None:
    said = verdict(story(qa(base=34, tuned=4)))
    assert (said.head, said.tone) == ("Worse than the base", "worse")
    assert "fell by 75.0 points to 10.0 %" in said.body


def test_what_may_be_chance_is_no_real_change() -> None:
    said = verdict(story(qa(base=20, tuned=22)))
    assert (said.head, said.tone) == ("No real change", "even")
    assert "rose by 5.0 points to 55.0 % (95 % interval " in said.body


def test_what_was_lost_elsewhere_is_in_the_same_sentence() -> None:
    said = verdict(story(forgetting(2.0, 3.0), qa(base=0, tuned=34)))
    assert said.head == "Better than the base"
    assert "; perplexity on general text got worse, from " in said.body


def test_where_the_first_suite_shows_nothing_a_gain_elsewhere_is_told() -> None:
    said = verdict(story(qa(base=20, tuned=20), forgetting(3.0, 2.0)))
    assert said.head == "No real change"
    assert "stayed at 50.0 %; perplexity on general text got better, from " in said.body


def test_examples_in_the_prompt_that_do_as_well_are_told() -> None:
    told = story(qa(base=0, few_shot=34, tuned=35), shots=3)
    assert verdict(told).text.endswith("; three examples in the prompt do as well (85.0 %).")
    worse = story(qa(base=0, few_shot=39, tuned=20), shots=1)
    assert verdict(worse).text.endswith("; one example in the prompt does better (97.5 %).")


def test_examples_in_the_prompt_that_do_as_badly_are_no_advice() -> None:
    told = story(qa(base=0, few_shot=0, tuned=0), shots=2)
    assert "in the prompt" not in verdict(told).text
    assert findings(told)[0].startswith("No real difference from the base with 2 examples")
    assert findings(told)[0].endswith(": exact match stayed at 0.0 %.")


def test_examples_in_the_prompt_that_do_worse_are_a_finding_and_no_warning() -> None:
    told = story(qa(base=0, few_shot=2, tuned=35), shots=3)
    assert "in the prompt do" not in verdict(told).text
    assert findings(told)[0].startswith("Better than the base with 3 examples in its prompt: ")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (2, "Better than the base and than last/1"),
        (33, "Better than the base, not really different from last/1"),
        (40, "Better than the base, worse than last/1"),
    ],
)
def test_earlier_runs_are_named_by_what_is_real(last: int, said: str) -> None:
    told = qa(base=0, tuned=32, **{"last/1": last})
    assert verdict(story(told)).head == said


def test_where_no_answer_matches_exactly_f1_is_told() -> None:
    near = "It is the number {} as far as anybody here would know today"
    rows = {
        "base": qa_rows(["something else"] * 40),
        "tuned": qa_rows([near.format(at) for at in range(40)]),
    }
    said = verdict(story(suite(Qa(), rows)))
    assert said.body.startswith("F1 on 40 questions")


def test_the_metric_that_is_told_does_not_depend_on_what_is_real() -> None:
    told = qa(base=20, tuned=20)
    real = replace(told.changes["base"]["f1"], real=True, better=True)
    tempting = replace(told, changes={"base": told.changes["base"] | {"f1": real}})
    assert tempting.telling == "exact_match"
    assert verdict(story(tempting)).head == "No real change"


def test_before_training_the_baselines_are_told() -> None:
    told = story(qa(base=4, few_shot=10), shots=3)
    assert verdict(told).text == (
        "Before training: exact match on 40 questions it was never shown is 10.0 % (the base), "
        "25.0 % (the base with 3 examples in its prompt)."
    )


def test_a_run_without_intervals_says_so() -> None:
    old = replace(qa(base=0, tuned=34), changes={})
    assert verdict(story(old)).text == (
        "Exact match on 40 questions it was never shown rose from 0.0 % to 85.0 %; no interval was "
        "computed."
    )
    assert verdict(story(qa(tuned=34))).text.endswith("is 85.0 %; the base was not measured.")


def test_nothing_measured_is_said_to_be_so() -> None:
    assert verdict(story()).text == "The tuned model was not measured."


def test_a_model_that_diverged_has_a_verdict() -> None:
    told = forgetting(2.0, float("nan"))
    assert "not a number" in verdict(story(told)).text
    assert lines(told)[0].after == "not a number"


def test_right_answers_come_before_anything_else() -> None:
    told = story(forgetting(2.0, 2.0), qa(base=1, tuned=2))
    assert [each.name for each in measured(told)] == ["qa", "forgetting"]


def gated(*passed: bool) -> Story:
    conditions = [{"condition": f"c{at}", "passed": each} for at, each in enumerate(passed)]
    return story(gate={"passed": all(passed), "conditions": conditions})


def test_the_gate_is_told_in_one_line() -> None:
    assert gate_line(story()) == ""
    assert gate_line(gated(True)) == "The gate passed."
    assert gate_line(gated(True, True)) == "The gate passed: all 2 conditions are met."
    assert gate_line(gated(True, False)) == "The gate failed: 1 of 2 conditions is not met."


def test_numbers_of_what_was_measured_on_are_no_rows_of_the_table() -> None:
    told: Suite = qa(base=0, tuned=34)
    assert [line.metric for line in lines(told)] == ["Exact match", "F1"]
