"""How the training went, drawn: losses, the metrics that were measured meanwhile, the rate."""

from ftrecipe.page.charts import Line, Point, figure
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Suite
from ftrecipe.stages.page.words import heading

MEASURED = "eval."  # eval.<suite>.<metric> of a history line
MOST = 8  # metrics


def curves(story: Story) -> str:
    """The losses large; each metric, and the learning rate, in a drawing of its own."""
    kept = story.train.get("best_step")
    loss = figure(
        f"Loss; the weights of step {kept:,} were kept" if kept else "Loss",
        [
            Line("training", "tuned", points(story, "loss")),
            Line("validation", "other", points(story, "eval_loss")),
        ],
        mark=kept,
    )
    small = [_metric(story, key) for key in metrics(story)[:MOST]]
    rate = [Line("learning rate", "base", points(story, "learning_rate"))]
    alone = len(small) % 2 == 0  # else it fills the gap beside the last of them
    drawn = figure("Learning rate", rate, half=not alone, low=alone, zero=True)
    body = loss + f'<div class="plots">{"".join([*small, *([] if alone else [drawn])])}</div>'
    return f"<h2>While it trained</h2>{body}{drawn if alone else ''}" if loss or drawn else ""


def metrics(story: Story) -> list[str]:
    """Return the keys of the metrics that were measured during training, headlines first."""
    found = dict.fromkeys(key for row in story.history for key in row if key.startswith(MEASURED))
    return sorted(found, key=lambda key: not _is_telling(story, key))


def points(story: Story, key: str) -> list[Point]:
    """Return what the history says of one key, by step."""
    return [(row["step"], row[key]) for row in story.history if row.get(key) is not None]


def _metric(story: Story, key: str) -> str:
    name, _, metric = key.removeprefix(MEASURED).partition(".")
    suite = _suite(story, name)
    percent = suite is not None and suite.eval.is_percent(metric)
    title = f"{heading(metric)}{', %' if percent else ''} · {name}, on a sample"
    return figure(title, [Line(heading(metric), "tuned", points(story, key))], half=True,
                  zero=percent)  # fmt: skip


def _is_telling(story: Story, key: str) -> bool:
    name, _, metric = key.removeprefix(MEASURED).partition(".")
    suite = _suite(story, name)
    return suite is not None and metric == suite.telling


def _suite(story: Story, name: str) -> Suite | None:
    return next((suite for suite in story.suites if suite.name == name), None)
