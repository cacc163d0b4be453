"""Engine `llama_cpp`: a GGUF file in llama.cpp, by its own template, tokenizer and end tokens."""

import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import numpy as np

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.components.eval.calls import MARKERS
from ftrecipe.components.export import Artefact
from ftrecipe.errors import StageError
from ftrecipe.stages.engines import NotAsked, Settings
from ftrecipe.stages.engines.llama_server import PACKAGE, LlamaServer, Serving

FLOOR = -104.0
"""What a token gets that llama.cpp gives a probability of 0: about the least that float32 holds."""
EXACT = "float32"  # what a file is computed in to be held against another; else as by itself
WIDENED = "BF16"
"""Of such weights, ggml computes with 8 bits of what is multiplied with them, too: by a hundred
times coarser than they are."""
SURE = 1000  # added to a token's logit, it is written; the probabilities are those before that
ENDS = ("eos", "eot", "eom")
_ALL = b'"top_logprobs":['
_EACH = re.compile(rb'"id":(\d+),.*?"logprob":(null|[-+.eE\d]+)', re.DOTALL)
SAMPLING = "general.sampling."  # metadata that llama.cpp takes for its users' settings
NUMBERS = {"attention.layer_norm_rms_epsilon": "rms_norm_eps", "rope.freq_base": "rope_theta"}
SETTINGS = {"temp": "temperature", "penalty_repeat": "repetition_penalty"}


def open_engine(artefact: Artefact, settings: Settings) -> "LlamaCpp":
    """Load a GGUF file; in float32, one of bfloat16 by a scratch copy of the same numbers.

    Raises StageError where llama.cpp cannot load it, ConfigError where it is not installed.
    """
    server = _server(artefact.path, settings)
    try:
        about = server.ask("/v1/models")["data"][0]["meta"]
        as_it_is = settings.dtype != EXACT or not about["ftype"].startswith(WIDENED)
    except BaseException:
        server.close()
        raise
    if as_it_is:
        return LlamaCpp(artefact.path, server, about)
    server.close()
    scratch = tempfile.TemporaryDirectory(dir=artefact.path.parent, prefix=".float32-")
    try:
        server = _server(_widened(artefact.path, Path(scratch.name)), settings)
    except BaseException:
        scratch.cleanup()
        raise
    return LlamaCpp(artefact.path, server, about, scratch)


def _widened(file: Path, folder: Path) -> Path:
    """Write a file's numbers in 32 bits into a folder. Raises StageError where that fails."""
    from ftrecipe.gguf.widened import widen

    copy = folder / file.name
    try:
        widen(file, copy)
    except OSError as error:
        raise StageError(
            f"{file.name}: to be computed in float32, it needs room for a copy of twice its size "
            f"beside it: {error.strerror}"
        ) from error
    return copy


def _server(file: Path, settings: Settings) -> LlamaServer:
    """Start a server for nobody else: on a free port of this machine, with a key of its own."""
    key, exact = token_urlsafe(), settings.dtype == EXACT
    return LlamaServer(Serving(str(file), settings.context, settings.threads, key=key, exact=exact))


class LlamaCpp:
    """An `Engine` over llama.cpp's server; one prompt at a time, what it has read is kept."""

    def __init__(
        self,
        file: Path,
        server: LlamaServer,
        about: Mapping[str, Any],
        scratch: "tempfile.TemporaryDirectory[str] | None" = None,
    ) -> None:
        self.file, self.server, self.scratch = file, server, scratch
        self.vocabulary, self.context = int(about["n_vocab"]), int(about["n_ctx"])
        self.trained = int(about["n_ctx_train"])

    @property
    def about(self) -> str:
        """The program and its version."""
        how = "" if self.scratch is None else ", bfloat16 computed in float32"
        return f"llama.cpp ({PACKAGE} {version(PACKAGE)}{how})"

    @cached_property
    def _said(self) -> dict[str, Any]:
        """The file's metadata, but for its lists."""
        from gguf import GGUFReader, GGUFValueType

        fields = GGUFReader(self.file).fields
        plain = {n: one for n, one in fields.items() if one.types[:1] != [GGUFValueType.ARRAY]}
        return {name: one.contents() for name, one in plain.items()}

    @property
    def ends(self) -> set[int]:
        """The tokens that end an answer by the file's metadata.

        llama.cpp ends at others, too, by their names: <|im_end|>, <|eot_id|>, </s> and such.
        """
        named = [self._said.get(f"tokenizer.ggml.{end}_token_id") for end in ENDS]
        return {int(one) for one in named if one is not None}

    @property
    def declares(self) -> dict[str, Any]:
        """What the file says of its context, norms, positions, and of sampling, which it obeys."""
        said, family = self._said, self._said["general.architecture"]
        own = {n.removeprefix(SAMPLING): v for n, v in said.items() if SAMPLING in n}
        known = {name: said.get(f"{family}.{key}") for key, name in NUMBERS.items()}
        return {SETTINGS.get(name, name): value for name, value in own.items()} | {
            "max_position_embeddings": self.trained,
            **{name: value for name, value in known.items() if value is not None},
        }

    def tokenized(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return self._ids(text, add_special=False)

    def raw(self, text: str) -> list[int]:
        """Return the ids of a plain text with what llama.cpp puts around it."""
        return self._ids(text, add_special=True)

    def prompt(
        self, messages: Sequence[dict[str, Any]], tools: list[Any] | None, ready: bool = True
    ) -> list[int]:
        """Return the ids of a conversation, with what llama.cpp puts before one for its users."""
        if not ready:
            raise NotAsked("llama.cpp goes on with an answer that is there")
        asked: dict[str, Any] = {"messages": list(messages)}
        asked |= {"tools": tools} if tools else {}
        return self._ids(self.server.ask("/apply-template", asked)["prompt"], add_special=True)

    def _ids(self, text: str, add_special: bool) -> list[int]:
        asked = {"content": text, "add_special": add_special, "parse_special": True}
        return self.server.ask("/tokenize", asked)["tokens"]

    @cached_property
    def _letter(self) -> int:
        """A token that is no part of a character."""
        return self.tokenized("a")[-1]

    def next_logprobs(self, prompts: Sequence[list[int]]) -> np.ndarray:
        """Return the log-probabilities, float32 [prompts, vocabulary], of what follows each."""
        return np.stack([self._next(prompt) for prompt in prompts])

    def along(self, ids: list[int], places: Sequence[int]) -> np.ndarray:
        """Return the same of what follows so many tokens of one text; what was read is kept."""
        return self.next_logprobs([ids[:place] for place in places])

    def losses(self, rows: Sequence[Labeled]) -> list[float]:
        """Return of each row the loss in nats, summed over the tokens that have a label.

        One token after the other is written in any case, and its probability asked for.
        """
        return [
            -sum(
                self._logprob(ids[:at], token)
                for at, token in enumerate(labels)
                if at and token >= 0
            )
            for ids, labels in rows
        ]

    def _logprob(self, prompt: list[int], token: int) -> float:
        """Return what llama.cpp gave a token before it had to write it.

        Of a part of a character it says nothing, so that the whole row is asked for.
        """
        told = self.server.ask("/completion", _forcing(prompt, token, 1))
        if not (known := told.get("completion_probabilities")):
            return float(self._next(prompt)[token])
        found = known[0]["logprob"]
        return math.nan if found is None else max(FLOOR, found)

    def _next(self, prompt: list[int]) -> np.ndarray:
        """Return one row; llama.cpp sums its probabilities in 32 bits, so they are summed anew.

        A letter is written in any case: after a part of one, llama.cpp holds back what it knows.
        """
        asked = _forcing(prompt, self._letter, self.vocabulary)
        row = np.full(self.vocabulary, FLOOR)
        ids, values = numbers(self.server.written("/completion", asked))
        row[ids] = values
        row = np.maximum(row, FLOOR)
        return (row - np.log(np.exp(row).sum())).astype(np.float32)

    def generate(self, prompts: list[list[int]], decoding: Decoding) -> list[Completion]:
        """Return one completion a prompt, in order."""
        return [self._completion(prompt, decoding) for prompt in prompts]

    def _completion(self, prompt: list[int], decoding: Decoding) -> Completion:
        answer = self.server.ask("/completion", self._asked(prompt, decoding))
        by_token = answer["stop_type"] == "eos"
        return Completion(
            text=answer["content"].strip(),
            tokens=answer["tokens_predicted"] - by_token,
            ended=by_token or answer["stop_type"] == "word",
        )

    def stream(self, messages: Sequence[dict[str, Any]], decoding: Decoding) -> Iterator[str]:
        """Give the answer to a conversation piece by piece, without white space around it."""
        return self._pieces(self.prompt(messages, None), decoding)

    def continued(self, text: str, decoding: Decoding) -> Iterator[str]:
        """Give what follows a text piece by piece, without white space around it."""
        return self._pieces(self.tokenized(text), decoding)

    def _pieces(self, prompt: list[int], decoding: Decoding) -> Iterator[str]:
        held, begun = "", False
        for event in self.server.stream("/completion", self._asked(prompt, decoding)):
            text = held + event["content"]
            text = text if begun else text.lstrip()
            said = text.rstrip()
            held = text[len(said) :]
            if said:
                begun = True
                yield said

    def _asked(self, prompt: list[int], decoding: Decoding) -> dict[str, Any]:
        """Return a question for an answer, decoded as `Decoding` says and in its order.

        Marks of tool calls and stop texts are written out where they are special tokens.
        """
        return {
            "prompt": prompt,
            "n_predict": decoding.max_new_tokens,
            "samplers": ["penalties", "top_k", "temperature", "top_p"],
            "temperature": decoding.temperature,
            "top_k": decoding.top_k or 0,
            "top_p": decoding.top_p,
            "repeat_penalty": decoding.repetition_penalty,
            "repeat_last_n": self.context,
            "seed": decoding.seed % (2**32 - 1),  # the last one draws a seed
            "stop": list(decoding.stop),
            "preserved_tokens": [*MARKERS, *decoding.stop],
        }

    def close(self) -> None:
        """End llama.cpp's process, which gives its memory back."""
        self.server.close()
        if self.scratch is not None:
            self.scratch.cleanup()


def _forcing(prompt: list[int], token: int, told: int) -> dict[str, Any]:
    """Return a question for `told` probabilities, after which a token is written in any case."""
    asked = {"prompt": prompt, "n_predict": 1, "temperature": 0, "n_probs": told}
    return asked | {"logit_bias": [[token, SURE]]}


def numbers(answer: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids and log-probabilities in an answer; NaN for what is no number.

    Of 150,000 tokens it is 17 MB of JSON, so only its numbers are read. Quotes in a token's text
    are escaped, and are no name's.
    """
    found = _EACH.findall(answer, answer.index(_ALL) + len(_ALL))
    ids = np.array([number for number, _ in found], np.bytes_).astype(np.int64)
    values = [b"nan" if value == b"null" else value for _, value in found]
    return ids, np.array(values, np.bytes_).astype(np.float64)
