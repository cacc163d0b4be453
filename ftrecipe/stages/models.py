"""The models of one run, each loaded once: as it starts, with what is trained, as it was tuned."""

import dataclasses
import hashlib
import json
import math
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe import hub
from ftrecipe.components.hardware import Device, Found
from ftrecipe.components.model import DEFAULT_TEMPLATE, Dtype, FromRun
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.memory import GIB
from ftrecipe.needs import needs
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.continued import Earlier
from ftrecipe.stages.fingerprints import base_fingerprint, first_line, folder_of
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

WEIGHTS_SHARE = 0.8  # of a device's memory that weights may take where nothing is trained


class Models:
    """Loads what the run names. `start` is what training begins with and the baseline measures."""

    def __init__(self, run: RunConfig, rundir: RunDir, screen: Screen, rank: Rank) -> None:
        self.run, self.dir, self.screen, self.rank = run, rundir, screen, rank
        self.remote_code = run.consent.remote_code
        self._tuned: Any = None
        self._checked = False

    @cached_property
    def found(self) -> Found:
        """The machine as it was found."""
        return self.run.hardware.find()

    @cached_property
    def earlier(self) -> Earlier | None:
        """The run that this one goes on from."""
        return Earlier(self.run.model.from_run) if self.run.model.from_run else None

    @property
    def dtype(self) -> str:
        """Type of the loaded weights: float32 where the base itself is trained."""
        if self.run.model.dtype is not Dtype.auto:
            return self.run.model.dtype.value
        return "float32" if self.run.peft.trains_base else self.found.dtype

    @cached_property
    def source(self) -> Any:
        """The Model component that base weights and tokenizer come from."""
        return self.run.model if self.earlier is None else self.earlier.base(self.run.model)

    @cached_property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer; it is said where the chat template is a default of ours."""
        from transformers.utils import logging

        logging.set_verbosity_error()
        self._reach()
        try:
            tokenizer = self.source.load_tokenizer(self.remote_code)
            config = self.source.load_config(self.remote_code)
        except (OSError, ValueError, KeyError) as error:
            raise StageError(
                f"model.path={self.source.path}: its tokenizer or config cannot be used: "
                f"{first_line(error)}"
            ) from error
        limit = config.get_text_config().max_position_embeddings
        tokenizer.model_max_length = min(tokenizer.model_max_length, limit)
        named_default = self.run.model.template(None)
        if self.run.model.chat_template is None and tokenizer.chat_template == named_default:
            self.screen.warn(
                f"this model has no chat template; using the one named {DEFAULT_TEMPLATE} "
                "(model.chat_template=chatml is another)"
            )
        return tokenizer

    def _reach(self) -> None:
        """Ask the hub for a model that is there, before libraries ask it again and again."""
        if self.source.is_local:
            return
        if remark := hub.reach_model(self.source.path, self.source.revision):
            hub.stay_offline()
            self.screen.warn(remark)

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

    @cached_property
    def config(self) -> Any:
        """The architecture's numbers."""
        return self.source.load_config(self.remote_code)

    @property
    def balances_experts(self) -> bool:
        """Tell a mixture of experts, whose balancing loss has to know which tokens are padding."""
        return hasattr(self.config.get_text_config(), "router_aux_loss_coef")

    @property
    def may_leave_unused(self) -> bool:
        """Tell a model of which a batch may not use all: it may choose no way to some experts,
        or hold no image."""
        return self.balances_experts or hasattr(self.config, "vision_config")

    def skeleton(self) -> "PreTrainedModel":
        """The model's modules without weights, from its config alone."""
        import torch
        from transformers import AutoModelForCausalLM

        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(self.config)

    def quantization(self, compute: str | None = None) -> Any:
        """The quantisation of the base as transformers takes it, None for none."""
        return self.run.quantization.build(compute or self.found.dtype)

    def load(self, quantization: Any, dtype: str | None = None) -> "PreTrainedModel":
        """Load the base with its weights; grows the embedding for added tokens."""
        from safetensors import SafetensorError

        from ftrecipe.stages.measuring.modes import keep_trainable

        dtype = dtype or self.dtype
        place = self.placement(dtype, quantization is not None)
        try:
            model = self.source.load_weights(dtype, quantization, place, self.remote_code)
        except (OSError, SafetensorError) as error:
            raise StageError(
                f"model.path={self.source.path}: its weights cannot be loaded: {first_line(error)}"
            ) from error
        if self.run.model.special_tokens:
            tokens = len(self.tokenizer)
            if tokens > model.get_input_embeddings().num_embeddings:
                model.resize_token_embeddings(tokens)
        model.config.use_cache = False
        keep_trainable(model)
        return model

    def placement(self, dtype: str, quantized: bool = False) -> dict[str, Any] | str | None:
        """Say where the weights go, as transformers takes it; None leaves it to who divides them.

        A rank has its own device. One process by itself takes the first, or as many as the base
        needs of those that training will have.
        """
        if self.found.device is not Device.cuda:
            return None if self._divides else {"": "cpu"}
        if self.rank.launched:
            return None if self._divides else {"": self.rank.local}
        several = (self.run.hardware.processes or 1) > 1
        bits = self.run.quantization.bits if quantized else 32 if dtype == "float32" else 16
        return "auto" if several and not self._fits_one_device(bits) else {"": 0}

    @property
    def _divides(self) -> bool:
        """Whether DeepSpeed or FSDP places what this process loads, each weight in parts."""
        return self.rank.launched and self.run.strategy.shards_weights

    def _fits_one_device(self, bits: int) -> bool:
        """Tell whether weights of so many bits leave a device room to measure; unknown ones do."""
        memory, count = self.run.hardware.memory_gb, self.run.model.parameters
        if memory is None or count is None:
            return True
        return count * bits / 8 < WEIGHTS_SHARE * memory * GIB

    def training_fits(self, length: int) -> bool:
        """Tell whether training on rows of `length` tokens fits the GPU without checkpointing.

        Of a model whose architecture is not known, it is taken not to.
        """
        import torch

        asked = dataclasses.replace(self.run.trainer, gradient_checkpointing=False)
        without = dataclasses.replace(self.run, trainer=asked)
        needed = needs(without, on_gpu=True, length=length)
        _, there = torch.cuda.mem_get_info()
        memory = min(there, (self.run.hardware.memory_gb or math.inf) * GIB)
        return needed is not None and needed.account.peak <= memory

    def new_tokens(self) -> list[int]:
        """Ids of the added special tokens, whose rows are trained."""
        names = list(self.run.model.special_tokens)
        tokenizer = self.tokenizer
        return [tokenizer.get_vocab()[name] for name in names]

    @property
    def tuned(self) -> Any:
        """The trained model: the one in memory, or loaded from the run directory."""
        if self._tuned is None:
            self._tuned = self.load_tuned()
        return self._tuned

    @tuned.setter
    def tuned(self, model: Any) -> None:
        self._tuned = model

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

    def source_folder(self) -> Path:
        """Return the folder that the base is read from; of a hub id, that of the cache."""
        return folder_of(self.source)

    @cached_property
    def base_fingerprint(self) -> str:
        """Hash of the base's weights, which may be gigabytes: read once."""
        return base_fingerprint(self.source)

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
