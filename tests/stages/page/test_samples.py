"""Answers to read: drawn by chance, the same every time, with all models side by side."""

from stories import Asked, qa, qa_rows, story, suite

from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.prompts import Prompts
from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.page.samples import drawn, prompts, samples


def test_samples_are_drawn_by_chance_and_the_same_every_time() -> None:
    found = [each.example["where"] for each in drawn(qa(100, base=0, tuned=80))]
    assert found == [each.example["where"] for each in drawn(qa(100, base=3, tuned=10))]
    assert len(set(found)) == 8
    places = [int(where.split()[-1]) for where in found]
    assert places == sorted(places)
    assert {here - there for here, there in zip(places[1:], places)} != {12}


def test_the_seed_is_said() -> None:
    text = samples(story(qa(base=0, tuned=34)))
    assert "8 of 40 questions of qa, drawn by chance with seed 0: not cherry-picked." in text


def test_answers_of_all_models_stand_side_by_side_the_tuned_last() -> None:
    (first, *_) = drawn(qa(base=0, tuned=34, few_shot=3))
    assert list(first.answers) == ["base", "few_shot", "tuned"]


def test_right_and_wrong_are_said_in_words() -> None:
    text = samples(story(qa(base=0, tuned=40)))
    assert text.count("✓ right") == text.count("✗ wrong") == 8


def test_an_answer_of_nothing_is_shown_as_such() -> None:
    text = samples(story(suite(Qa(), {"tuned": qa_rows([""] * 3)})))
    assert "(nothing)" in text


def own(count: int) -> list[dict]:
    asked = [Asked(at) for at in range(count)]
    said = [Completion(f"answer {at}", 2, True) for at in range(count)]
    return [Prompts().row(one, answer) for one, answer in zip(asked, said)]  # type: ignore[arg-type]


def test_a_persons_own_prompts_are_all_shown_in_their_order() -> None:
    told = story(suite(Prompts(), {"base": own(14), "tuned": own(14)}, "prompts", "your prompts"))
    text = prompts(told)
    assert text.index("What is 0?") < text.index("What is 13?")
    assert "<summary>2 more</summary>" in text
    assert samples(told) == ""


def test_a_list_of_very_many_prompts_is_cut() -> None:
    told = suite(Prompts(), {"base": own(100), "tuned": own(100)}, "prompts", "your prompts")
    assert "40 more are in eval/prompts.jsonl." in prompts(story(told))
