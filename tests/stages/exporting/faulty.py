"""One short training of the tiny model for tests of the gate, and faults to plant in exports."""

import importlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ftrecipe import launch, plan
from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.compose import compose
from ftrecipe.stages.exporting.fidelity.gate import Fidelity
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

SMALL = [
    "model=tiny", "model.dtype=float32", "hardware=cpu", "trainer.logging_steps=25",
    "trainer.learning_rate=3e-3", "fidelity.prompts=12", "fidelity.max_new_tokens=24",
]  # fmt: skip
FAQ = ["recipe=quickstart", "trainer.max_steps=25", "eval=[qa]", "eval.qa.max_samples=12"]


@dataclass(frozen=True)
class Trained:
    """A run that has been through all its stages, and its gate, which has asked its model once."""

    session: Session
    place: Path

    @cached_property
    def fidelity(self) -> Fidelity:
        """The gate."""
        return Fidelity(self.session)

    def copy(self, target: str, name: str) -> Path:
        """Return a copy of what was exported, to plant a fault in."""
        folder = self.place / name
        shutil.copytree(self.session.dir.export / target, folder)
        return folder

    def judged(
        self, folder: Path, engine: str = "transformers", closeness: Closeness = Closeness.rounded
    ) -> dict[str, Any]:
        """Return what the gate says of one artefact."""
        artefact = Artefact("", engine, folder, closeness)
        return self.fidelity.judged([artefact]).told["artefacts"][0]


def trained(place: Path, *words: str) -> Trained:
    """Train a run in this process, with all its stages."""
    made = plan.make(compose([*SMALL, *words, f"runs_dir={place / 'runs'}"]))
    session = Session.open(launch.create(made), Screen(None))
    for stage in made.stages:
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    return Trained(session, place)


def changed(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change one JSON file in place."""
    told = json.loads(file.read_text("utf-8"))
    change(told)
    file.write_text(json.dumps(told), "utf-8")


def without_digit_splitting(told: dict[str, Any]) -> None:
    """Take the splitting away, and give the vocabulary a number, as those without it have many."""
    steps = told["pre_tokenizer"]["pretokenizers"]
    told["pre_tokenizer"]["pretokenizers"] = [one for one in steps if one["type"] != "Digits"]
    vocabulary, merges = told["model"]["vocab"], told["model"]["merges"]
    seldom = "".join(merges.pop())
    vocabulary["19"] = vocabulary.pop(seldom)
    merges.append(["1", "9"])
