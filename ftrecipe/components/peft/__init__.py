"""What is trained: everything, some of the layers, or a few new weights beside a frozen base."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.registry import Group

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel, TrainerCallback

Skeleton = Callable[[], "PreTrainedModel"]


@dataclass
class Peft:
    """Base of all methods; rules and stages read its facts, never an option's name."""

    trains_base: ClassVar[bool] = False
    mergeable: ClassVar[bool] = True
    mutates_base: ClassVar[bool] = False  # rewrites frozen weights when it is attached
    trains_tokens: ClassVar[bool] = False  # can learn the rows of added special tokens
    allows_bits: ClassVar[tuple[int, ...]] = (16,)
    allows_checkpointing: ClassVar[bool] = True
    allows_sharding: ClassVar[bool] = True  # can be attached to weights divided among devices
    fails_under: ClassVar[tuple[str, ...]] = ()  # a strategy's distributed_type
    prompt_learning: ClassVar[bool] = False
    passes_to: ClassVar[str]  # the library class that `extra` goes to, of methods that have it
    reserved: ClassVar[tuple[str, ...]] = (  # what that class is told by the run itself
        "task_type", "peft_type", "base_model_name_or_path", "inference_mode", "lora_alpha",
        "lora_dropout", "trainable_token_indices", "use_dora", "use_rslora", "total_step",
    )  # fmt: skip
    usual_learning_rate: ClassVar[float] = 2e-4
    trained_share: ClassVar[float] = 0.01  # of the weights, for the memory arithmetic

    def check(self, skeleton: "Skeleton") -> None:
        """Raise ConfigError where the model, of which `skeleton` gives the modules without
        weights, lacks what the method names."""

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Return `model` ready to train: adapters added, or the right weights unfrozen.

        `total_steps` is the number of optimizer steps; `new_tokens` the ids of added tokens.
        """
        raise NotImplementedError

    def callbacks(self) -> "list[TrainerCallback]":
        """Return what the method must do while training."""
        return []


GROUP = Group("peft", Peft)


@dataclass
class Adapter(Peft):
    """Base of the methods that are a PEFT config."""

    extra: dict[str, Any] = field(default_factory=dict)

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the PEFT config for `model`, with `extra` passed on to it."""
        raise NotImplementedError

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Wrap `model` in the adapter; the rows of `new_tokens` are trained with it."""
        from peft import get_peft_model

        config = self.build(model, total_steps)
        if new_tokens:
            config.trainable_token_indices = token_rows(model, new_tokens)  # type: ignore[attr-defined]
        return get_peft_model(model, config)


@dataclass
class LayerAdapter(Adapter):
    """Base of the adapters that sit on named modules; `all-linear` is every one but the head."""

    allows_bits: ClassVar[tuple[int, ...]] = (16, 8, 4)
    target_modules: list[str] = field(default_factory=lambda: ["all-linear"])

    def check(self, skeleton: "Skeleton") -> None:
        """Check the target modules against the model's own names."""
        if self.targets != "all-linear":
            check_modules("peft.target_modules", self.target_modules, skeleton())

    @property
    def targets(self) -> str | list[str]:
        """The target modules as PEFT takes them."""
        every = self.target_modules == ["all-linear"]
        return "all-linear" if every else list(self.target_modules)


def check_modules(key: str, wanted: list[str], model: "PreTrainedModel") -> None:
    """Raise ConfigError for a name that ends no module of `model`, listing those that do."""
    import torch

    linear = sorted(
        {n.rsplit(".", 1)[-1] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    )
    every = [name for name, _ in model.named_modules()]
    faults = [
        f"{key}: this model has no module {name}{did_you_mean(name, linear)} "
        f"(its linear layers: {listed(linear)})"
        for name in wanted
        if not any(full == name or full.endswith("." + name) for full in every)
    ]
    if faults:
        raise ConfigError(faults)


def token_rows(model: "PreTrainedModel", tokens: list[int]) -> dict[str, list[int]]:
    """Return the embedding rows to train; an untied head gets the same rows of its own."""
    names = {id(module): name.rsplit(".", 1)[-1] for name, module in model.named_modules()}
    rows = {names[id(model.get_input_embeddings())]: tokens}
    head = model.get_output_embeddings()
    if not model.config.get_text_config().tie_word_embeddings and id(head) in names:
        rows[names[id(head)]] = tokens
    return rows
