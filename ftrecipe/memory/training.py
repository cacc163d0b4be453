"""The account of a run: weights, gradients, optimizer, activations and logits on one device."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ftrecipe.memory.account import Account
from ftrecipe.memory.activations import (
    Computing,
    Trained,
    in_passing,
    kept,
    logits,
    one_layer,
    unreturned,
)
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.evaluating import Suite, in_layer, measuring
from ftrecipe.memory.optimizers import Optimizer, Tensor
from ftrecipe.memory.parts import Kind, Module
from ftrecipe.memory.weights import Stored, largest, quantized, widest_layer

FLOAT = 4
HALF = 2


@dataclass(frozen=True)
class Shared:
    """How several devices divide what they hold; 1 device divides nothing."""

    devices: int = 1
    zero_stage: int = 0
    divides_weights: bool = False
    offloads: bool = False
    copies_gradients: bool = False  # for sending, beside those of the weights
    bucket: float = 0.0  # bytes of the buffers that are sent
    live: int = 0  # numbers of divided weights that may be whole at once

    def part(self, stage: int) -> float:
        """Return the share that a device has of what is divided from this ZeRO stage on."""
        divided = self.divides_weights or self.zero_stage >= stage
        return 1 / self.devices if divided else 1.0


@dataclass(frozen=True)
class Setting:
    """All that the account of a run follows from; widths are bytes a number."""

    model: Architecture
    computing: Computing
    trained: Trained
    optimizer: Optimizer
    overhead: float
    base_width: int = FLOAT  # of weights that are not quantised
    trained_width: int = FLOAT  # of what an adapter adds
    stored: Stored | None = None
    masters: bool = False  # 32-bit copies of 16-bit weights, with the optimizer
    accumulates: bool = False
    shared: Shared = Shared()
    suites: tuple[Suite, ...] = ()
    eval_rows: int = 0  # of a batch of validation while training, 0 for none
    beside: tuple[Suite, ...] = ()  # measured at those evaluations
    file_width: int = 0  # of the weights' file where it is mapped while it is read


def account(given: Setting) -> Account:
    """Return what the run holds on each device."""
    return _Sums(given).account()


class _Sums:
    """The parts of one account, each computed once."""

    def __init__(self, given: Setting) -> None:
        self.given, self.shared = given, given.shared
        model, trained = given.model, given.trained
        self.quantized, self.covered = (
            (0.0, 0) if given.stored is None else quantized(model, given.stored)
        )
        self.tensors = list(tensors(given))
        self.plain = model.parameters - self.covered
        self.added = 0 if trained.modules else trained.added

    @property
    def weights(self) -> float:
        """Bytes of the base's weights, of an adapter's, and of what comes with it."""
        given = self.given
        base = self.quantized + self.plain * given.base_width
        return base + given.trained.fixed * FLOAT

    @property
    def trained(self) -> int:
        """Numbers that are trained."""
        return sum(tensor.size * tensor.count for tensor in self.tensors)

    @property
    def gradients(self) -> float:
        """Bytes of all gradients."""
        return float(sum(tensor.size * tensor.count * tensor.width for tensor in self.tensors))

    @property
    def optimizer(self) -> float:
        """Bytes of the optimizer's states, with the masters."""
        given = self.given
        own = [replace(t, width=FLOAT) for t in self.tensors] if given.masters else self.tensors
        states = given.optimizer.held(own)
        if given.computing.on_gpu:
            states -= given.optimizer.pageable(own)
        return states + (FLOAT * self.trained if given.masters else 0)

    @property
    def casts(self) -> float:
        """Bytes of the 16-bit copies that autocast makes of 32-bit weights and keeps."""
        given = self.given
        if not given.computing.autocast or given.base_width == HALF:
            return 0.0
        share = given.trained.reached / max(1, given.model.layers)
        return HALF * (given.model.linear_parameters * share + given.model.head.weights)

    def account(self) -> Account:
        """Put the parts together, for each moment that may be the peak."""
        given, shared = self.given, self.shared
        model, run, trained = given.model, given.computing, given.trained
        added = self.added * given.trained_width
        weights = (self.weights + added) * shared.part(3) + self._gathered
        gradients, optimizer = self.gradients * shared.part(2), self.optimizer * shared.part(1)
        host = 0.0
        if shared.offloads:
            host = (weights - self._gathered + optimizer + gradients) * shared.devices
            weights, optimizer, gradients = self._gathered, 0.0, 0.0
        sent = shared.bucket + (gradients if shared.copies_gradients else 0.0)
        activations, casts = kept(model, run, trained), self.casts
        lost = unreturned(model, run, activations)
        scores = logits(model, run, trained)
        layer = in_passing(model, run)
        if run.checkpointing:
            layer += one_layer(model, run, trained)
        if given.stored is not None:
            layer += HALF * largest(model)
        own = 0.0 if shared.offloads else added * shared.part(3)
        held = {"weights": weights - own, "adapter": own, "overhead": given.overhead}
        stays = held | {"optimizer": optimizer, "gradients": sent, "allocator": lost}
        before = stays | {"gradients": sent + (gradients if given.accumulates else 0.0)}
        holding = {
            "the end of the forward pass": before
            | {"activations": activations + casts}
            | _larger(("logits", scores), ("a layer", 0.0 if run.checkpointing else layer)),
            "the backward pass": before | {"activations": activations, "a layer": layer},
            "the optimizer's step": stays
            | {"gradients": sent + gradients, "the step": max(layer / 2, self._tied)},
            "loading": held | {"files": given.file_width * model.parameters},
        }
        if given.suites:
            holding["measuring"] = held | {"measuring": max(self._measuring(given.suites))}
        if given.beside:
            widest = max(self._measuring(given.beside))
            holding["measuring while training"] = stays | {"measuring": widest}
        if given.eval_rows:
            tokens = given.eval_rows * run.length
            seen = tokens * model.vocabulary * (run.width + 2 * FLOAT)
            widest = max(seen, in_layer(model, tokens, run.width))
            holding["validation"] = stays | {"validation": widest}
        return Account(holding, host)

    @property
    def _tied(self) -> float:
        """Bytes of the second gradient of a table that is also the head."""
        both = any(tensor.is_embedding for tensor in self.tensors) and self.given.model.tied
        return self.given.model.embedding.weights * FLOAT if both else 0.0

    @property
    def _gathered(self) -> float:
        """Bytes of divided weights that are whole while a layer computes: it and the next."""
        if not (self.shared.divides_weights or self.shared.offloads):
            return 0.0
        model = self.given.model
        numbers = min(2 * widest_layer(model) + model.embedding.weights, model.parameters)
        return float(HALF * min(numbers, self.shared.live or numbers))

    def _measuring(self, suites: tuple[Suite, ...]) -> Iterator[float]:
        given = self.given
        for suite in suites:
            run = given.computing
            yield measuring(given.model, suite, given.base_width, run.on_gpu)


def _larger(one: tuple[str, float], other: tuple[str, float]) -> dict[str, float]:
    """Return the larger of two things that are never held together, by its name."""
    name, size = max(one, other, key=lambda held: held[1])
    return {name: size}


def tensors(given: Setting) -> Iterator[Tensor]:
    """Yield the trained tensors; those of an adapter as if each target had one of equal size."""
    for module in given.trained.modules:
        yield from _tensors(module, given.base_width)
    if not given.trained.modules and given.trained.added:
        several = max(1, 2 * len(given.trained.targets))
        yield Tensor((round(given.trained.added / several),), several, given.trained_width)


def _tensors(module: Module, width: int) -> Iterator[Tensor]:
    yield Tensor(module.shape, module.count, width, module.kind is Kind.embedding)
    if module.bias:
        yield Tensor(module.shape[:1], module.count, width)
