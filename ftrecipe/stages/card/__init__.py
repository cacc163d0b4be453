"""The model card: README.md of an exported model, with all that its run knows and no more."""

from pathlib import Path

from ftrecipe.components.export import Export
from ftrecipe.config import to_plain
from ftrecipe.gated import kept
from ftrecipe.rundir import write_text
from ftrecipe.stages.card.body import body
from ftrecipe.stages.card.facts import read_facts
from ftrecipe.stages.card.front import front
from ftrecipe.stages.card.places import without_places
from ftrecipe.stages.session import Session

CARD = "README.md"


def write_card(session: Session, target: Export, folder: Path) -> None:
    """Write the card of a target into its folder, in place of one that a library has written."""
    facts = read_facts(session.run, session.dir, target, folder)
    text = f"{front(facts)}\n{body(facts)}"
    write_text(folder / CARD, without_places(text, to_plain(session.run)))


def renew_cards(session: Session) -> None:
    """Write the cards of what was exported before, whose results may have changed since."""
    for name, target in session.run.export.items():
        folder = session.dir.export / name
        if folder.is_dir() and not target.sends and kept(folder) is not None:
            write_card(session, target, folder)
