"""How the frozen base is stored while adapters train on it (bitsandbytes)."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.memory.weights import eight_bits, four_bits
from ftrecipe.registry import Group, bounded

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig


class Storage(Enum):
    """Type of the numbers that 4-bit weights lie in; ZeRO-3 and FSDP divide all but bytes."""

    uint8 = "uint8"
    bfloat16 = "bfloat16"
    float16 = "float16"
    float32 = "float32"


@dataclass
class Quantization:
    """The base as it is; `bits` is what a rule reads."""

    bits: ClassVar[int] = 16
    package: ClassVar[str | None] = None  # what has to be installed for it

    @property
    def stored_as(self) -> str | None:
        """Return the type of the numbers that the weights lie in, None for weights as they are."""
        return None

    def size(self, outputs: int, inputs: int) -> float | None:
        """Return the bytes that a linear layer's weight is stored in, None for as it is."""
        return None

    def build(self, compute_dtype: str) -> "BitsAndBytesConfig | None":
        """Return transformers' quantization config, or None for none."""
        return None


GROUP = Group("quantization", Quantization)
GROUP.option("none")(Quantization)


@GROUP.option("int8")
@dataclass
class Int8(Quantization):
    """LLM.int8(): 8-bit weights, outlier columns in 16 bits."""

    bits: ClassVar[int] = 8
    package: ClassVar[str | None] = "bitsandbytes"
    outlier_threshold: float = bounded(6.0, 0)

    @property
    def stored_as(self) -> str:
        """Return the type of the weights."""
        return "int8"

    def size(self, outputs: int, inputs: int) -> float | None:
        """Return a byte a number, and a scale a row."""
        return eight_bits(outputs, inputs)

    def build(self, compute_dtype: str) -> "BitsAndBytesConfig":
        """Return the 8-bit config."""
        from transformers import BitsAndBytesConfig

        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=self.outlier_threshold)


@dataclass
class FourBit(Quantization):
    """4-bit weights in blocks; `double_quant` also stores the blocks' scales in 8 bits."""

    bits: ClassVar[int] = 4
    package: ClassVar[str | None] = "bitsandbytes"
    kind: ClassVar[str] = "nf4"
    double_quant: bool = True
    storage: Storage = Storage.uint8

    @property
    def stored_as(self) -> str:
        """Return the type of the numbers that pairs of weights lie in."""
        return self.storage.value

    def size(self, outputs: int, inputs: int) -> float | None:
        """Return half a byte a number, and the blocks' scales."""
        return four_bits(outputs, inputs, self.double_quant)

    def build(self, compute_dtype: str) -> "BitsAndBytesConfig":
        """Return the 4-bit config that computes in `compute_dtype`."""
        from transformers import BitsAndBytesConfig

        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=self.kind,
            bnb_4bit_use_double_quant=self.double_quant,
            bnb_4bit_compute_dtype=compute_dtype,
            bnb_4bit_quant_storage=self.storage.value,
        )


@GROUP.option("nf4")
@dataclass
class Nf4(FourBit):
    """NormalFloat 4: QLoRA's type."""


@GROUP.option("fp4")
@dataclass
class Fp4(FourBit):
    """4-bit floating point."""

    kind: ClassVar[str] = "fp4"
