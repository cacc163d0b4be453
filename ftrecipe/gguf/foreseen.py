"""What of a model has no place in a GGUF file, by its own JSON files: before anything is loaded."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.gguf.families import FAMILIES, Family, check_positions, family_of, stranger
from ftrecipe.gguf.numbers import context_of
from ftrecipe.gguf.pretokenizer import parts_marks
from ftrecipe.gguf.rotary import rotary_of
from ftrecipe.gguf.tokenizer import vocabulary_of

Json = Mapping[str, Any]

WHERE = "export.gguf: "
AS_IT_STANDS = (None, "PreTrainedTokenizerFast", "TokenizersBackend")
"""The classes named in tokenizer_config.json with which transformers takes tokenizer.json whole;
others make a tokenizer of its vocabulary, and what that does is seen once it is loaded."""


def config_faults(config: Json) -> Iterator[str]:
    """Yield what of a config.json llama.cpp has no place for."""
    if config.get("model_type") not in FAMILIES:
        yield stranger(config.get("model_type"))
        return
    if {"max_position_embeddings", "hidden_size", "num_attention_heads"} <= config.keys():
        yield from _told(lambda: _positions(config, FAMILIES[config["model_type"]]))
    yield from _told(lambda: family_of(config))


def tokenizer_faults(config: Json, tokenizer: Json, settings: Json, grows: bool) -> Iterator[str]:
    """Yield what of a tokenizer.json llama.cpp would do otherwise.

    settings: its tokenizer_config.json. grows: whether tokens are added to it, and rows with them.
    """
    family = FAMILIES.get(str(config.get("model_type")))
    whole = settings.get("tokenizer_class") in AS_IT_STANDS
    if family is None or family.remade or not whole or "vocab_size" not in config:
        return
    rows = max(config["vocab_size"], _known(tokenizer)) if grows else config["vocab_size"]
    yield from _told(lambda: vocabulary_of(tokenizer, rows, apart=True))


def window_remark(config: Json) -> Iterator[str]:
    """Yield how long a row the file takes, where that is less than the model does."""
    if config.get("model_type") in FAMILIES and "max_position_embeddings" in config:
        longest, most = context_of(config), config["max_position_embeddings"]
        if longest < most:
            yield (
                f"the GGUF file takes {longest:,} tokens, not {most:,}: this model's attention "
                f"looks back {longest:,}, and llama.cpp's always to the beginning"
            )


def marks_remark(tokenizer: Json) -> Iterator[str]:
    """Yield what llama.cpp tokenizes otherwise of a tokenizer.json that it has a name for."""
    if parts_marks(tokenizer):
        yield (
            "llama.cpp splits this tokenizer's words at combining marks (Hindi, Thai, vowel points "
            "of Arabic and Hebrew): other tokens than were trained; data with such text fails "
            "the gate, other text is the same; export=merged is exact"
        )


def _known(tokenizer: Json) -> int:
    """Return how many tokens there are before any is added."""
    added = [token["id"] for token in tokenizer.get("added_tokens") or []]
    listed = tokenizer["model"]["vocab"]  # of kinds that are refused by their name, no mapping
    return 1 + max([*(listed.values() if isinstance(listed, Mapping) else ()), *added], default=-1)


def _positions(config: Json, family: Family) -> None:
    """Raise ConfigError for positions that are encoded in another way."""
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    check_positions(family, rotary_of(config, head_dim))


def _told(look: Callable[[], object]) -> list[str]:
    """Return why something is refused, without the place that its own room names."""
    try:
        look()
    except ConfigError as error:
        return [fault.removeprefix(WHERE) for fault in error.faults]
    return []
