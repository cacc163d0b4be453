"""The page of a run: one self-contained HTML file, from a Story alone."""

from html import escape

from ftrecipe.stages.page import sections
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.style import STYLE
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
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(story.name)}: {escape(verdict(story))}</title>\n"
        f"<style>{STYLE}</style></head>\n<body><main>\n{body}\n"
        f"<footer>Made by ftrecipe from the files in {escape(story.folder)}</footer>\n"
        "</main></body></html>\n"
    )
