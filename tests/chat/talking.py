"""A run with a real adapter on the embedded model, and a terminal that is paper."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.chat.terminal import Terminal
from ftrecipe.talk.asked import Asked, Speaker
from ftrecipe.talk.choice import TRAINED, Loadable
from ftrecipe.talk.writing import USUAL


def tuned_run(folder: Path, seed: int, *words: str) -> RunDir:
    """Make a run whose adapter is noise, strong enough to change every answer."""
    made = plan.make(compose(["recipe=quickstart", "hardware=cpu", f"runs_dir={folder}", *words]))
    rundir = launch.create(made, folder / "quickstart" / f"run-{seed}")
    source = made.run.model.source
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype="float32")
    torch.manual_seed(seed)  # of both halves of the noise: PEFT draws one of them
    model = get_peft_model(
        model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.1)
    model.save_pretrained(rundir.adapter)
    write_json(rundir.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    return rundir


def asked(run: RunDir, other: RunDir | str | None = None, **more: Any) -> Asked:
    """Return a chat with what a run has trained, beside its base or another run."""
    second = None
    if isinstance(other, RunDir):
        second = speaker("other", other)
    elif other is not None:
        second = Speaker(other, str(run.path), "run", None)
    defaults: dict[str, Any] = {"where": str(run.path.parent), "decoding": USUAL, "context": 1024}
    return Asked(tuned=speaker("tuned", run), other=second, **defaults | more)


def speaker(name: str, run: RunDir) -> Speaker:
    """Return who answers for what a run has trained."""
    return Speaker(name, str(run.path), run.path.name, Loadable(TRAINED, TRAINED, run.adapter))


class Paper(Terminal):
    """A terminal of which all can be read afterwards. after: is called with each piece written."""

    def __init__(self, after: Callable[[str], None] | None = None) -> None:
        self.interactive, self.draws, self.edits = True, False, False
        self.answers, self.notices = io.StringIO(), io.StringIO()
        self.after = after

    def write(self, text: str) -> None:
        """Write a part of an answer."""
        super().write(text)
        if self.after is not None:
            self.after(text)

    @property
    def said(self) -> str:
        """The answers, without white space around them."""
        return self.answers.getvalue().strip()
