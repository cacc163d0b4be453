"""Runs that are served, opened on a machine that may be another than they were made on."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ftrecipe.components.hardware import Hardware
from ftrecipe.components.model import FromRun
from ftrecipe.errors import StageError
from ftrecipe.model_folder import ADAPTER_CONFIG, TOKENIZER
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.serving.order import Order, Served
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.surroundings import settle

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclasses.dataclass
class Opened:
    """What is served of a run, and the run."""

    served: Served
    session: Session

    @property
    def path(self) -> Path:
        """The folder that is loaded."""
        return self.served.what.path

    @property
    def needs_base(self) -> bool:
        """Tell an adapter."""
        return (self.path / ADAPTER_CONFIG).is_file()

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The one that lies with what is served, or the run's."""
        if not (self.path / TOKENIZER).is_file():
            return self.session.tokenizer
        from transformers import AutoTokenizer

        consented = self.session.run.consent.remote_code
        return AutoTokenizer.from_pretrained(self.path, trust_remote_code=consented)

    @property
    def base(self) -> str:
        """What tells bases apart that cannot be shared: their weights, form, kind of adapter."""
        run = self.session.run
        earlier = run.model.from_run if run.model.from_run_as is FromRun.merged else None
        model = dataclasses.replace(run.model, path=None, from_run=earlier, chat_template=None)
        weights = read_json(self.session.dir.base)["sha256"]
        kind = read_json(self.path / ADAPTER_CONFIG)["peft_type"]
        return repr((weights, run.quantization, model, run.hardware.precision, kind))


def open_all(order: Order, screen: Screen) -> list[Opened]:
    """Open the runs, before libraries are imported; each is looked for where it was started."""
    opened = [Opened(one, _session(one, screen)) for one in order.served]
    runs = [one.session.run for one in opened]
    settle(max(runs, key=lambda run: run.quantization.package is not None))
    for one in opened:
        try:
            one.session.run.hardware.find()
        except StageError:  # made for GPUs that are not here
            here = Hardware().settled()[0]
            one.session.run = dataclasses.replace(one.session.run, hardware=here)
    return opened


def _session(served: Served, screen: Screen) -> Session:
    """Open a run; what it names relative to its folder is made whole, as runs may have several."""
    rundir = RunDir(served.run)
    there = Path(read_json(rundir.run)["working_dir"])
    if there.is_dir():
        os.chdir(there)
    session = Session.open(rundir, screen)
    model = session.run.model
    if model.path and not model.path.startswith("builtin:") and typed(model.path).is_dir():
        whole = dataclasses.replace(model, path=str(typed(model.path).absolute()))
        session.run = dataclasses.replace(session.run, model=whole)
    return session


def base_name(path: str) -> str:
    """Return what a base is called: a hub id as it is, a folder by its own name."""
    folder = Path(path.removeprefix("builtin:"))
    return folder.name if path.startswith("builtin:") or folder.is_dir() else path
