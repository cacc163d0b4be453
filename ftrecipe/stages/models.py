"""The models of one run, each loaded once: as it starts, with what is trained, as it was tuned."""

import dataclasses
import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftrecipe.components.model import FromRun
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.base import Base
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Models(Base):
    """Loads what the run names. `start` is what training begins with and the baseline measures."""

    def __init__(self, run: RunConfig, rundir: RunDir, screen: Screen, rank: Rank) -> None:
        super().__init__(run, screen, rank)
        self.dir = rundir
        self._tuned: Any = None
        self._checked = False

    @cached_property
    def start(self) -> Any:
        """The model before this run's training: the base, or an earlier run's tuned model."""
        self.check_method()
        return self.load_start()

    def load_start(self) -> Any:
        """Load the model as it is before this run's training."""
        model = self.load(self.quantization())
        if self.earlier is None or self.earlier.adapter is None:
            return model
        from peft import PeftModel

        continues = self.run.model.from_run_as is FromRun.adapter
        tuned = PeftModel.from_pretrained(model, self.earlier.adapter, is_trainable=continues)
        return tuned if continues else tuned.merge_and_unload()  # type: ignore[operator]

    def check_method(self) -> None:
        """Raise ConfigError where the model lacks what the method names.

        Looked at once: DeepSpeed, when it has begun, divides also a model without weights.
        """
        if not self._checked:
            self.run.peft.check(self.skeleton)
        self._checked = True

    @property
    def tuned(self) -> Any:
        """The trained model: the one in memory, or loaded from the run directory."""
        if self._tuned is None:
            self._tuned = self.load_tuned()
        return self._tuned

    @tuned.setter
    def tuned(self, model: Any) -> None:
        self._tuned = model

    @property
    def in_memory(self) -> bool:
        """Whether the trained model is loaded already."""
        return self._tuned is not None

    def must_be_trained(self) -> None:
        """Raise ConfigError where the run has trained nothing yet."""
        if not self.dir.model.is_dir() and not self.dir.adapter.is_dir():
            raise ConfigError(f"{self.dir.path}: nothing is trained yet; resume the run first")

    def load_tuned(self, dtype: str | None = None) -> Any:
        """Load the trained model from the run directory, to compute in `dtype`."""
        self.must_be_trained()
        if self.dir.model.is_dir():
            own = dataclasses.replace(self.run.model, path=str(self.dir.model), revision=None)
            kind = dtype or self.dtype
            return own.load_weights(kind, None, self.placement(kind), False)
        return self.with_adapter(self.load(self.quantization(dtype), dtype))

    def let_go(self) -> None:
        """Forget the models, so that their memory is free; whoever asks loads them again."""
        import gc

        import torch

        self._tuned = None
        vars(self).pop("start", None)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def with_adapter(self, base: "PreTrainedModel") -> Any:
        """Put the run's saved adapter on `base`, merging first what the run had merged first."""
        from peft import PeftModel

        before = self.earlier.adapter if self.earlier else None
        if before is not None and self.run.model.from_run_as is FromRun.merged:
            base = PeftModel.from_pretrained(base, before).merge_and_unload()  # type: ignore[operator]
        return PeftModel.from_pretrained(base, self.dir.adapter)

    def merged(self) -> "PreTrainedModel":
        """One plain model with the adapter in its weights, in float32: less would round it away."""
        return self.with_adapter(self.load(None, "float32")).merge_and_unload()

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides what the starting model says."""
        whole = [
            self.base_fingerprint,
            None if self.earlier is None else self.earlier.fingerprint,
            self.run.model.from_run_as.value,
            self.dtype,
            vars(self.run.quantization) | {"bits": self.run.quantization.bits},
            self.tokenizer.chat_template,
            list(self.run.model.special_tokens),
            self.run.model.attn_implementation,
            self.found.name,
        ]
        text = json.dumps(whole, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def remember_base(self) -> None:
        """Write down which base was tuned, so that a later run can go on from it."""
        if not self.rank.first:
            return
        write_json(
            self.dir.base,
            {"path": self.source.path, "revision": self.source.revision,
             "sha256": self.base_fingerprint},
        )  # fmt: skip
