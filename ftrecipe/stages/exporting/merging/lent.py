"""A model whose weights stay on the disk: each layer has its own only while it computes.

So a model computes in float32 where the memory has no room for it in any type. Each pass reads all
of the files, of which the system keeps in memory what it has room for.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import init_empty_weights
from peft import PeftModel
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PretrainedConfig,
    PreTrainedModel,
)
from transformers.initialization import no_init_weights
from transformers.utils import GENERATION_CONFIG_NAME

from ftrecipe.components.export import Weights
from ftrecipe.errors import listed
from ftrecipe.stages.exporting.merging.adapted import loaded_on
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError, fitted
from ftrecipe.stages.exporting.merging.hollow import grow, hollow, is_placeholder, untied

Names = dict[nn.Parameter, str]


class Lent:
    """A model of such a config, into which an adapter may be put before its weights are `given`."""

    def __init__(
        self,
        config: PretrainedConfig,
        tokens: int | None = None,
        tied: bool = True,
        device: str = "cpu",
    ) -> None:
        with no_init_weights(), init_empty_weights(include_buffers=False):
            model = AutoModelForCausalLM.from_config(untied(config, tied), dtype=torch.float32)
            grow(model, tokens)
        model.tie_weights()  # which is left out with what is drawn by chance
        self.device = device
        self.model = cast(PreTrainedModel, hollow(model, device).eval())
        self._names: Names = {each: name for name, each in model.named_parameters()}
        self._tied: dict[str, str] = dict(model.all_tied_weights_keys)  # type: ignore[arg-type]

    def with_adapter(self, folder: Path) -> PeftModel:
        """Put an adapter around the model. Raises StreamError for one that is made of weights."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says of tied weights is mended by `given`
            return loaded_on(self.model, folder).eval()

    def given(self, weights: Weights, model: Any = None) -> Any:
        """Have every layer read its own weights; `model` is this one with an adapter around it.

        Raises StreamError where some weights would be nobody's.
        """
        model = self.model if model is None else model
        for each in (*model.parameters(), *model.buffers()):
            if not is_placeholder(each):
                each.data = each.data.to(self.device)
        kept = set(weights.names)
        twins = {main: other for other, main in self._tied.items()} | self._tied
        stored = {  # but for what an adapter has in its place
            each: self._names[each] if self._names[each] in kept else twins[self._names[each]]
            for each in model.parameters()
            if each in self._names and is_placeholder(each)
        }
        served: set[nn.Parameter] = set()
        for module in _units(model):
            own = {each: stored[each] for each in module.parameters() if each in stored}
            served |= own.keys()
            _Lender(own, weights, self.device).watch(module)
        if lacking := stored.keys() - served:
            names = listed([stored[each] for each in lacking], 1)
            raise StreamError(f"{names} is no layer's own")
        return model


class _Lender:
    """Gives one layer its weights before it computes, and takes them away afterwards."""

    def __init__(self, own: Names, weights: Weights, device: str) -> None:
        self.own, self.weights, self.device = own, weights, device
        self.empty = {each: each.data for each in own}

    def watch(self, module: nn.Module) -> None:
        """Be called whenever the layer computes."""
        module.register_forward_pre_hook(self.give)
        module.register_forward_hook(self.take, always_call=True)

    def give(self, *_: Any) -> None:
        """Read the weights."""
        for each, name in self.own.items():
            each.data = self.weights.read(name).to(self.device, torch.float32)

    def take(self, *_: Any) -> None:
        """Let their memory go."""
        for each, room in self.empty.items():
            each.data = room


def _units(module: nn.Module) -> Iterator[nn.Module]:
    """Yield what has its weights at a time: each layer of a list, else the smallest modules.

    A layer as a whole, since there are some whose parts look into one another, as what PEFT put
    around a module looks into that.
    """
    for child in module.children():
        own = any(True for _ in child.parameters(recurse=False))
        if isinstance(child, nn.ModuleList):
            yield from child
        elif own or hasattr(child, "base_layer") or hasattr(child, "original_module"):
            yield child
        else:
            yield from _units(child)


def of_folder(folder: Path, device: str, remote_code: bool) -> PreTrainedModel:
    """Return the model in a folder, with the settings of generation that lie there.

    Raises StreamError where its files are not what the model is made of.
    """
    lent = Lent(AutoConfig.from_pretrained(folder, trust_remote_code=remote_code), device=device)
    if (folder / GENERATION_CONFIG_NAME).is_file():
        lent.model.generation_config = GenerationConfig.from_pretrained(folder)
    return lent.given(fitted(Files(folder), lent.model))
