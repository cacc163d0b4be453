"""The gap between training and validation loss, as the trainer's log tells it."""

from typing import Any

from ftrecipe.stages.training.gap import Gap, gaps, grown


def trained(step: int, loss: float) -> dict[str, Any]:
    return {"step": step, "loss": loss}


def evaluated(step: int, loss: float) -> dict[str, Any]:
    return {"step": step, "eval_loss": loss}


def test_a_gap_is_to_the_mean_training_loss_since_the_evaluation_before() -> None:
    log = [
        trained(10, 4.0), trained(20, 2.0), evaluated(20, 3.5),
        trained(30, 1.0), evaluated(30, 3.0),
    ]  # fmt: skip
    assert gaps(log) == [Gap(20, 3.0, 3.5), Gap(30, 1.0, 3.0)]


def test_a_log_every_many_evaluations_leaves_its_last_loss_standing() -> None:
    log = [trained(10, 2.0), evaluated(10, 3.0), evaluated(15, 4.0), trained(20, 1.0)]
    assert gaps(log) == [Gap(10, 2.0, 3.0), Gap(15, 2.0, 4.0)]


def test_an_evaluation_before_the_first_training_loss_has_no_gap() -> None:
    assert gaps([evaluated(0, 5.0), trained(5, 2.0)]) == []


def sizes(*found: float) -> list[Gap]:
    return [Gap(step, 1.0, 1.0 + size) for step, size in enumerate(found)]


def test_a_gap_has_to_grow_at_each_of_the_last_evaluations() -> None:
    assert grown(sizes(0.5, 0.1, 0.2, 0.3), 2)
    assert grown(sizes(0.1, 0.2, 0.3, 0.4), 3)
    assert not grown(sizes(0.5, 0.1, 0.2, 0.3), 3)
    assert not grown(sizes(0.1, 0.2, 0.2), 2)


def test_two_evaluations_are_too_few_to_have_grown_twice() -> None:
    assert not grown(sizes(0.1, 0.2), 2)


def test_a_validation_loss_of_nan_is_no_growth() -> None:
    assert not grown(sizes(0.1, float("nan"), 0.3), 2)
