"""Advice from how the training went: its losses, step by step."""

import math
from collections.abc import Sequence

from ftrecipe.stages.page.advice.finding import Advice, epochs, rate
from ftrecipe.stages.page.story import Story

STILL_FALLING = 0.02  # of the loss: what the last quarter of the training took off it
ROSE_AGAIN = 1.03  # times the lowest validation loss
FEW = 20  # steps, below which there is no course to speak of


def diverged(story: Story) -> Advice | None:
    """A loss that is no number, or ends above where it began."""
    losses = _series(story, "loss")
    broken = any(not math.isfinite(loss) for loss in losses)
    if not broken and (len(losses) < 4 or losses[-1] < 1.2 * losses[0]):
        return None
    how = "left the numbers" if broken else "ended higher than it began"
    return Advice(
        f"The training diverged: its loss {how}. Take smaller steps, and longer to warm up.",
        (rate(story, 0.3), "trainer.warmup_steps=0.1"),
    )


def overfit(story: Story) -> Advice | None:
    """The validation loss rose again while the training loss went on falling."""
    held = _points(story, "eval_loss")
    if len(held) < 3:
        return None
    best_step, lowest = min(held, key=lambda point: point[1])
    last_step, last = held[-1]
    after = [loss for step, loss in _points(story, "loss") if step >= best_step]
    if last < ROSE_AGAIN * lowest or len(after) < 2 or after[-1] > after[0]:
        return None
    return Advice(
        f"It learned by heart: the validation loss was lowest at step {best_step:,} ({lowest:.3g}) "
        f"and rose to {last:.3g} while the training loss went on falling. Train less, or keep the "
        "best checkpoint.",
        (
            epochs(story, best_step / max(1, last_step)),
            "trainer.load_best_model_at_end=true",
            "trainer.early_stopping_patience=3",
        ),
    )


def still_falling(story: Story) -> Advice | None:
    """The last quarter still took something off the loss."""
    held, losses = _series(story, "eval_loss"), _series(story, "loss")
    series = held if len(held) >= 4 else losses
    enough = series is held or len(series) >= 8
    if not enough or not all(map(math.isfinite, series)):
        return None
    quarter = max(1, len(series) // 4)
    before, last = _mean(series[-2 * quarter : -quarter]), _mean(series[-quarter:])
    fell = before - last
    if fell < STILL_FALLING * abs(before) or fell < STILL_FALLING * (series[0] - last):
        return None
    what = "validation" if series is held else "training"
    return Advice(
        f"The {what} loss was still falling at the end (the last quarter took it from {before:.3g} "
        f"to {last:.3g}): train longer.", (epochs(story, 1.5),)
    )  # fmt: skip


def never_looked(story: Story) -> Advice | None:
    """Several epochs without one look at the validation loss."""
    held_rows = (story.data or {}).get("tokens", {}).get("validation", {}).get("rows")
    steps = story.train.get("steps", 0)
    if not held_rows or steps < FEW or _points(story, "eval_loss"):
        return None
    return Advice(
        "The validation loss was not measured during training, so learning by heart would not "
        "show.", (f"trainer.eval_steps={max(1, steps // 10)}",)
    )  # fmt: skip


def _points(story: Story, key: str) -> list[tuple[float, float]]:
    return [(row["step"], row[key]) for row in story.history if row.get(key) is not None]


def _series(story: Story, key: str) -> list[float]:
    return [value for _, value in _points(story, key)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
