"""A model of which only the shapes are in memory, until a layer is given its weights."""

import copy
from functools import cache

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from ftrecipe.stages.models import Models


@cache
def nothing(device: str) -> torch.Tensor:
    """Return the one number that stands for all weights on a device."""
    return torch.zeros((), device=device)


def skeleton(config: PretrainedConfig, tokens: int | None, tied: bool = True) -> PreTrainedModel:
    """Return a model's modules without weights, its vocabulary grown to `tokens` if there are such.

    tied: False for weights of which the embedding and the head have parted.
    """
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(untied(config, tied))
        grow(model, tokens)
    return model


def untied(config: PretrainedConfig, tied: bool = False) -> PretrainedConfig:
    """Return a copy of a config that says of the embedding and the head that they are two tensors.

    tied: leave it as it is.
    """
    config = copy.deepcopy(config)
    if not tied:
        untie(config)
    return config


def grow(model: PreTrainedModel, tokens: int | None) -> None:
    """Have a model without weights know `tokens` words, if there are such."""
    if tokens is not None and tokens > model.get_input_embeddings().num_embeddings:  # type: ignore[union-attr]
        model.resize_token_embeddings(tokens, mean_resizing=False)


def grown_to(models: Models) -> int | None:
    """Return how many words a run's tokenizer has, if tokens were added to it."""
    return len(models.tokenizer) if models.run.model.special_tokens else None


def shaped(config: PretrainedConfig, tokens: int | None, tied: bool = True) -> PretrainedConfig:
    """Return the config of the model that `skeleton` makes."""
    return skeleton(config, tokens, tied).config


def untie(config: PretrainedConfig) -> None:
    """Have a config say that the embedding and the head are two tensors."""
    for part in {id(each): each for each in (config, config.get_text_config())}.values():
        part.tie_word_embeddings = False


def placeholder(shape: torch.Size, device: str = "cpu") -> torch.Tensor:
    """Return zeros of a shape that take no memory: all are the same number."""
    return nothing(device).expand(shape)


def is_placeholder(tensor: torch.Tensor) -> bool:
    """Tell zeros that stand for weights from weights."""
    return not tensor.is_meta and tensor.data_ptr() == nothing(str(tensor.device)).data_ptr()


def hollow(model: PreTrainedModel, device: str = "cpu") -> PreTrainedModel:
    """Put placeholders where a model without weights has its parameters; tied ones stay one.

    On the meta device PEFT would keep what it adds there too, and some of that is no weight of the
    adapter's file but computed: indices, random projections.
    """
    known: dict[nn.Parameter, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if parameter not in known:
                room = nn.Parameter(placeholder(parameter.shape, device), requires_grad=False)
                known[parameter] = known[room] = room
            setattr(module, name, known[parameter])
    return model
