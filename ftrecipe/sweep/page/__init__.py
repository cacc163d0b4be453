"""What a sweep leaves to look at and to go on with: a page, a table, the winner's recipe."""

from pathlib import Path

from ftrecipe.page import sheet
from ftrecipe.rundir import write_text
from ftrecipe.sweep.page import sections
from ftrecipe.sweep.page.listing import csv, lines
from ftrecipe.sweep.page.story import Story, read_story
from ftrecipe.sweep.page.winner import recipe
from ftrecipe.sweep.page.words import verdict

ORDER = (
    sections.opening,
    sections.plots,
    sections.ranking,
    sections.unranked,
    sections.using,
    sections.asked,
)


def write(sweep_dir: Path) -> None:
    """Write sweep.html and sweep.csv, and best.yaml once a trial has finished, from the records.

    Each file is replaced whole, so this may be called after every trial.
    """
    story = read_story(sweep_dir)
    best = recipe(story)
    if best is not None:
        write_text(story.best_recipe, best)
    write_text(sweep_dir / "sweep.csv", csv(story))
    write_text(sweep_dir / "sweep.html", page(story))


def table(sweep_dir: Path) -> list[str]:
    """Return the trials in aligned lines for a terminal, the best first."""
    return lines(read_story(sweep_dir))


def page(story: Story) -> str:
    """Return the whole page; it loads nothing and runs nothing."""
    body = "\n".join(part for section in ORDER if (part := section(story)))
    return sheet(f"{story.name}: {verdict(story)}", body, str(story.folder))
