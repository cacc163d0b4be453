"""Weights with an adapter in them: PEFT's own layers merge, one at a time, and are emptied again.

So every method that PEFT can merge is merged by its own formula, in float32, while no more than one
layer's weights and the adapter are in memory.
"""

import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import SAFETENSORS_WEIGHTS_NAME, ModulesToSaveWrapper
from torch import nn
from transformers import PreTrainedModel

from ftrecipe.components.export import Weights
from ftrecipe.errors import StageError
from ftrecipe.stages.exporting.merging.fitting import StreamError
from ftrecipe.stages.exporting.merging.hollow import hollow, is_placeholder
from ftrecipe.weights import header_of, tensors_of


class Adapted:
    """`Weights` of `source` with the adapter in a folder merged into them.

    model: a skeleton of the plain model, which is used up.
    """

    def __init__(self, source: Weights, model: PreTrainedModel, adapter: Path) -> None:
        self.source = source
        self._there = set(source.names)
        self._shapes = {name: tuple(each.shape) for name, each in model.state_dict().items()}
        self._mains: dict[str, str] = dict(model.all_tied_weights_keys)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of tied weights is mended below
            plain = loaded_on(hollow(model), adapter).get_base_model()
        self._layers = dict(_layers(plain))
        self._owners = {
            f"{path}.{name}": path
            for path, layer in self._layers.items()
            for name, _ in _base(layer).named_parameters()
        }
        every = dict(plain.named_parameters(remove_duplicate=False))
        self._whole = {  # trained in place, as biases are
            name: each.detach()
            for name, each in every.items()
            if name in self._shapes and name not in self._owners and not is_placeholder(each)
        }
        self._ready: dict[str, torch.Tensor] = {}  # of the layer that was merged last
        parted = {other for other, main in self._mains.items() if not self._same(other, main)}
        self.tied = not parted
        """Whether what was one tensor by two names is one still."""
        self.names: Sequence[str] = list(self._named(parted))

    def _named(self, parted: Collection[str]) -> Iterator[str]:
        """Give the tensors in the source's order: of tied ones the main name, and those parted."""
        given = set()
        for stored in self.source.names:
            main = self._mains.get(stored, stored)
            others = [name for name in parted if self._mains[name] == main]
            for name in (main, *others):
                if name in self._shapes and name not in given:
                    given.add(name)
                    yield name

    def _same(self, other: str, main: str) -> bool:
        """Tell whether two tensors that were one are one still."""
        touched = any(name in self._owners or name in self._whole for name in (other, main))
        if not touched and not {other, main} <= self._there:
            return True
        return torch.equal(self.read(other).float(), self.read(main).float())

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return self._shapes[name]

    def dtype(self, name: str) -> str:
        """Return the type that the base stores a tensor in."""
        return self.source.dtype(self._stored(name))

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor: float32 if the adapter is in it, else as the source gives it."""
        if name in self._whole:
            return self._whole[name]
        if name not in self._owners:
            return self.source.read(self._stored(name))
        if name not in self._ready:
            self._ready = self._merged(self._owners[name])
        return self._ready.pop(name)

    def _stored(self, name: str) -> str:
        """Return by which name the source has a tensor that may be tied to others."""
        main = self._mains.get(name, name)
        twins = (name, main, *(each for each in self._mains if self._mains[each] == main))
        return next(each for each in twins if each in self._there)

    @torch.no_grad()
    def _merged(self, path: str) -> dict[str, torch.Tensor]:
        """Fill one layer, have PEFT merge it, take what it is now, and empty it."""
        layer = self._layers[path]
        if isinstance(layer, ModulesToSaveWrapper):  # trained whole: the base's is not asked for
            return _named(path, _merge(layer))
        base = _base(layer)
        kept = [(each, each.data) for each in base.parameters()]
        try:
            for name, parameter in base.named_parameters():
                if is_placeholder(parameter):
                    parameter.data = self.source.read(self._stored(f"{path}.{name}")).float()
                else:
                    parameter.data = parameter.data.float().clone()
            return _named(path, _merge(layer))
        finally:
            for parameter, data in kept:
                parameter.data = data
            for each in layer.modules():
                if isinstance(each, BaseTunerLayer):
                    each.merged_adapters.clear()


def _named(path: str, module: nn.Module) -> dict[str, torch.Tensor]:
    return {f"{path}.{name}": each.data for name, each in module.named_parameters()}


def loaded_on(model: PreTrainedModel, adapter: Path) -> PeftModel:
    """Return a hollow model with PEFT's layers in it, of which only the adapter has weights.

    Raises StreamError for an adapter that is made of the base's weights as it is loaded.
    """
    try:
        tuned = PeftModel.from_pretrained(
            model, adapter, low_cpu_mem_usage=True, torch_device="cpu"
        )
    except RuntimeError as error:  # of an SVD, of weights that are not there
        raise StreamError(f"PEFT needs the weights to load the adapter ({error})") from error
    plain = tuned.get_base_model()
    stored = tensors_of(header_of(adapter / SAFETENSORS_WEIGHTS_NAME)[0])
    own = {each for _, layer in _layers(plain) for each in _base(layer).parameters()}
    for name, parameter in plain.named_parameters():
        rewritten = parameter in own and not is_placeholder(parameter)
        if rewritten and f"base_model.model.{name}" not in stored:
            raise StreamError(f"PEFT computes {name} as it loads the adapter")
    return tuned


def _layers(module: nn.Module, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the outermost layers that PEFT put around the model's own, with their paths."""
    for name, child in module.named_children():
        below = f"{path}.{name}" if path else name
        if hasattr(child, "unload_and_optionally_merge_module") or hasattr(child, "base_layer"):
            yield below, child
        else:
            yield from _layers(child, below)


def _base(layer: Any) -> nn.Module:
    """Return the model's own module within a layer of PEFT's."""
    while True:
        if hasattr(layer, "original_module"):
            layer = layer.original_module
        elif hasattr(layer, "base_layer"):
            layer = layer.base_layer
        else:
            return layer


@contextmanager
def said_by_peft() -> Iterator[None]:
    """Tell in words why PEFT refuses to merge."""
    try:
        yield
    except RuntimeError as error:
        raise StageError(f"PEFT cannot merge this adapter: {error}") from error


def _merge(layer: Any) -> nn.Module:
    """Merge as PEFT's merge_and_unload does, and return the plain module."""
    with warnings.catch_warnings(), said_by_peft():
        warnings.simplefilter("ignore")
        if hasattr(layer, "unload_and_optionally_merge_module"):
            return layer.unload_and_optionally_merge_module(
                merge=True, safe_merge=False, adapter_names=None
            )
        layer.merge(safe_merge=False, adapter_names=None)
        return layer.get_base_layer()
