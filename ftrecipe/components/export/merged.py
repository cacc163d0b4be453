"""Target `merged`: one model folder, the adapter merged in, that needs no PEFT."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.export import (
    GROUP,
    Artefact,
    Asking,
    Closeness,
    Export,
    Tuned,
    Usage,
    Weights,
)
from ftrecipe.components.export.shards import Stored, size_of, write_shards
from ftrecipe.components.export.using import python
from ftrecipe.model_folder import CONFIG

if TYPE_CHECKING:
    from torch import Tensor

    from ftrecipe.memory.architecture import Architecture


class Dtype(Enum):
    """Type of the stored weights; `auto` takes the base's own, or a finer one of its size."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


@GROUP.option("merged")
@dataclass
class Merged(Export):
    """One model folder, the adapter merged in, that needs no PEFT."""

    needs_merge: ClassVar[bool] = True
    dtype: Dtype = Dtype.auto
    max_shard_size: str = "5GB"

    def size(self, adapter: float, merged: float) -> float:
        """Return the whole model's, of which the plan takes 16 bits a number."""
        return 2 * merged if self.dtype is Dtype.float32 else merged

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield a size that is none."""
        if size_of(self.max_shard_size) is None:
            yield f"max_shard_size={self.max_shard_size}: is no size; use one such as 5GB or 500MB"

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write weights (safetensors) as they are merged, configs and tokenizer."""
        kind, weights = self._kind(tuned), tuned.weights
        unbiased = tuned.dtype == "bfloat16"
        tensors = [_stored(weights, name, kind) for name in weights.names]

        def read(each: Stored) -> "Tensor":
            return weights.read(each.name)

        def steps(all: Sequence[Stored]) -> Iterator[Stored]:
            return tuned.progress("merging", all)

        write_shards(folder, tensors, read, size_of(self.max_shard_size) or 0, steps, unbiased)
        config = tuned.config
        config.dtype = kind
        config.save_pretrained(folder)
        tuned.generation_config.save_pretrained(folder)
        tuned.tokenizer.save_pretrained(folder)

    def _kind(self, tuned: Tuned) -> str:
        """Return the type to store the weights in.

        By itself the base's own, but not bfloat16: its step is larger than most of what a tune
        changes, and rounding to it is heard in the answers. float16 takes no more room and is
        eight times finer.
        """
        if self.dtype is not Dtype.auto:
            return self.dtype.value
        if tuned.dtype != "bfloat16":
            return tuned.dtype
        if tuned.fits_float16:
            return "float16"
        tuned.say(
            "merged is stored in float32: what this model computes with is too large for float16, "
            "and bfloat16 would round the tune away; all the same: export.merged.dtype=bfloat16"
        )
        return "float32"

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the folder, which transformers loads."""
        closeness = Closeness.exact if stored_in(folder) == "float32" else Closeness.rounded
        return [Artefact("", "transformers", folder, closeness)]

    def usage(self, asking: Asking) -> list[Usage]:
        """Return code that loads it and asks it."""
        code = python(asking, "AutoModelForCausalLM", "transformers")
        return [Usage("Load the merged model (Python)", code, "python")]


def stored_in(folder: Path) -> str:
    """Return the type of the weights in a folder of this target."""
    return json.loads((folder / CONFIG).read_text("utf-8"))["dtype"]


def _stored(weights: Weights, name: str, kind: str) -> Stored:
    """Return how one tensor is stored: numbers that are no floats as they are."""
    own = weights.dtype(name)
    return Stored(name, kind if "float" in own else own, weights.shape(name))
