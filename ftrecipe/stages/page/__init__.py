"""The page of a run: one self-contained HTML file, from a Story alone."""

from ftrecipe.page import sheet
from ftrecipe.stages.page import sections
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.words import verdict

ORDER = (
    sections.opening,
    sections.comparison,
    sections.curves,
    sections.samples,
    sections.data,
    sections.using,
    sections.config,
    sections.files,
)


def page(story: Story) -> str:
    """Return the whole page; it loads nothing and runs nothing."""
    body = "\n".join(part for section in ORDER if (part := section(story)))
    return sheet(f"{story.name}: {verdict(story)}", body, story.folder)
