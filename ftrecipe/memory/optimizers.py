"""What optimizers keep of the weights that they train, in bytes a tensor, by their library's own
rules; nothing is imported."""

from collections.abc import Iterable
from dataclasses import dataclass

SMALL = 4096  # numbers; bitsandbytes keeps 32 bits of tensors below (optim/optimizer.py)
BLOCK = 256  # numbers that share one 32-bit scale there
PAGED = 100_000  # numbers; smaller tensors stay on the device (get_state_buffer)


@dataclass(frozen=True)
class Tensor:
    """`count` trained tensors of one shape, whose weights have `width` bytes."""

    shape: tuple[int, ...]
    count: int = 1
    width: int = 4
    is_embedding: bool = False

    @property
    def size(self) -> int:
        """Numbers in one of them."""
        total = 1
        for side in self.shape:
            total *= side
        return total


@dataclass(frozen=True)
class Optimizer:
    """`states` numbers a weight: as wide as the weight (`like_weight`), in 8 bits with a scale a
    block, or in 32 bits; `factored` ones a row and a column of a matrix.
    """

    states: int
    bits: int = 32
    like_weight: bool = False
    paged: bool = False
    factored: bool = False
    known: bool = True

    def held(self, tensors: Iterable[Tensor]) -> float:
        """Return the bytes of its states for `tensors`."""
        return sum(each.count * self._of(each) for each in tensors)

    def pageable(self, tensors: Iterable[Tensor]) -> float:
        """Return the bytes among them that may leave a GPU that runs full."""
        large = [each for each in tensors if each.size >= PAGED]
        return self.held(large) if self.paged else 0.0

    def _of(self, tensor: Tensor) -> float:
        if self.factored and len(tensor.shape) > 1:
            return 4.0 * (tensor.size / tensor.shape[-1] + tensor.size / tensor.shape[-2])
        if self.bits == 8 and tensor.size >= SMALL and not tensor.is_embedding:
            scales = 4 * -(-tensor.size // BLOCK)
            return self.states * (tensor.size + scales)
        if self.bits == 4 and tensor.size >= SMALL:
            return self.states * tensor.size * (0.5 + 4 / 128)  # torchao: a scale for 128 numbers
        return self.states * tensor.size * (tensor.width if self.like_weight else 4)


ADAMW = Optimizer(2, like_weight=True)
OPTIMIZERS = {
    "adamw_torch": ADAMW,
    "adamw_torch_fused": ADAMW,
    "adamw_torch_8bit": Optimizer(2, bits=8),
    "adamw_torch_4bit": Optimizer(2, bits=4),
    "adamw_bnb_8bit": Optimizer(2, bits=8),
    "adamw_8bit": Optimizer(2, bits=8),
    "paged_adamw_8bit": Optimizer(2, bits=8, paged=True),
    "paged_adamw_32bit": Optimizer(2, paged=True),
    "ademamix": Optimizer(3),
    "ademamix_8bit": Optimizer(3, bits=8),
    "paged_ademamix_32bit": Optimizer(3, paged=True),
    "paged_ademamix_8bit": Optimizer(3, bits=8, paged=True),
    "lion_32bit": Optimizer(1),
    "lion_8bit": Optimizer(1, bits=8),
    "paged_lion_32bit": Optimizer(1, paged=True),
    "paged_lion_8bit": Optimizer(1, bits=8, paged=True),
    "rmsprop": Optimizer(1, like_weight=True),
    "rmsprop_bnb": Optimizer(1),
    "rmsprop_bnb_32bit": Optimizer(1),
    "rmsprop_bnb_8bit": Optimizer(1, bits=8),
    "adagrad": Optimizer(1, like_weight=True),
    "adafactor": Optimizer(1, factored=True),
    "sgd": Optimizer(0),
}
"""By transformers' names (OptimizerNames); one without a momentum keeps nothing."""

UNKNOWN = Optimizer(2, known=False)


def optimizer(name: str) -> Optimizer:
    """Return what is known of an optimizer; of one that is not, what AdamW would keep."""
    return OPTIMIZERS.get(name, UNKNOWN)
