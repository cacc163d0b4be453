"""The programs that will run what was exported, each behind the same few questions.

An engine is a module of this folder, named by an `Artefact`, with a function `open_engine`.
"""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.components.export import Artefact


@dataclass(frozen=True)
class Settings:
    """How an engine is to compute.

    dtype: of a library that can choose. context: the most tokens of a prompt and its answer.
    threads: None for what the machine has. remote_code: whether a model's own code may run.
    device: where a library of torch computes, "auto" for as many as it needs. quantization: of
    the base that an adapter was trained on, as transformers takes it; None for none. streams:
    whether weights stay on the disk, each layer's but while it computes, where a library lets them.
    """

    dtype: str = "float32"
    context: int = 2048
    threads: int | None = None
    remote_code: bool = False
    device: str = "cpu"
    quantization: Any = None
    streams: bool = False


class NotAsked(Exception):  # noqa: N818 - nothing went wrong
    """A program has no way to answer a question; the text says why, in words for people."""


class Engine(Protocol):
    """One artefact, loaded by the program that will run it.

    Any of its methods may raise NotAsked.
    """

    @property
    def about(self) -> str:
        """The program and its version: "llama.cpp (xllamacpp 2026.10)"."""
        ...

    @property
    def ends(self) -> set[int]:
        """The tokens that end an answer, as the artefact's own files declare them."""
        ...

    def tokenized(self, text: str) -> list[int]:
        """Return the ids of a text by the artefact's own tokenizer.

        Special tokens that are written in it are read as such; none are added.
        """
        ...

    def raw(self, text: str) -> list[int]:
        """Return the ids of a plain text as users' texts are read: with what is put around it."""
        ...

    def prompt(
        self, messages: Sequence[dict[str, Any]], tools: list[Any] | None, ready: bool = True
    ) -> list[int]:
        """Return the ids of a conversation by the artefact's own template.

        ready: with the beginning of an answer behind it.
        """
        ...

    @property
    def declares(self) -> dict[str, Any]:
        """What its files say of how it is used where a user says nothing, by transformers' names.

        Settings of generation as far as there are any, `max_position_embeddings`, and what else
        the program takes from them.
        """
        ...

    def losses(self, rows: Sequence[Labeled]) -> list[float]:
        """Return of each row the loss in nats, summed over the tokens that have a label."""
        ...

    def next_logprobs(self, prompts: Sequence[list[int]]) -> "np.ndarray":
        """Return the log-probabilities, float32 [prompts, vocabulary], of what follows each."""
        ...

    def along(self, ids: list[int], places: Sequence[int]) -> "np.ndarray":
        """Return the same of what follows so many tokens of one text: [places, vocabulary]."""
        ...

    def generate(self, prompts: list[list[int]], decoding: Decoding) -> list[Completion]:
        """Return one completion a prompt, in order, by the artefact's own end tokens."""
        ...

    def stream(self, messages: Sequence[dict[str, Any]], decoding: Decoding) -> Iterator[str]:
        """Give the answer to a conversation piece by piece, as it is written."""
        ...

    def continued(self, text: str, decoding: Decoding) -> Iterator[str]:
        """Give what follows a text, to which no template is put, piece by piece."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


@contextmanager
def opened(artefact: Artefact, settings: Settings) -> Iterator[Engine]:
    """Give the engine that an artefact names, with the artefact loaded; afterwards it is closed."""
    module = importlib.import_module(f"ftrecipe.stages.engines.{artefact.engine}")
    engine: Engine = module.open_engine(artefact, settings)
    try:
        yield engine
    finally:
        engine.close()
