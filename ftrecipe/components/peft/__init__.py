"""What is trained: everything, some of the layers, or a few new weights beside a frozen base."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft.targets import biases, saved, targeted
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.memory.activations import Trained
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Module, ends
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
    keeps_shapes: ClassVar[bool] = True  # earlier weights fit in where later ones are
    allows_sharding: ClassVar[bool] = True  # can be attached to weights divided among devices
    fails_under: ClassVar[tuple[str, ...]] = ()  # a strategy's distributed_type
    prompt_learning: ClassVar[bool] = False
    passes_to: ClassVar[str]  # the library class that `extra` goes to, of methods that have it
    reserved: ClassVar[tuple[str, ...]] = (  # what that class is told by the run itself
        "task_type", "peft_type", "base_model_name_or_path", "inference_mode", "lora_alpha",
        "lora_dropout", "trainable_token_indices", "use_dora", "use_rslora", "total_step",
        "peft_version", "auto_mapping", "megatron_config", "megatron_core",  # they import modules
    )  # fmt: skip
    usual_learning_rate: ClassVar[float] = 2e-4
    trained_share: ClassVar[float] = 0.01  # of the weights, for the memory arithmetic

    @property
    def virtual_tokens(self) -> int:
        """How many learned tokens stand before every row."""
        return 0

    def check(self, skeleton: "Skeleton") -> None:
        """Raise ConfigError where the model, of which `skeleton` gives the modules without
        weights, lacks what the method names."""

    def trainable(self, architecture: Architecture, new_tokens: int = 0) -> int | None:
        """Return how many numbers are trained, exactly; None for a method that does not tell.

        `new_tokens` counts the added special tokens, whose rows are trained.
        """
        return None

    def faults(self, architecture: Architecture) -> Iterator[str]:
        """Yield why the method cannot be put on the model, as far as its config.json tells."""
        yield from ()

    def unmerged(self, architecture: Architecture) -> Iterator[str]:
        """Yield which of its settings cannot be merged into the model, and why."""
        yield from ()

    def untrained(self, architecture: Architecture) -> int:
        """Return how many numbers the method adds to the model and does not train."""
        return 0

    def trained(self, architecture: Architecture, new_tokens: int = 0) -> Trained:
        """Return what is trained and where, for the memory plan."""
        added = self.trainable(architecture, new_tokens)
        if added is None:
            added = round(self.trained_share * architecture.parameters)
        return Trained(architecture.layers, added=added, fixed=self.untrained(architecture))

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

    uncounted: ClassVar[tuple[str, ...]] = ()  # fields of `extra` that change what is trained
    extra: dict[str, Any] = field(default_factory=dict)

    def trainable(self, architecture: Architecture, new_tokens: int = 0) -> int | None:
        """Count the adapter, the modules beside it that are trained whole, and tokens' rows."""
        own = self.added(architecture)
        if own is None or any(self.extra.get(name) for name in self.uncounted):
            return None
        rows = new_tokens * architecture.hidden * (1 if architecture.tied else 2)
        return own + saved(architecture, self.extra) + rows

    def added(self, architecture: Architecture) -> int | None:
        """Return how many trained numbers the method itself adds; None where that is not known."""
        return None

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

    def added(self, architecture: Architecture) -> int | None:
        """Count what sits on each target, and the biases that are trained with it."""
        targets = self.reached(architecture)
        if targets is None:
            return None
        each = [self.on_one(module, path) for module, path in targets]
        counted = [count for count in each if count is not None]
        if len(counted) < len(each):
            return None
        return sum(counted) + biases(architecture, targets, self.extra)

    def reached(self, architecture: Architecture) -> list[tuple[Module, str]] | None:
        """Return the modules that get an adapter, with their paths; None where not known."""
        return targeted(architecture, self.targets, self.extra)

    def beside(self) -> tuple[int, float]:
        """Return the width of the product beside a target, 0 for none, and the dropout on it."""
        return 0, 0.0

    def trained(self, architecture: Architecture, new_tokens: int = 0) -> Trained:
        """Return what is trained, and which layers it is beside."""
        rank, dropout = self.beside()
        return replace(
            super().trained(architecture, new_tokens),
            targets=tuple(self.reached(architecture) or ()),
            rank=rank,
            dropout=dropout > 0,
        )

    def faults(self, architecture: Architecture) -> Iterator[str]:
        """Yield the target modules that the model does not have."""
        if not any(self.target_modules) and not self.extra.get("target_parameters"):
            yield "peft.target_modules: is empty, so nothing would be trained; use all-linear"
        elif self.targets != "all-linear":
            yield from unknown_modules("peft.target_modules", self.target_modules, architecture)

    def on_one(self, module: Module, path: str) -> int | None:
        """Return how many numbers are trained on the one `module` at `path`; None if not told."""
        return None

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
    if faults := _unknown(key, wanted, every, linear):
        raise ConfigError(faults)


def unknown_modules(key: str, wanted: list[str], architecture: Architecture) -> list[str]:
    """Return a fault for each name that ends no module with weights, listing those that do.

    Names of experts' layers as they once were are known to PEFT, and so are known here.
    """
    linear = sorted({module.path.rpartition(".")[2] for module in architecture.linears})
    old = [name for name, _ in architecture.renamed]
    return _unknown(key, wanted, [*architecture.module_paths, *old], linear)


def _unknown(key: str, wanted: list[str], every: list[str], linear: list[str]) -> list[str]:
    return [
        f"{key}: this model has no module {name}{did_you_mean(name, linear)} "
        f"(its linear layers: {listed(linear)})"
        for name in wanted
        if not any(ends(full, [name]) for full in every)
    ]


def token_rows(model: "PreTrainedModel", tokens: list[int]) -> dict[str, list[int]]:
    """Return the embedding rows to train; an untied head gets the same rows of its own."""
    names = {id(module): name.rsplit(".", 1)[-1] for name, module in model.named_modules()}
    rows = {names[id(model.get_input_embeddings())]: tokens}
    head = model.get_output_embeddings()
    if not model.config.get_text_config().tie_word_embeddings and id(head) in names:
        rows[names[id(head)]] = tokens
    return rows
