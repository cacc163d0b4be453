"""Which tensor of a model becomes which of a file, under what name, and in what order of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, get_tensor_name_map

from ftrecipe.errors import ConfigError, listed
from ftrecipe.gguf.families import ATTENTION, FEED_FORWARD, Family
from ftrecipe.gguf.numbers import Numbers

if TYPE_CHECKING:
    from torch import Tensor

EMBEDDING, HEAD, NORM = "model.embed_tokens", "lm_head", "model.norm"
_COMPUTED = ("rotary_emb.inv_freq", "rotary_emb.original_inv_freq")  # stored by old models


class Stored(Protocol):
    """Where a model's tensors are read from, one at a time."""

    @property
    def names(self) -> Sequence[str]:
        """The tensors; one of two that are tied."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape without reading it."""
        ...

    def read(self, name: str) -> "Tensor":
        """Return one tensor on the CPU."""
        ...


@dataclass(frozen=True)
class Place:
    """One tensor: `source` in the model, `name` in the file; so many `heads` are interleaved."""

    name: str
    source: str
    shape: tuple[int, ...]
    heads: int = 0


def places(family: Family, numbers: Numbers, stored: Stored, tied: bool) -> list[Place]:
    """Return where every tensor goes, in the order in which they are stored.

    Raises ConfigError where one is missing, has another shape, or has no place in llama.cpp.
    """
    known = {name: number for number, name in MODEL_ARCH_NAMES.items()}
    names = get_tensor_name_map(MODEL_ARCH(known[family.architecture]), numbers.layers)
    there = {n: stored.shape(n) for n in stored.names if not n.endswith(_COMPUTED)}
    needed, allowed = _shapes(family, numbers, there.get(f"{EMBEDDING}.weight", (0, 0))[0])
    if tied:  # where the head was trained apart all the same, it is written
        allowed |= {f"{HEAD}.weight": needed.pop(f"{HEAD}.weight")}
    _check(there, needed, needed | allowed, family)
    rows = {"q_proj": numbers.heads, "k_proj": numbers.kv_heads} if family.interleaved else {}
    found = []
    for source, shape in there.items():
        name = names.get_name(source, (".weight", ".bias"))
        assert name is not None  # all that may be there has a place
        found.append(Place(name, source, shape, rows.get(source.split(".")[-2], 0)))
    return found


def _shapes(
    family: Family, numbers: Numbers, vocabulary: int
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return the shapes of tensors that a model of a family must have, and may have."""
    must: dict[str, tuple[int, ...]] = {
        f"{EMBEDDING}.weight": (vocabulary, numbers.hidden),
        f"{HEAD}.weight": (vocabulary, numbers.hidden),
        f"{NORM}.weight": (numbers.hidden,),
    }
    may: dict[str, tuple[int, ...]] = {}
    for layer in range(numbers.layers):
        for path, shape in _of_layer(family, numbers):
            at = f"model.layers.{layer}.{path}"
            must[f"{at}.weight"] = shape
            if path.rpartition(".")[2] in family.biases:
                may[f"{at}.bias"] = shape[:1]
    return must, may


def _of_layer(family: Family, numbers: Numbers) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give the modules of one layer and the shapes of their weights."""
    hidden, inner = numbers.hidden, numbers.inner
    query, key = numbers.heads * numbers.head_dim, numbers.kv_heads * numbers.head_dim
    attention = ((query, hidden), (key, hidden), (key, hidden), (hidden, query))
    yield from zip((f"self_attn.{name}" for name in ATTENTION), attention)
    if family.head_norms:
        yield from ((f"self_attn.{name}_norm", (numbers.head_dim,)) for name in "qk")
    forward = ((inner, hidden), (inner, hidden), (hidden, inner))
    yield from zip((f"mlp.{name}" for name in FEED_FORWARD), forward)
    yield from ((f"{when}_layernorm", (hidden,)) for when in ("input", "post_attention"))


def _check(
    there: dict[str, tuple[int, ...]],
    needed: dict[str, tuple[int, ...]],
    allowed: dict[str, tuple[int, ...]],
    family: Family,
) -> None:
    """Raise ConfigError with all that does not fit."""
    missing = [name for name in needed if name not in there]
    strange = [name for name in there if name not in allowed]
    wrong = [
        f"{name} is {list(shape)}, not {list(allowed[name])}"
        for name, shape in there.items()
        if name in allowed and shape != allowed[name]
    ]
    faults = [
        *([f"the weights lack {listed(missing, 3)}"] if missing else []),
        *([f"llama.cpp's {family.architecture} has no place for {listed(strange, 3)}"]
          if strange else []),
        *([f"config.json and the weights differ: {listed(wrong, 3)}"] if wrong else []),
    ]  # fmt: skip
    if faults:
        raise ConfigError([f"export.gguf: {fault}" for fault in faults])


def interleaved(weight: "Tensor", heads: int) -> "Tensor":
    """Return a weight or bias whose rows stand as llama.cpp turns them: of each head, a row of its
    first half, then one of its second."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.transpose(1, 2).reshape(weight.shape)
