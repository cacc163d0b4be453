"""Holds artefacts against the model in training form, and writes down what it found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from ftrecipe import devices
from ftrecipe.components.export import Artefact
from ftrecipe.components.hardware import Device
from ftrecipe.errors import StageError
from ftrecipe.gated import GATE
from ftrecipe.paths import bytes_of
from ftrecipe.rundir import write_json
from ftrecipe.stages.engines import Engine, Settings, opened
from ftrecipe.stages.exporting.fidelity import figures as compare
from ftrecipe.stages.exporting.fidelity.asked import Asked, asked_of, with_rows
from ftrecipe.stages.exporting.fidelity.asking import Said
from ftrecipe.stages.exporting.fidelity.declared import Allowed, allowed, declared
from ftrecipe.stages.exporting.fidelity.figures import Figures, asked_for
from ftrecipe.stages.exporting.fidelity.reference import (
    Reference,
    reference,
)
from ftrecipe.stages.exporting.fidelity.suites import measured, room
from ftrecipe.stages.exporting.fidelity.told import lines
from ftrecipe.stages.exporting.fidelity.verdict import FAILED, Verdict, judged, limit_of, worst
from ftrecipe.stages.exporting.room import FLOAT32, compute
from ftrecipe.stages.exporting.tuned import TunedModel
from ftrecipe.stages.session import Session


@dataclass(frozen=True)
class Judged:
    """What the gate said of one target: its gate.json."""

    told: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The worst of its artefacts'."""
        return self.told["verdict"]

    @property
    def reasons(self) -> list[str]:
        """All that is wrong with its artefacts, each with its name where there are several."""
        artefacts = self.told["artefacts"]
        several = len(artefacts) > 1
        return [
            f"{each['name']}: {reason}" if several and each["name"] else reason
            for each in artefacts
            for reason in each["reasons"]
        ]

    @property
    def passes(self) -> bool:
        """Whether any of it may go out."""
        return self.told["kept"] is not None

    def __add__(self, other: "Judged") -> "Judged":
        """Return the verdict with that on the same files where they are served."""
        artefacts = [*self.told["artefacts"], *other.told["artefacts"]]
        verdict = worst([each["verdict"] for each in artefacts])
        return Judged(self.told | {"verdict": verdict, "artefacts": artefacts})

    def write(self, folder: Path) -> None:
        """Write gate.json."""
        write_json(folder / GATE, self.told)


class Fidelity:
    """Holds artefacts against the model in training form, which is asked once, and then let go."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._known: dict[object, dict[str, Any]] = {}  # by the files that were asked

    @cached_property
    def asked(self) -> Asked:
        """What is asked."""
        session = self.session
        asked = asked_of(session.run.fidelity, session.tokenizer, session.prepared)
        config = session.models.config.get_text_config().to_dict()
        return with_rows(asked, session.prepared, config, session.run.peft.virtual_tokens)

    @cached_property
    def _allowed(self) -> Allowed:
        """What artefacts may say of how they are used."""
        return allowed(self.session)

    @cached_property
    def _ends(self) -> set[int]:
        """All tokens that may end an answer."""
        named = TunedModel(self.session).generation_config.eos_token_id
        return {*named} if isinstance(named, list) else {cast(int, named)}

    @cached_property
    def reference(self) -> Reference:
        """What the trained model said."""
        with self.session.screen.progress("trained", len(self.asked.prompts)) as bar:
            return reference(self.session.models, self.asked, bar.update)

    def begin(self) -> None:
        """Ask the trained model now, while nothing else takes memory."""
        answers = len(self.reference.answers)
        self.session.screen.say(
            f"export    the trained model answered {answers} prompts of the {self.asked.split} "
            f"split in {self.reference.compute}; each export is held against it"
        )

    def judged(self, artefacts: Sequence[Artefact], merge: dict[str, Any] | None = None) -> Judged:
        """Ask each artefact what the trained model was asked.

        merge: which of several merges the files hold, and how far each is from the trained model.
        """
        told = [self._once(each) for each in artefacts]
        words = [each["verdict"] for each in told]
        good = [word for word in words if word != FAILED]
        failed = [each["name"] for each in told if each["verdict"] == FAILED]
        return Judged(
            {
                "verdict": worst(words),
                "kept": worst(good) if good or not words else None,
                "rejected": failed,
                "split": self.asked.split,
                "prompts": len(self.asked.prompts),
                "compute": self.reference.compute,
                "artefacts": told,
                "merge": merge,
            }
        )

    def _once(self, artefact: Artefact) -> dict[str, Any]:
        """Return what is said of an artefact; another target may hold the same files by links."""
        key = artefact.engine, artefact.closeness, artefact.address, _files(artefact.path)
        if key not in self._known:
            self._known[key] = self._artefact(artefact)
        return self._known[key] | {"name": artefact.name}

    def _artefact(self, artefact: Artefact) -> dict[str, Any]:
        """Return the figures of one artefact and the verdict on them."""
        began, run = time.monotonic(), self.session.run
        settings, about = self._settings(), artefact.engine
        figures: Figures = {}
        try:
            with opened(artefact, settings) as engine:
                about = engine.about
                figures = self._figures(artefact, engine, settings)
            rounds = run.quantization.bits < 16
            verdict = judged(figures, artefact.closeness, run.fidelity.points, rounds)
        except StageError as error:  # it is of no use to anybody else either
            verdict = Verdict(failed=[str(error)])
        told = {
            "name": artefact.name,
            "engine": artefact.engine,
            "about": about,
            "closeness": artefact.closeness.value,
            "verdict": verdict.word,
            "reasons": verdict.reasons,
            "bytes": bytes_of(artefact.path),
            "seconds": round(time.monotonic() - began, 2),
            **figures,
        }
        for row in lines(told):
            self.session.screen.say(row)
        return told

    def _figures(self, artefact: Artefact, engine: Engine, settings: Settings) -> Figures:
        """Return all figures of a loaded artefact."""
        asked, trained, said = self.asked, self.reference, Said()
        compute = trained.compute if settings.dtype == FLOAT32 else settings.dtype
        template = asked_for(lambda: compare.template(engine, asked))
        hidden = "not_asked" in template and asked.conversations
        distances = asked_for(lambda: compare.distances(engine, trained))
        return {
            "compute": compute,
            "limit": limit_of(artefact.closeness, compute),
            "greedy": asked_for(lambda: compare.greedy(engine, trained, asked, said)),
            "logprobs": distances,
            "kl": distances.pop("kl", None),
            "far": asked_for(lambda: compare.far(engine, trained, asked)),
            "loss": asked_for(lambda: compare.loss(engine, trained, asked)),
            "tokenization": asked_for(lambda: compare.tokenization(engine, asked)),
            "template": template,
            "streamed": asked_for(lambda: compare.streamed(engine, asked)) if hidden else None,
            "ends": asked_for(lambda: compare.ends(engine, asked, self._ends)),
            "settings": asked_for(
                lambda: declared(engine, artefact.path, self._allowed, asked.tokenizer)
            ),
            "suites": asked_for(lambda: measured(self.session, engine, said)),
        }

    @cached_property
    def _context(self) -> int:
        """The tokens of the longest question with its answer."""
        return room(self.session, self.asked.longest)

    def _settings(self) -> Settings:
        """Return how engines are to compute: as the trained model did, if they can choose."""
        session, models = self.session, self.session.models
        way, quantized = compute(models), session.run.quantization.bits < 16
        several = models.placement(way.dtype, quantized) == "auto"
        one = "cuda:0" if models.found.device is Device.cuda else "cpu"
        return Settings(
            dtype=way.dtype,
            context=self._context,
            threads=devices.cores(),
            remote_code=models.remote_code,
            device="auto" if several else one,
            quantization=models.quantization(way.dtype),
            streams=way.streams,
        )


def _files(path: Path) -> frozenset[tuple[str, int, int]]:
    """Return what tells files from others, whatever their folder is called."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    told = [(str(file.relative_to(path)), file.stat()) for file in files]
    return frozenset((name, stat.st_ino, stat.st_mtime_ns) for name, stat in told)
