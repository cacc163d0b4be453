"""The base that a run begins from: its tokenizer, its config, and its weights once asked for."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe import hub
from ftrecipe.components.hardware import Found
from ftrecipe.components.model import DEFAULT_TEMPLATE, Dtype
from ftrecipe.config import RunConfig
from ftrecipe.errors import StageError
from ftrecipe.stages.continued import Earlier
from ftrecipe.stages.fingerprints import base_fingerprint, first_line, folder_of
from ftrecipe.stages.placing import placement
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Base:
    """Reads what the run names as its model, on the machine as it was found."""

    def __init__(self, run: RunConfig, screen: Screen, rank: Rank) -> None:
        self.run, self.screen, self.rank = run, screen, rank
        self.remote_code = run.consent.remote_code

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

    def new_tokens(self) -> list[int]:
        """Ids of the added special tokens, whose rows are trained."""
        names = list(self.run.model.special_tokens)
        tokenizer = self.tokenizer
        return [tokenizer.get_vocab()[name] for name in names]

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
        """Say where weights go on this machine, as transformers takes it."""
        return placement(self.run, self.rank, self.found.device, dtype, quantized)

    def source_folder(self) -> Path:
        """Return the folder that the base is read from; of a hub id, that of the cache."""
        return folder_of(self.source)

    @cached_property
    def base_fingerprint(self) -> str:
        """Hash of the base's weights, which may be gigabytes: read once."""
        return base_fingerprint(self.source)
