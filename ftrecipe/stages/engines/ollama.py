"""Asks a model that an Ollama server serves.

Prompts go there as texts, without Ollama's template; conversations by `stream`, with it. What the
server tells nobody, ids of a text and the probabilities of all tokens, is not asked.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.components.export import Artefact
from ftrecipe.ollama.server import CutOff, OllamaError, Server
from ftrecipe.stages.engines import NotAsked, Settings
from ftrecipe.stages.engines.spelling import Spelling

SETTINGS = {"repeat_penalty": "repetition_penalty"}
SAMPLED = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")


class Ollama:
    """One model by its name on a server; `spelling` is of the GGUF that it was made of."""

    def __init__(self, server: Server, name: str, spelling: Spelling, context: int) -> None:
        self.server, self.name, self.spelling, self.context = server, name, spelling, context

    @cached_property
    def about(self) -> str:
        """The program and its version: "Ollama 0.12.6"."""
        try:
            return f"Ollama {self.server.version()}"
        except CutOff:  # each question will say so
            return "Ollama"

    @property
    def ends(self) -> set[int]:
        """The tokens that end an answer, by the GGUF."""
        return self.spelling.ends

    def tokenized(self, text: str) -> list[int]:
        """Raise NotAsked."""
        self._untold("the ids of a text")

    def raw(self, text: str) -> list[int]:
        """Raise NotAsked."""
        self._untold("the ids of a text")

    @property
    def declares(self) -> dict[str, Any]:
        """What the Modelfile says of sampling, which Ollama obeys."""
        with _unreached():
            _, parameters = self.server.show(self.name)
        told = [line.split(maxsplit=1) for line in parameters.splitlines()]
        known = {SETTINGS.get(each[0], each[0]): each[1] for each in told if len(each) > 1}
        return {name: float(value) for name, value in known.items() if name in SAMPLED}

    def losses(self, rows: Sequence[Labeled]) -> list[float]:
        """Raise NotAsked."""
        self._untold("the probability of a given token")

    def prompt(
        self, messages: Sequence[dict[str, Any]], tools: list[Any] | None, ready: bool = True
    ) -> list[int]:
        """Raise NotAsked."""
        self._untold("what its template makes of a conversation")

    def next_logprobs(self, prompts: Sequence[list[int]]) -> np.ndarray:
        """Raise NotAsked."""
        self._untold("the probabilities of all tokens (it tells those of twenty)")

    def along(self, ids: list[int], places: Sequence[int]) -> np.ndarray:
        """Raise NotAsked."""
        self._untold("the probabilities of all tokens (it tells those of twenty)")

    def _untold(self, what: str) -> NoReturn:
        raise NotAsked(f"Ollama tells nobody {what}")

    def generate(self, prompts: list[list[int]], decoding: Decoding) -> list[Completion]:
        """Return one completion a prompt, in order."""
        texts = [self.spelling.text(ids) for ids in prompts]
        with _unreached():
            options = self._options(decoding)
            said = [self.server.complete(self.name, text, options) for text in texts]
        return [Completion(each.text.strip(), each.tokens, each.ended) for each in said]

    def stream(self, messages: Sequence[dict[str, Any]], decoding: Decoding) -> Iterator[str]:
        """Give the answer to a conversation piece by piece, by the template that Ollama uses."""
        with _unreached():
            yield from self.server.chatting(self.name, messages, self._options(decoding))

    def continued(self, text: str, decoding: Decoding) -> Iterator[str]:
        """Give what follows a text piece by piece, without a template."""
        with _unreached():
            yield from self.server.completing(self.name, text, self._options(decoding))

    def close(self) -> None:
        """Free what it takes on the server."""
        with suppress(OllamaError):  # a server that has gone holds nothing
            self.server.unload(self.name)
        self.server.close()

    def _options(self, decoding: Decoding) -> dict[str, Any]:
        """Return the decoding as Ollama takes it; its own defaults are other ones."""
        options: dict[str, Any] = {
            "temperature": decoding.temperature,
            "seed": decoding.seed,
            "top_p": decoding.top_p,
            "top_k": decoding.top_k or 0,
            "min_p": 0.0,
            "repeat_penalty": decoding.repetition_penalty,
            "repeat_last_n": -1,
            "num_predict": decoding.max_new_tokens,
            "num_ctx": self.context,
        }
        if decoding.stop:  # which takes the place of those in the Modelfile
            options["stop"] = [*decoding.stop, *self._stops]
        return options

    @cached_property
    def _stops(self) -> list[str]:
        """The texts that end an answer by the Modelfile: lines of `stop "<|im_end|>"`."""
        _, parameters = self.server.show(self.name)
        lines = [line.split(maxsplit=1) for line in parameters.splitlines()]
        texts = [line[1].strip() for line in lines if line[:1] == ["stop"] and len(line) == 2]
        return [json.loads(text) if text.startswith('"') else text for text in texts]


@contextmanager
def _unreached() -> Iterator[None]:
    """Take a server that went away for one that was not asked: it says nothing of its model."""
    try:
        yield
    except CutOff as error:
        raise NotAsked(str(error)) from None


def open_engine(artefact: Artefact, settings: Settings) -> Ollama:
    """Return the model that an artefact names on its server; it is loaded when it is asked."""
    assert artefact.served is not None  # of what this engine is named for
    server = Server(artefact.address)
    return Ollama(server, artefact.served, Spelling(artefact.path), settings.context)
