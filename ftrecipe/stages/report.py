"""Writes what a run has to tell: one page to look at, and the same in short for a pull request."""

from ftrecipe.rundir import write_text
from ftrecipe.stages.card import renew_cards
from ftrecipe.stages.locking import lock_results
from ftrecipe.stages.page import page
from ftrecipe.stages.page.markdown import markdown
from ftrecipe.stages.page.story import read_story
from ftrecipe.stages.session import Session
from ftrecipe.stages.tracking.ending import tell_tracker


def report(session: Session) -> None:
    """Write report.html, report.md and the cards of exports from the files that are there."""
    story = read_story(session.run, session.dir)
    write_text(session.dir.report_html, page(story))
    write_text(session.dir.report_md, markdown(story))
    renew_cards(session)
    lock_results(session)
    tell_tracker(session)
