"""One piece of advice, and the words for the command line that most of them name."""

from dataclasses import dataclass

from ftrecipe.stages.page.story import Story


@dataclass(frozen=True)
class Advice:
    """What was seen and what to do about it, with the words for the command line."""

    text: str
    keys: tuple[str, ...] = ()


def rate(story: Story, factor: float) -> str:
    """Return the word that sets the learning rate to `factor` times what it was."""
    was = story.config.get("trainer", {}).get("learning_rate")
    return f"trainer.learning_rate={was * factor:.2g}" if was else "trainer.learning_rate=…"


def epochs(story: Story, factor: float) -> str:
    """Return the word that trains `factor` times as long."""
    trainer = story.config.get("trainer", {})
    if trainer.get("max_steps", -1) > 0:
        return f"trainer.max_steps={max(1, round(factor * trainer['max_steps']))}"
    return f"trainer.num_train_epochs={max(1, round(factor * trainer.get('num_train_epochs', 1)))}"
