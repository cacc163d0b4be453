"""Loads who answers in a chat: each a voice; two that stand on one base share its weights."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe import devices
from ftrecipe.components.eval import Decoding
from ftrecipe.components.hardware import Device, Hardware
from ftrecipe.errors import StageError
from ftrecipe.model_folder import ADAPTER_CONFIG
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.engines import Engine, NotAsked, Settings, opened
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.surroundings import settle
from ftrecipe.talk.asked import Asked, Speaker
from ftrecipe.talk.choice import TRAINED

if TYPE_CHECKING:
    from ftrecipe.stages.models import Models

TORCHLESS = ("llama_cpp", "ollama")
AS_STORED = "bfloat16"  # asks nobody to make copies in float32, as a gate does
EXTRAS = ("modules_to_save", "trainable_token_indices")  # an adapter's own weights of the base

As = Callable[[], AbstractContextManager[object]]


@dataclass
class Voice:
    """Who answers by a name. as_itself: what is switched on while it computes."""

    name: str
    engine: Engine
    as_itself: As = nullcontext

    def stream(self, messages: Sequence[dict[str, Any]], decoding: Decoding) -> Iterator[str]:
        """Give an answer piece by piece; between two pieces others may speak."""
        return self._as_itself(self.engine.stream(messages, decoding))

    def continued(self, text: str, decoding: Decoding) -> Iterator[str]:
        """Give what follows a text, to which no template is put, piece by piece."""
        return self._as_itself(self.engine.continued(text, decoding))

    def _as_itself(self, pieces: Iterator[str]) -> Iterator[str]:
        while True:
            with self.as_itself():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    def length(self, messages: Sequence[dict[str, Any]]) -> int:
        """Return the tokens of a conversation that is ready for an answer; 0 if nobody tells."""
        try:
            return len(self.engine.prompt(messages, None))
        except NotAsked:
            return 0

    def tokens(self, text: str) -> int:
        """Return the tokens of a text; 0 if nobody tells."""
        try:
            return len(self.engine.tokenized(text))
        except NotAsked:
            return 0


def opened_run(folder: str, screen: Screen) -> Session:
    """Open a run; nothing is loaded yet."""
    session = Session.open(RunDir(Path(folder)), screen)
    settle(session.run)
    return session


def models_of(session: Session) -> "Models":
    """Return the models of a run, on the devices that are here if those it was planned for are not.

    What the run named relative to its folder is found again.
    """
    there = Path(read_json(session.dir.run)["working_dir"])
    if there.is_dir():
        os.chdir(there)
    try:
        session.run.hardware.find()
    except StageError:
        session.run = replace(session.run, hardware=Hardware().settled()[0])
    return session.models


def voices(asked: Asked, screen: Screen, held: ExitStack) -> list[Voice]:
    """Load all who answer, the tuned model first; they are closed with `held`."""
    run = cache(lambda folder: opened_run(folder, screen))
    if asked.other and asked.tuned.what and asked.tuned.what.engine == TRAINED:
        runs = run(asked.tuned.run), run(asked.other.run)
        if shared := _on_one_base(asked.tuned, runs[0], asked.other, runs[1]):
            return shared
    speakers = [asked.tuned, *([asked.other] if asked.other else [])]
    return [_voice(speaker, run, asked.context, held) for speaker in speakers]


def _voice(speaker: Speaker, run: Callable[[str], Session], context: int, held: ExitStack) -> Voice:
    """Load one who answers, by the engine of what it is loaded from.

    What needs no torch needs no run either: it is up in a moment.
    """
    what = speaker.what
    settings = Settings(dtype=AS_STORED, context=context, threads=devices.cores())
    if what is None or what.engine not in TORCHLESS:
        models = models_of(run(speaker.run))
        if what is None or what.engine == TRAINED:
            return Voice(speaker.name, trained(models, models.tuned if what else models.start))
        settings = replace(
            settings,
            dtype=models.found.dtype,
            device="cuda" if models.found.device is Device.cuda else "cpu",
            quantization=models.quantization(models.found.dtype),
            remote_code=models.remote_code,
        )
    return Voice(speaker.name, held.enter_context(opened(what.artefact, settings)))


def trained(models: "Models", model: Any) -> Engine:
    """Return a model of training in the form in which it was measured."""
    import peft
    import transformers

    from ftrecipe.stages.engines.torch_model import TorchModel
    from ftrecipe.stages.measuring.stopping import stop_ids

    tokenizer = models.tokenizer
    plain = isinstance(model, transformers.PreTrainedModel)
    name = f"transformers {transformers.__version__}" if plain else f"peft {peft.__version__}"
    return TorchModel(model, tokenizer, stop_ids(model, tokenizer), name)


def _on_one_base(
    speaker: Speaker, mine: Session, other: Speaker, theirs: Session
) -> list[Voice] | None:
    """Return two voices of one loaded base, None where they stand on different ones."""
    if not _is_apart(mine) or (other.what is not None and not _stand_together(mine, theirs)):
        return None
    models = models_of(mine)
    model = models.tuned
    tuned = trained(models, model)
    if other.what is None:
        return [Voice(speaker.name, tuned), Voice(other.name, tuned, model.disable_adapter)]
    model.load_adapter(theirs.dir.adapter, adapter_name="other", is_trainable=False)
    second = trained(models_of(theirs), model)
    return [
        Voice(speaker.name, tuned, lambda: _switched(model, "default")),
        Voice(other.name, second, lambda: _switched(model, "other")),
    ]


def _switched(model: Any, adapter: str) -> AbstractContextManager[object]:
    model.set_adapter(adapter, inference_mode=True)
    return nullcontext()


def _is_apart(session: Session) -> bool:
    """Tell an adapter that, switched off, leaves what training began with."""
    method, folder = session.run.peft, session.dir.adapter
    if not folder.is_dir() or session.run.model.from_run is not None:
        return False
    if method.trains_base or method.mutates_base or method.prompt_learning:
        return False
    config = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    return not any(config.get(name) for name in EXTRAS)


def _stand_together(mine: Session, theirs: Session) -> bool:
    """Tell two runs whose adapters fit the very same base, loaded in the same way."""

    def stand(session: Session) -> list[Any]:
        run = session.run
        known = read_json(session.dir.base)["sha256"] if session.dir.base.is_file() else session.dir
        return [known, run.quantization, run.model.special_tokens, run.model.dtype]

    return _is_apart(theirs) and stand(mine) == stand(theirs)
