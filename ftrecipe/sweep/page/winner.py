"""The winner's recipe, to be shared: its own recipe.yaml with a word on where it comes from."""

from omegaconf import DictConfig, OmegaConf

from ftrecipe.door.words import literal
from ftrecipe.rundir import RunDir
from ftrecipe.sweep.page.story import FAILED, Story, Trial
from ftrecipe.sweep.page.words import settings


def recipe(story: Story) -> str | None:
    """Return the winner's recipe as text, None while no trial has won."""
    best = story.best
    if best is None or best.run is None:
        return None
    file = RunDir(story.folder / best.run).recipe
    if not file.is_file():
        return None
    values = OmegaConf.load(file)
    assert isinstance(values, DictConfig)
    before = OmegaConf.to_container(values).get("description")  # type: ignore[union-attr]
    values["description"] = _description(story, best, before)
    return f"# {_origin(story, best)}\n{OmegaConf.to_yaml(values)}"


def _origin(story: Story, best: Trial) -> str:
    """Return one line, whatever the values hold: a comment must not end early."""
    line = (
        f"Trial {best.number} of {len(story.trials)} won the sweep {story.name} with "
        f"{story.objective}={best.score:.6g} ({' '.join(settings(best))}){_failed(best)}; "
        "run it with +recipe=<this file>"
    )
    return "".join(char for char in " ".join(line.split()) if char.isprintable())


def _failed(best: Trial) -> str:
    return ", though it failed its gate" if best.gate == FAILED else ""


def _description(story: Story, best: Trial, before: str | None) -> str:
    name = literal("".join(char for char in story.name if char.isprintable()))
    reached = f"{story.objective}={best.score:.6g}"
    won = f"Won the sweep {name} of {len(story.trials)} trials with {reached}{_failed(best)}"
    return f"{before.rstrip('. ')}. {won}" if before else won
