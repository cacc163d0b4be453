"""Each rule of what to try next, where it speaks and where it keeps silent."""

from dataclasses import replace
from typing import Any

import pytest
from stories import forgetting, qa, qa_rows, story, suite

from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.page.advice import advice, of_answers, of_data, of_training

CONFIG = {"trainer": {"learning_rate": 1e-3, "num_train_epochs": 4.0}, "peft": {"r": 16}}


def history(losses: list[float], held: list[float] | None = None) -> list[dict[str, Any]]:
    rows = [{"step": 10 * (at + 1), "loss": loss} for at, loss in enumerate(losses)]
    every = max(1, len(losses) // max(1, len(held or [1])))
    rows += [
        {"step": 10 * every * (at + 1), "eval_loss": loss} for at, loss in enumerate(held or [])
    ]
    return rows


def data(train: int = 1000, validation: int = 50, **other: Any) -> dict[str, Any]:
    tokens = {"train": {"rows": train}, "validation": {"rows": validation}}
    return {"tokens": tokens, "contamination": {}, "eos_supervised": 1.0, **other}


def test_a_loss_that_left_the_numbers_asks_for_smaller_steps() -> None:
    found = of_training.diverged(story(history=history([4, float("nan")]), config=CONFIG))
    assert found is not None
    assert "left the numbers" in found.text
    assert found.keys == ("trainer.learning_rate=0.0003", "trainer.warmup_steps=0.1")
    assert of_training.diverged(story(history=history([4, 3, 3, 9]), config=CONFIG))
    assert of_training.diverged(story(history=history([4, 3, 2, 1]))) is None


def test_a_validation_loss_that_rose_again_asks_for_fewer_epochs() -> None:
    falling = [4 - at / 6 for at in range(20)]
    told = story(history=history(falling, [3, 2, 2.5, 3]), config=CONFIG)
    found = of_training.overfit(told)
    assert found is not None
    assert "lowest at step 100" in found.text
    assert found.keys[0] == "trainer.num_train_epochs=2"
    assert of_training.overfit(story(history=history(falling, [3, 2.5, 2, 1.9]))) is None
    rising = story(history=history([4.0, 3, 2, 3, 4, 5], [3, 2, 2.5]))
    assert of_training.overfit(rising) is None


def test_a_loss_that_was_still_falling_asks_for_more_epochs() -> None:
    found = of_training.still_falling(
        story(history=history([4 - at / 10 for at in range(20)]), config=CONFIG)
    )
    assert found is not None
    assert found.keys == ("trainer.num_train_epochs=6",)
    flat = [4.0, 3, 2, 1, *[0.5] * 16]
    assert of_training.still_falling(story(history=history(flat))) is None
    level = story(history=history([4 - at / 10 for at in range(20)], [3, 2, 2, 2]))
    assert of_training.still_falling(level) is None


def test_steps_are_named_where_steps_were_asked_for() -> None:
    config = {"trainer": {"max_steps": 100, "num_train_epochs": 3.0}}
    found = of_training.still_falling(
        story(history=history([4 - at / 10 for at in range(20)]), config=config)
    )
    assert found is not None
    assert found.keys == ("trainer.max_steps=150",)


def test_a_validation_split_that_nobody_looked_at_is_told() -> None:
    told = story(history=history([1.0] * 5), data=data(), train={"steps": 200})
    found = of_training.never_looked(told)
    assert found is not None
    assert found.keys == ("trainer.eval_steps=20",)
    assert of_training.never_looked(story(data=data(validation=0), train={"steps": 200})) is None
    looked = story(history=history([1.0], [1.0]), data=data(), train={"steps": 200})
    assert of_training.never_looked(looked) is None


def test_one_answer_to_everything_is_told() -> None:
    rows = {"base": qa_rows(["x"] * 20), "tuned": qa_rows(["yes"] * 20)}
    assert of_answers.all_the_same(story(suite(Qa(), rows), config=CONFIG))
    assert of_answers.all_the_same(story(qa(base=0, tuned=30))) is None


def test_prompting_that_does_as_well_is_told() -> None:
    assert of_answers.prompting_does_as_well(story(qa(base=0, few_shot=34, tuned=35), shots=3))
    assert of_answers.prompting_does_as_well(story(qa(base=0, few_shot=2, tuned=35))) is None
    assert of_answers.prompting_does_as_well(story(qa(base=0, tuned=35))) is None


def test_no_real_change_asks_for_more_of_everything() -> None:
    found = of_answers.no_real_change(story(qa(base=20, tuned=21), config=CONFIG))
    assert found is not None
    assert found.keys[1:] == ("trainer.num_train_epochs=8", "trainer.learning_rate=0.003")
    assert of_answers.no_real_change(story(qa(base=0, tuned=35))) is None
    assert of_answers.no_real_change(story()) is None


def test_what_else_got_better_is_not_called_nothing() -> None:
    told = qa(base=20, tuned=21)
    told.changes["base"]["f1"] = replace(told.changes["base"]["exact_match"], better=True)
    found = of_answers.no_real_change(story(told, config=CONFIG))
    assert found is not None
    assert found.text.startswith("Exact match shows no real change, though F1 got better.")


@pytest.mark.parametrize(
    ("dataset", "key"),
    [
        ({}, "dataset.split.test=0.2"),
        ({"split": {"test": 0.2}}, "dataset.test_path=MORE_QUESTIONS"),
        ({"test_path": "x"}, "dataset.test_path=MORE_QUESTIONS"),
    ],
)
def test_a_wide_interval_asks_for_more_test_questions(dataset: dict[str, Any], key: str) -> None:
    config = {**CONFIG, "dataset": dataset}
    found = of_answers.small_test(story(qa(base=18, tuned=24), config=config))
    assert found is not None
    assert found.keys == (key,)
    assert found.text.startswith("With 40 test examples the change is only known to be within ")
    assert of_answers.small_test(story(qa(base=0, tuned=38), config=config)) is None
    assert of_answers.small_test(story(qa(400, base=180, tuned=240), config=config)) is None


def test_answers_that_were_cut_ask_for_longer_ones() -> None:
    rows = qa_rows(["right"] * 10)
    for row in rows[:4]:
        row["ended"] = False
    found = of_answers.cut_off(story(suite(Qa(), {"tuned": rows})))
    assert found is not None
    assert found.keys == ("eval.qa.max_new_tokens=128",)
    assert found.text.startswith("40% of the answers to qa were cut off")
    never = of_answers.cut_off(story(suite(Qa(), {"tuned": rows}), data=data(eos_supervised=0)))
    assert never is not None
    assert "never learned to stop" in never.text
    assert of_answers.cut_off(story(qa(tuned=4))) is None


def test_what_was_forgotten_asks_for_smaller_steps_and_a_lower_rank() -> None:
    found = of_answers.forgot(story(forgetting(2.0, 3.0), config=CONFIG))
    assert found is not None
    assert found.keys == ("trainer.learning_rate=0.0003", "peft.r=8")
    assert of_answers.forgot(story(forgetting(2.0, 2.01), config=CONFIG)) is None
    assert of_answers.forgot(story(forgetting(3.0, 2.0), config=CONFIG)) is None


def test_a_suite_with_a_file_of_its_own_that_got_worse_was_not_forgotten() -> None:
    own = suite(
        Qa(path="own.jsonl"), {"base": qa_rows(["right"] * 40), "tuned": qa_rows(["x"] * 40)}
    )
    assert of_answers.forgot(story(own, config=CONFIG)) is None


def test_few_training_rows_ask_for_more() -> None:
    found = of_data.small_training(story(data=data(train=40)))
    assert found is not None
    assert found.text.startswith("40 training rows are few")
    assert of_data.small_training(story(data=data())) is None
    assert of_data.small_training(story()) is None


def test_tests_that_leaked_are_told() -> None:
    leak = {"test": {"same_prompt": 2, "same_words": 1, "words": 13}}
    found = of_data.contaminated(story(qa(base=1), data=data(contamination=leak)))
    assert found is not None
    assert found.text.startswith("3 overlaps between training and the test split")
    clean = {"test": {"same_prompt": 0, "same_words": 0, "words": 13}}
    assert of_data.contaminated(story(qa(base=1), data=data(contamination=clean))) is None
    own = suite(Qa(path="own.jsonl"), {"base": qa_rows(["right"])})
    assert of_data.contaminated(story(own, data=data(contamination=leak))) is None


def test_a_story_of_nothing_has_no_advice() -> None:
    assert advice(story()) == []
