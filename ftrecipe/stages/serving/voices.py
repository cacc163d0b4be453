"""Models that transformers and PEFT loaded, by the names under which they are asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from peft import PeftModel
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerFast

from ftrecipe.stages.measuring.stopping import stop_ids


@dataclass
class Voice:
    """What answers to one name: a model, which of its adapters is on, and its own tokenizer.

    adapter: PEFT's name of it; None for the plain model, also of one that has adapters.
    facts: what /v1/models says of it. context: the most tokens of a question and its answer.
    """

    model: PreTrainedModel | PeftModel
    tokenizer: PreTrainedTokenizerFast
    generation_config: GenerationConfig
    facts: dict[str, Any]
    adapter: str | None = None
    context: int = 0

    def __post_init__(self) -> None:
        """Take the model's own context unless a shorter one is asked for."""
        own = self.model.config.get_text_config().max_position_embeddings
        self.context = min(self.context or own, own)

    @property
    def device(self) -> Any:
        """Where its weights are."""
        return self.model.device

    @property
    def config(self) -> Any:
        """The plain model's config."""
        return self.model.config

    def generate(self, **asked: Any) -> Any:
        """Answer as transformers does; only one thread may ask the voices of one model."""
        with self._on() as model:
            return cast(Any, model).generate(**asked)

    @contextmanager
    def _on(self) -> Iterator[PreTrainedModel | PeftModel]:
        """Give the model with this voice's adapter switched on, or with none."""
        if not isinstance(self.model, PeftModel):
            yield self.model
        elif self.adapter is None:
            with self.model.disable_adapter():
                yield cast(PreTrainedModel, self.model.get_base_model())
        else:
            self.model.set_adapter(self.adapter, inference_mode=True)
            yield self.model


def greedy(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerFast
) -> GenerationConfig:
    """Return how a model answers unless a request says otherwise: as it was measured."""
    return GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted(stop_ids(model, tokenizer)),
        pad_token_id=tokenizer.pad_token_id,
    )
