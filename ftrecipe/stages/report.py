"""Writes what a run has to tell: one page to look at, and the same in short for a pull request."""

import os
from pathlib import Path

from ftrecipe.stages.page import page
from ftrecipe.stages.page.markdown import markdown
from ftrecipe.stages.page.story import read_story
from ftrecipe.stages.session import Session


def report(session: Session) -> None:
    """Write report.html and report.md from the files that are there."""
    story = read_story(session.run, session.dir)
    _write(session.dir.report_html, page(story))
    _write(session.dir.report_md, markdown(story))


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
