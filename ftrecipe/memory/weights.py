"""What the weights of a model take, quantised ones exactly as bitsandbytes stores them."""

import math
from collections.abc import Callable, Iterable

from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Kind, Module

Stored = Callable[[int, int], float]
"""Bytes of a quantised matrix of so many outputs and inputs."""

BLOCK = 64  # numbers that share a scale in 4 bits
OF_SCALES = 256  # scales that share one, where scales are quantised again
TABLE = 4 * 16  # the sixteen values of a 4-bit number
SECOND_TABLE = 4 * 256 + 4  # those of an 8-bit scale, and the scales' mean


def four_bits(outputs: int, inputs: int, double: bool) -> float:
    """Return the bytes of a 4-bit matrix: two numbers a byte and a scale a block
    (bitsandbytes.functional.quantize_4bit); `double` keeps the scales in 8 bits."""
    numbers = outputs * inputs
    blocks = math.ceil(numbers / BLOCK)
    scales = blocks + 4 * math.ceil(blocks / OF_SCALES) + SECOND_TABLE if double else 4 * blocks
    return math.ceil(numbers / 2) + scales + TABLE


def eight_bits(outputs: int, inputs: int) -> float:
    """Return the bytes of an 8-bit matrix with a 32-bit scale a row (Int8Params)."""
    return outputs * inputs + 4.0 * outputs


def quantized(model: Architecture, stored: Stored) -> tuple[float, int]:
    """Return the bytes of the linear layers that are quantised, and their weights' number."""
    covered = [m for m in model.linears if m.quantizes]
    size = sum(m.count * stored(m.outputs, m.inputs) for m in covered)
    return size, sum(m.weights for m in covered)


def largest(model: Architecture) -> int:
    """Return the numbers of the largest linear layer, the head left out."""
    return max((m.outputs * m.inputs for m in model.linears), default=0)


def plain(modules: Iterable[Module]) -> int:
    """Return the numbers of some modules, tied ones as often as they are named."""
    return sum(module.parameters for module in modules)


def widest_layer(model: Architecture) -> int:
    """Return the numbers of one decoder layer: what is gathered where weights are divided."""
    every = sum(m.parameters for m in model.decoder if m.kind is not Kind.embedding)
    return every // max(1, model.layers)
