"""A model held against its family: what a GGUF file says and where each tensor goes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_VERSION

from ftrecipe.gguf.about import About
from ftrecipe.gguf.families import check_positions, family_of
from ftrecipe.gguf.kinds import KINDS
from ftrecipe.gguf.numbers import numbers_of
from ftrecipe.gguf.special import Special
from ftrecipe.gguf.tensors import EMBEDDING, Stored, places
from ftrecipe.gguf.tokenizer import vocabulary_of


@dataclass(frozen=True)
class Model:
    """All that goes into a file: `config` is a config.json, `tokenizer` a tokenizer.json."""

    config: Mapping[str, Any]
    stored: Stored
    tokenizer: Mapping[str, Any]
    special: Special
    about: About


class Layout:
    """What is written, all but the weights; known before any of them is read."""

    def __init__(self, model: Model) -> None:
        """Raises ConfigError with what of the model has no place in a GGUF file."""
        self.model = model
        self.family = family_of(model.config)
        self.numbers = numbers_of(model.config)
        check_positions(self.family, self.numbers.rotary)
        tied = bool(model.config.get("tie_word_embeddings"))
        self.places = places(self.family, self.numbers, model.stored, tied)
        rows = model.stored.shape(f"{EMBEDDING}.weight")[0]
        self.vocabulary = vocabulary_of(model.tokenizer, rows, model.special.apart)
        model.special.check(model.tokenizer)

    def writer(self, kind: str, file: Path) -> GGUFWriter:
        """Return the library's writer, told everything but the tensors."""
        writer = GGUFWriter(file, self.family.architecture)
        self.model.about.put(writer, sum(math.prod(place.shape) for place in self.places))
        writer.add_file_type(KINDS[kind].code)
        writer.add_quantization_version(GGML_QUANT_VERSION)
        self.numbers.put(writer, len(self.vocabulary.tokens))
        self.vocabulary.put(writer)
        self.model.special.put(writer, self.model.tokenizer)
        return writer
