"""Small random models of each family, written as GGUF files, and llama.cpp to read them."""

import json
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from answers import ROOT
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ftrecipe.gguf.about import About
from ftrecipe.gguf.layout import Model
from ftrecipe.gguf.special import Special
from ftrecipe.gguf.write import write

TINY = ROOT / "ftrecipe" / "builtin" / "tiny"
SMALL = {
    "vocab_size": 2048, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "bos_token_id": 0, "eos_token_id": 3, "pad_token_id": 1, "initializer_range": 0.15,
}  # fmt: skip

NEAR = 0.05  # of log-probabilities: f16 weights, and llama.cpp's cache is f16 as well

T = TypeVar("T")


class InMemory:
    """The weights of a loaded model, one of two that are tied."""

    def __init__(self, model: Any) -> None:
        tied = set(model.all_tied_weights_keys)
        self.tensors = {n: t for n, t in model.state_dict().items() if n not in tied}

    @property
    def names(self) -> list[str]:
        return list(self.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.tensors[name].shape)

    def read(self, name: str) -> torch.Tensor:
        return self.tensors[name]


def random_model(model_type: str, **changed: Any) -> Any:
    """Return a random model whose distributions are far from flat, its norms and biases too."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **(SMALL | changed))
    model = AutoModelForCausalLM.from_config(config).float().eval()
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            weight.data = torch.randn_like(weight) * 0.2 + (1 if "norm" in name else 0)
    return model


def tiny_tokenizer() -> Any:
    """Return the embedded model's tokenizer."""
    return AutoTokenizer.from_pretrained(TINY)


def described(model: Any, tokenizer: Any, **special: Any) -> Model:
    """Return what goes into a file."""
    said = {
        "bos": tokenizer.bos_token_id, "ends": [tokenizer.eos_token_id],
        "pad": tokenizer.pad_token_id, "unk": tokenizer.unk_token_id,
        "template": tokenizer.chat_template, "apart": True,
    }  # fmt: skip
    return Model(
        config=model.config.to_dict(),
        stored=InMemory(model),
        tokenizer=json.loads(tokenizer.backend_tokenizer.to_str()),
        special=Special(**(said | special)),
        about=About("small", "apache-2.0", "org/small-base"),
    )


def silent(label: str, items: Sequence[T]) -> Iterable[T]:
    """Show no progress."""
    return items


def written(model: Model, folder: Path, kind: str = "f16") -> Path:
    """Write one file and return it."""
    file = folder / f"small-{kind}.gguf"
    write(model, {kind: file}, silent)
    return file


class LlamaCpp:
    """llama.cpp with one file."""

    def __init__(self, file: Path) -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path, params.n_ctx, params.n_parallel = str(file), 512, 1
        params.cpuparams.n_threads, params.warmup = 1, False
        self.server = xllamacpp.Server(params)
        # its end waits for ever for a loop that has not begun; an answer shows that it has
        self.server.handle_completions({"prompt": "a", "n_predict": 1})

    def tokens(self, text: str) -> list[int]:
        """Return a text's ids, special tokens read, none added."""
        asked = {"content": text, "add_special": False, "parse_special": True}
        return self._post("/tokenize", asked)["tokens"]

    def text(self, messages: list[dict[str, str]]) -> str:
        """Return a chat as the file's template writes it."""
        return self._post("/apply-template", {"messages": messages})["prompt"]

    def next_logprobs(self, ids: list[int], size: int) -> torch.Tensor:
        """Return the log-probability of each token after `ids`."""
        answer = self.server.handle_completions(
            {"prompt": [ids], "n_predict": 1, "n_probs": size, "temperature": 0,
             "cache_prompt": False, "logit_bias": [[self.tokens("a")[-1], 100]]}
        )  # fmt: skip
        found = torch.full((size,), float("nan"))
        for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            found[token["id"]] = token["logprob"]
        return found

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self.server.listening_address + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


def furthest(model: Any, file: Path, ids: list[int]) -> float:
    """Return how far apart log-probabilities after `ids` are, by transformers and llama.cpp."""
    with torch.no_grad():
        expected = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], -1)
    found = LlamaCpp(file).next_logprobs(ids, model.config.vocab_size)
    assert not found.isnan().any()
    return float((found - expected).abs().max())
