"""A model of transformers behind an engine's questions, with tokenizer and end tokens of its own.

Answers are written by the loop that also measures, so that artefacts are asked as the trained
model was: what differs is then theirs.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from jinja2 import TemplateError
from safetensors import SafetensorError
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.errors import StageError
from ftrecipe.stages.engines import Settings
from ftrecipe.stages.fingerprints import first_line
from ftrecipe.stages.measuring.choosing import Chooser
from ftrecipe.stages.measuring.distributions import along, expected
from ftrecipe.stages.measuring.generation import Reader, left_padded, write
from ftrecipe.stages.measuring.losses import losses
from ftrecipe.stages.measuring.modes import Model, base_of, evaluating, keep_trainable
from ftrecipe.stages.measuring.stopping import Stops

BROKEN = "\ufffd"  # what stands for bytes that are no whole character yet
WHITE = " \t\r\n"
NUMBERS = ("max_position_embeddings", "rope_parameters", "sliding_window", "use_sliding_window",
           "rms_norm_eps", "hidden_act")  # fmt: skip
TOKENS = ("model_max_length", "padding_side", "pad_token", "eos_token", "bos_token")


class TorchModel:
    """An `Engine` over a loaded model."""

    def __init__(
        self, model: Model, tokenizer: PreTrainedTokenizerBase, ends: set[int], about: str
    ) -> None:
        self.model, self.tokenizer, self._ends, self.about = model, tokenizer, ends, about

    @classmethod
    def load(
        cls,
        folder: Path,
        settings: Settings,
        load: Callable[[], Model],
        about: str,
        tokenizer_ends: bool,
    ) -> Self:
        """Load the tokenizer of a folder and its model. Raises StageError where one cannot be.

        tokenizer_ends: whether the tokenizer's end token counts besides those that the model's
        generation config names.
        """
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                folder, trust_remote_code=settings.remote_code
            )
            model = load()
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise StageError(f"cannot be loaded: {first_line(error)}") from error
        keep_trainable(model)
        config = base_of(model).generation_config
        named = None if config is None else config.eos_token_id
        ends = set(named) if isinstance(named, list) else {named}
        ends |= {cast(int | None, tokenizer.eos_token_id)} if tokenizer_ends else set()
        return cls(model, tokenizer, {end for end in ends if end is not None}, about)

    @property
    def ends(self) -> set[int]:
        """The tokens that end an answer."""
        return self._ends

    def tokenized(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]  # type: ignore[return-value]

    def raw(self, text: str) -> list[int]:
        """Return the ids of a plain text with what the tokenizer puts around it."""
        return self.tokenizer(text, verbose=False)["input_ids"]  # type: ignore[return-value]

    def prompt(
        self, messages: Sequence[dict[str, Any]], tools: list[Any] | None, ready: bool = True
    ) -> list[int]:
        """Return the ids of a conversation. Raises StageError where the template refuses it."""
        if self.tokenizer.chat_template is None:
            raise StageError("there is no chat template")
        try:
            text = self.tokenizer.apply_chat_template(
                list(messages),
                tools=tools,
                tokenize=False,
                add_generation_prompt=ready,
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise StageError(f"the chat template refuses: {first_line(error)}") from error
        return self.tokenized(str(text))

    @property
    def declares(self) -> dict[str, Any]:
        """What configs of model, generation and tokenizer say."""
        model, tokenizer = base_of(self.model), self.tokenizer
        generation = {} if model.generation_config is None else model.generation_config.to_dict()
        return generation | numbers_of(model.config) | tokens_of(tokenizer)

    def losses(self, rows: Sequence[Labeled]) -> list[float]:
        """Return of each row the loss in nats, summed over the tokens that have a label."""
        return [each.nll for each in losses(self.model, list(rows))]

    def next_logprobs(self, prompts: Sequence[list[int]]) -> np.ndarray:
        """Return the log-probabilities, float32 [prompts, vocabulary], of what follows each."""
        return expected(self.model, prompts)

    def along(self, ids: list[int], places: Sequence[int]) -> np.ndarray:
        """Return the same of what follows so many tokens of one text, which is read once."""
        return along(self.model, ids, places)

    def generate(self, prompts: list[list[int]], decoding: Decoding) -> list[Completion]:
        """Return one completion a prompt, in order."""
        stops = Stops(self.model, self.tokenizer, decoding.stop, self._ends)
        written = write(self.model, stops, prompts, decoding)
        return [stops.completion(ids) for ids in written]

    def stream(self, messages: Sequence[dict[str, Any]], decoding: Decoding) -> Iterator[str]:
        """Give the answer to a conversation piece by piece, whole characters only."""
        return self._pieces(self.prompt(messages, None), decoding)

    def continued(self, text: str, decoding: Decoding) -> Iterator[str]:
        """Give what follows a text piece by piece, whole characters only."""
        return self._pieces(self.tokenized(text), decoding)

    def _pieces(self, prompt: list[int], decoding: Decoding) -> Iterator[str]:
        stops = Stops(self.model, self.tokenizer, decoding.stop, self._ends)
        written: list[int] = []
        told, text = 0, ""
        for token in self._tokens(prompt, decoding):
            if token in stops.ids:
                break
            written.append(token)
            text = stops.said(written).lstrip()
            if cuts := [at for at in map(text.find, stops.texts) if at >= 0]:
                text = text[: min(cuts)]
                break
            sure = len(text) - _unsure(text, stops.texts)
            if sure > told:
                yield text[told:sure]
                told = sure
        if rest := text.rstrip()[told:]:
            yield rest

    def _tokens(self, prompt: list[int], decoding: Decoding) -> Iterator[int]:
        """Yield one token after the other, without an end.

        Gradients are off only while it works: streams that take turns would else leave them off.
        """
        chooser = Chooser(decoding, [prompt], self.model.device)
        with evaluating(self.model):
            reader = Reader(self.model, *left_padded([prompt], self.model.device))
        for step in range(decoding.max_new_tokens):
            chosen = chooser.choose(reader.logits, [0], step)
            yield int(chosen[0])
            if step + 1 < decoding.max_new_tokens:
                with evaluating(self.model):
                    reader.read(chosen, {0})

    def close(self) -> None:
        """Free the model's memory."""
        del self.model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def numbers_of(config: PretrainedConfig) -> dict[str, Any]:
    """Return what of a model's config short prompts show hardly, or not at all."""
    known = config.get_text_config().to_dict()
    return {name: known[name] for name in NUMBERS if name in known}


def tokens_of(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Return what programs take from a tokenizer beside its ids."""
    return {name: getattr(tokenizer, name) for name in TOKENS}


def _unsure(text: str, stops: Sequence[str]) -> int:
    """Return how many characters at the end may still become others, or are no part of an answer.

    Those are white space, and what a stop text begins with.
    """
    begun = [size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size])]
    kept = text[: len(text) - max(begun, default=0)]
    return len(text) - len(kept.rstrip(BROKEN + WHITE))
