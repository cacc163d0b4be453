"""Makes what others will use of the trained model, one folder a target."""

import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ftrecipe import gated
from ftrecipe.stages.card import write_card
from ftrecipe.stages.session import Session
from ftrecipe.stages.summary import shown
from ftrecipe.stages.writing import put

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class TunedModel:
    """What a target is made from; the merge is done once however many targets need it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer with the chat template that was trained on."""
        return self.session.tokenizer

    @property
    def adapter(self) -> Path | None:
        """The trained adapter's folder, None where the base itself was trained."""
        return self.session.dir.adapter if self.session.dir.adapter.is_dir() else None

    @cached_property
    def _merged(self) -> "PreTrainedModel":
        return self.session.models.merged()

    def merged(self) -> "PreTrainedModel":
        """One plain model with the tune in its weights."""
        return self._merged


def export(session: Session) -> None:
    """Write every target; a folder appears whole or not at all.

    After a gate that failed nothing is written, unless a person asks for it in so many words.
    """
    if gated.stops(session.dir):
        session.screen.say(
            "export    the gate failed: nothing is exported; all the same: "
            f"python -m ftrecipe export {shown(session.dir.path)}"
        )
        return
    session.models.must_be_trained()
    tuned = TunedModel(session)
    for name, target in session.run.export.items():
        session.screen.say(f"export    {name}")
        final = session.dir.export / name
        fresh = final.with_name(f".{name}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            target.write(tuned, fresh)
            write_card(session, target, fresh)
            put(fresh, final)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # of one that could not be written, no part
