"""The page of a run: one self-contained HTML file, from a Story alone."""

from ftrecipe.page import sheet
from ftrecipe.stages.page import (
    comparison,
    curves,
    exported,
    moves,
    opening,
    samples,
    scoring,
    sections,
)
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.verdict import verdict

ORDER = (
    opening.opening,
    comparison.comparison,
    opening.next_steps,
    curves.curves,
    moves.section,
    scoring.speed,
    scoring.confusions,
    scoring.failures,
    samples.samples,
    samples.prompts,
    exported.exported,
    sections.data,
    sections.using,
    sections.config,
    sections.files,
)


def page(story: Story) -> str:
    """Return the whole page; it loads nothing and runs nothing."""
    body = "\n".join(part for section in ORDER if (part := section(story)))
    return sheet(f"{story.name}: {verdict(story).text}", body, story.folder)
