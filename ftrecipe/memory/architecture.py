"""What a model is made of: every weight by name and shape, from its config.json alone."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ftrecipe.memory.build import Decoder
from ftrecipe.memory.layouts import LAYOUTS, Layout
from ftrecipe.memory.numbers import Numbers
from ftrecipe.memory.parts import Kind, Module
from ftrecipe.memory.vision import projector, siglip

STRETCHING = ("linear", "dynamic", "yarn")  # rope scaling whose factor is not yet in the maximum


@dataclass(frozen=True)
class Architecture:
    """A causal language model as transformers makes it, in numbers.

    Widths are those of the language model; a vision tower, where there is one, is among the
    `modules` only. Counts are exact: they are what `model.parameters()` adds up to.
    """

    model_type: str
    layers: int
    hidden: int
    intermediate: int  # of one expert, where there are experts
    vocabulary: int
    heads: int
    kv_heads: int
    head_dim: int
    max_positions: int | None  # tokens; None where positions have no end
    tied: bool  # head and embedding are one tensor
    gated: bool  # a feed-forward of three matrices, not two
    modules: tuple[Module, ...]
    sliding_window: int | None = None  # tokens that a sliding layer looks back
    sliding_layers: int = 0
    experts: int = 0  # in each layer that has experts
    experts_per_token: int = 0
    stack: str = "model.layers"  # path of the decoder's layers
    renamed: tuple[tuple[str, str], ...] = ()  # what LoRA takes names of experts' layers for

    @cached_property
    def linears(self) -> tuple[Module, ...]:
        """The linear layers but the head: what `all-linear` targets and bitsandbytes quantises."""
        return tuple(module for module in self.modules if module.kind is Kind.linear)

    @cached_property
    def embedding(self) -> Module:
        """The table of words."""
        return next(module for module in self.modules if module.kind is Kind.embedding)

    @cached_property
    def head(self) -> Module:
        """The layer that makes the logits; where tied, its weight is the embedding's."""
        return next(module for module in self.modules if module.kind is Kind.head)

    @cached_property
    def own(self) -> tuple[Module, ...]:
        """The modules that have weights of their own: a tied head has at most a bias."""
        if not self.tied:
            return self.modules
        head = self.head
        bias = Module(f"{head.path}.bias", Kind.other, head.shape[:1], bare=True)
        others = tuple(module for module in self.modules if module is not head)
        return (*others, bias) if head.bias else others

    @cached_property
    def parameters(self) -> int:
        """All numbers of the model, tied ones once."""
        return self.counted(self.modules)

    @cached_property
    def linear_parameters(self) -> int:
        """Weights that quantisation covers: biases, norms, embedding and head stay as they are."""
        return sum(module.weights for module in self.linears if module.quantizes)

    @cached_property
    def decoder(self) -> tuple[Module, ...]:
        """The modules of the decoder's layers."""
        return tuple(m for m in self.modules if m.path.startswith(self.stack + ".*"))

    def counted(self, modules: Collection[Module]) -> int:
        """Return the numbers of some modules; where tied, head and embedding are one weight."""
        total = sum(module.parameters for module in modules)
        both = {m.kind for m in modules} >= {Kind.embedding, Kind.head}
        return total - self.head.weights if self.tied and both else total

    @cached_property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Every tensor's shape by its name; GPT-2's matrices as other models have them."""
        return {name: shape for module in self.own for name, shape in module.tensors}

    @cached_property
    def stored(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors that weight files hold by the same names, whatever their age:
        heads and experts were called otherwise."""
        usual = [m for m in self.modules if m.kind not in (Kind.head, Kind.other)]
        return {name: shape for module in usual for name, shape in module.tensors}

    @cached_property
    def module_paths(self) -> frozenset[str]:
        """The path of every module that holds weights, itself or further in."""
        parts = [path.split(".") for module in self.modules for path in module.holders]
        return frozenset(".".join(one[:end]) for one in parts for end in range(1, len(one) + 1))

    def named(self, names: Collection[str]) -> tuple[Module, ...]:
        """Return the modules that `names` end the paths of, as PEFT's `target_modules` does."""
        return tuple(found for m in self.modules if (found := m.under(names)) is not None)

    def inside(self, names: Collection[str]) -> tuple[Module, ...]:
        """Return the modules so named with all that lies inside them."""
        return tuple(found for m in self.modules if (found := m.under(names, within=True)))


def read(config: Mapping[str, Any]) -> Architecture | None:
    """Return what a model with this config.json is made of; None for a model_type not known here.

    Raises ConfigError where a number that it needs is missing or is none.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        return None
    if model_type in WITH_VISION:
        return WITH_VISION[model_type](config)
    if model_type not in LAYOUTS:
        return None
    return _language(Numbers(config, model_type), None, (), None)


def _language(
    numbers: Numbers, base: str | None, before: Iterable[Module], tied: bool | None
) -> Architecture | None:
    """Return a language model under `base` with the modules `before` it; None for a layout that
    its family may have and this table does not."""
    chosen = LAYOUTS[numbers.model_type]
    layout = chosen if isinstance(chosen, Layout) else chosen(numbers)
    if layout is None:
        return None
    decoder, experts = Decoder(layout, numbers, base), layout.experts
    sliding = layout.sliding(numbers)
    tied = numbers.flag("tie_word_embeddings") if tied is None else tied
    modules = (*before, *decoder.modules())
    return Architecture(
        model_type=numbers.model_type,
        layers=numbers.layers,
        hidden=numbers.hidden,
        intermediate=numbers.whole(experts.inner) if experts else decoder.inner,
        vocabulary=numbers.vocabulary,
        heads=numbers.heads,
        kv_heads=decoder.kv_heads,
        head_dim=decoder.head_dim,
        max_positions=_positions(numbers, layout),
        tied=tied,
        gated=layout.gated,
        modules=modules if layout.last_norm or not tied else _last_spared(modules),
        sliding_window=numbers.optional("sliding_window") if sliding else None,
        sliding_layers=sliding,
        experts=numbers.whole(experts.count) if experts else 0,
        experts_per_token=numbers.whole("num_experts_per_tok") if experts else 0,
        stack=decoder.stack,
        renamed=experts.renamed if experts else (),
    )


def _last_spared(modules: tuple[Module, ...]) -> tuple[Module, ...]:
    """Take the very last weights from quantisation: transformers leaves them as they are, which
    in other models are a head or a norm."""
    last = next(m for m in reversed(modules) if m.kind is Kind.linear)
    layers = tuple(last.layers or ())
    parts = (
        replace(last, layers=layers[:-1]),
        replace(last, layers=layers[-1:], quantizes=False),
    )
    return tuple(part for m in modules for part in (parts if m is last else (m,)))


def _positions(numbers: Numbers, layout: Layout) -> int | None:
    """Return how many tokens the model can tell apart in order, rope scaling counted."""
    said = numbers.optional("max_position_embeddings")
    scaling = numbers.value("rope_scaling") or numbers.value("rope_parameters")
    if said is None or not isinstance(scaling, Mapping) or not layout.stretched:
        return said
    kind, factor = scaling.get("rope_type", scaling.get("type")), scaling.get("factor")
    if kind not in STRETCHING or not isinstance(factor, int | float):
        return said
    trained = scaling.get("original_max_position_embeddings")
    return max(said, int((trained if isinstance(trained, int) else said) * factor))


def _gemma3(config: Mapping[str, Any]) -> Architecture | None:
    whole = Numbers(config, "gemma3")
    text = whole.part("text_config", "gemma3_text")
    vision = whole.part("vision_config", "siglip_vision_model")
    other = vision.config.get("model_type", vision.model_type) != vision.model_type
    oblong = any(isinstance(vision.value(name), list) for name in ("image_size", "patch_size"))
    if other or oblong:
        return None
    seeing = (
        *siglip(vision, "model.vision_tower"),
        *projector(vision.hidden, text.hidden, "model.multi_modal_projector"),
    )
    tied = whole.flag("tie_word_embeddings")
    return _language(text, "model.language_model", seeing, tied)


WITH_VISION: dict[str, Callable[[Mapping[str, Any]], Architecture | None]] = {"gemma3": _gemma3}
