"""Weights as a quantised base has them: quantised and dequantised again, a tensor at a time."""

from collections.abc import Collection, Sequence
from typing import Any, cast

import torch
from transformers import BitsAndBytesConfig, PreTrainedModel
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.auto import AutoHfQuantizer
from transformers.quantizers.quantizers_utils import should_convert_module

from ftrecipe.components.export import Weights


class Dequantized:
    """`Weights` of `source`, of which the named tensors are rounded as bitsandbytes rounds them.

    model: a skeleton of the plain model.
    """

    def __init__(self, source: Weights, config: BitsAndBytesConfig, model: PreTrainedModel) -> None:
        self.source, self._config = source, config
        modules = dict(model.named_modules())
        self._named = {f"{path}.weight" for path in quantized_layers(model, config)}
        self._turned = {  # they lie the other way round: GPT-2's
            name
            for name in self._named
            if isinstance(modules[name.removesuffix(".weight")], Conv1D)
        }

    @property
    def names(self) -> Sequence[str]:
        """The source's tensors."""
        return self.source.names

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return self.source.shape(name)

    def dtype(self, name: str) -> str:
        """Return the type that the base stores a tensor in."""
        return self.source.dtype(name)

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor: float32 if it was quantised."""
        tensor = self.source.read(name)
        if name not in self._named:
            return tensor
        weight = tensor.float()
        if name in self._turned:
            return self._rounded(weight.T.contiguous()).T
        return self._rounded(weight)

    def _rounded(self, weight: torch.Tensor) -> torch.Tensor:
        import bitsandbytes.functional as bits

        config = self._config
        if config.load_in_8bit:
            codes, scales, _ = bits.int8_vectorwise_quant(weight.to(torch.float16))
            return bits.int8_vectorwise_dequant(codes, scales).float()
        codes, state = bits.quantize_4bit(
            weight,
            compress_statistics=config.bnb_4bit_use_double_quant,
            quant_type=config.bnb_4bit_quant_type,
            quant_storage=config.bnb_4bit_quant_storage,
        )
        return bits.dequantize_4bit(codes, state).float()


def quantized_layers(model: PreTrainedModel, config: BitsAndBytesConfig) -> Collection[str]:
    """Return the paths of the layers that transformers quantises; `model` is left as it is."""
    quantizer = cast(Any, AutoHfQuantizer.from_config(config, pre_quantized=False))
    left_out = quantizer.get_modules_to_not_convert(
        model, config.llm_int8_skip_modules, model._keep_in_fp32_modules
    )
    return [
        path
        for path, module in model.named_modules()
        if (type(module) is torch.nn.Linear or isinstance(module, Conv1D))
        and should_convert_module(path, left_out)
    ]
