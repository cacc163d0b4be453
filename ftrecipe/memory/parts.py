"""The weights of a model as numbers: one Module a name and shape, however many layers have it."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Kind(Enum):
    """What a module is, to those who look for one: quantisation, adapters, the loss."""

    embedding = "embedding"  # of the words that come in
    linear = "linear"  # what `all-linear` covers
    head = "head"  # the linear layer that makes the logits
    norm = "norm"
    other = "other"  # positions, patches, routers, and experts in one tensor


@dataclass(frozen=True)
class Module:
    """Weights of one name and shape, once in each of `layers`.

    In `path`, `*` stands for a layer's number. A linear layer's `shape` is (outputs, inputs). Of
    a bare tensor (`bare`), the last part of the path is the tensor's own name, not a module's.
    """

    path: str
    kind: Kind
    shape: tuple[int, ...]
    bias: bool = False
    layers: Sequence[int] | None = None  # None where it belongs to no layer
    bare: bool = False
    quantizes: bool = True  # of a linear layer: bitsandbytes replaces it

    @property
    def count(self) -> int:
        """How many of it the model has."""
        return 1 if self.layers is None else len(self.layers)

    @property
    def inputs(self) -> int:
        """Width of what goes into a linear layer."""
        return self.shape[-1]

    @property
    def outputs(self) -> int:
        """Width of what comes out of a linear layer."""
        return self.shape[0]

    @property
    def widths(self) -> tuple[int, int]:
        """Widths of what goes in and comes out; an embedding's rows come in, in its own order."""
        into, out = self.inputs, self.outputs
        return (out, into) if self.kind is Kind.embedding else (into, out)

    @property
    def weights(self) -> int:
        """Numbers in all its weights, biases not counted."""
        return self.count * math.prod(self.shape)

    @property
    def biases(self) -> int:
        """Numbers in all its biases."""
        return self.count * self.shape[0] if self.bias else 0

    @property
    def parameters(self) -> int:
        """Numbers in all of it."""
        return self.weights + self.biases

    def named(self, layer: int | None) -> str:
        """Return the path of the one in `layer`."""
        return self.path if layer is None else self.path.replace("*", str(layer))

    @property
    def paths(self) -> list[str]:
        """The path of each one."""
        return [self.named(layer) for layer in ([None] if self.layers is None else self.layers)]

    @property
    def holders(self) -> list[str]:
        """The path of the module that each one is: of a bare tensor, that which holds it."""
        return [path.rpartition(".")[0] for path in self.paths] if self.bare else self.paths

    @property
    def tensors(self) -> list[tuple[str, tuple[int, ...]]]:
        """The name and shape of each tensor."""
        if self.bare:
            return [(path, self.shape) for path in self.paths]
        weights = [(path + ".weight", self.shape) for path in self.paths]
        biases = [(path + ".bias", self.shape[:1]) for path in self.paths if self.bias]
        return weights + biases

    def under(self, names: Collection[str], within: bool = False) -> "Module | None":
        """Return the part of it that `names` end the path of, None for none.

        A name ends a path as PEFT understands it: `q_proj`, `self_attn.q_proj` or
        `layers.3.self_attn.q_proj`. `within` also takes what lies inside a module so named.
        """
        if self.layers is None:
            return self if _ends(self.path, names, within, self.bare) else None
        found = [n for n in self.layers if _ends(self.named(n), names, within, self.bare)]
        return replace(self, layers=tuple(found)) if found else None

    def only(self, layers: Collection[int]) -> "Module | None":
        """Return the part of it that is in `layers`, None for none."""
        kept = tuple(n for n in self.layers or () if n in layers)
        return replace(self, layers=kept) if kept else None


def ends(path: str, names: Collection[str]) -> bool:
    """Tell whether one of `names` is the end of a dotted path, or all of it."""
    return any(("." + path).endswith("." + name) for name in names)


def _ends(path: str, names: Collection[str], within: bool, bare: bool) -> bool:
    parts = path.split(".")[: -1 if bare else None]
    uptos = range(1, len(parts) + 1) if within else [len(parts)]
    return any(ends(".".join(parts[:upto]), names) for upto in uptos)
