"""Tokenizers for tests: small ones trained here, and real ones that packages carry."""

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from hard_texts import TEXTS
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from ftrecipe.gguf import pretokenizer

SPECIAL = ["<unk>", "<s>", "</s>", "[INST]"]
GPT2 = pretokenizer.GPT2
STEPS: dict[str, tuple[list[str], bool]] = {
    name: (list(patterns), whole) for (patterns, whole), name in pretokenizer.NAMES.items()
}


def splitting(name: str) -> Any:
    """Return the pre-tokenizer that llama.cpp calls by that name, as tokenizer.json has it."""
    parts: list[Any] = []
    for pattern in STEPS[name][0]:
        if pattern == pretokenizer.DIGIT:
            parts.append(pre_tokenizers.Digits(individual_digits=True))
        elif pattern == GPT2:
            parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False))
        else:
            parts.append(pre_tokenizers.Split(Regex(pattern), "isolated"))
    if GPT2 not in STEPS[name][0]:
        parts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    return pre_tokenizers.Sequence(parts)


def byte_level(name: str) -> PreTrainedTokenizerFast:
    """Return a small tokenizer that splits as llama.cpp's `name` does, trained on hard texts."""
    whole = STEPS[name][1]
    core = Tokenizer(models.BPE(ignore_merges=whole))
    core.pre_tokenizer = splitting(name)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=900,
        special_tokens=SPECIAL,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    core.train_from_iterator(TEXTS * 2, trainer)
    return _wrapped(core)


def sentencepiece_like(way: str) -> PreTrainedTokenizerFast:
    """Return a small tokenizer that merges characters and falls back to bytes, as Llama 2's.

    way: "legacy" prepares text by a normalizer, "first", "always" and "never" by a pre-tokenizer.
    """
    bytes_ = [f"<0x{number:02X}>" for number in range(256)]
    texts = [text.replace(" ", "▁") for text in TEXTS[:12]]
    learned = Tokenizer(models.BPE())
    learned.train_from_iterator(texts, BpeTrainer(vocab_size=600, show_progress=False))
    pieces = json.loads(learned.to_str())["model"]["vocab"]
    vocab = {piece: at for at, piece in enumerate([*SPECIAL[:3], *bytes_, "[INST]"])}
    made = sorted((p for p in pieces if len(p) > 1), key=lambda p: pieces[p])
    vocab |= {piece: len(vocab) + at for at, piece in enumerate(made)}
    alone = (piece for piece in pieces if len(piece) == 1)
    vocab |= {piece: len(vocab) + at for at, piece in enumerate(alone)}
    merges = [
        (piece[:at], piece[at:])
        for piece in made
        for at in range(1, len(piece))
        if piece[:at] in vocab and piece[at:] in vocab
    ]
    core = Tokenizer(
        models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    if way == "legacy":
        core.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
    else:
        core.pre_tokenizer = pre_tokenizers.Metaspace("▁", way, split=False)
    core.add_special_tokens([AddedToken(text, normalized=False) for text in SPECIAL])
    return _wrapped(core)


def _wrapped(core: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def mistral(file: str) -> PreTrainedTokenizerFast:
    """Return one of the tokenizers in mistral-common, as transformers converts it."""
    data = _data("mistral_common", "data") / file
    if not file.startswith("tekken"):
        return _of_sentencepiece(data)
    said = json.loads(data.read_text("utf-8"))
    reserved = said["config"]["default_num_special_tokens"]
    plain = said["vocab"][: said["config"]["default_vocab_size"] - reserved]
    vocab, merges = _merges({base64.b64decode(one["token_bytes"]): one["rank"] for one in plain})
    special = [one["token_str"] for one in said.get("special_tokens") or []] or SPECIAL
    special += [f"<SPECIAL_{number}>" for number in range(len(special), reserved)]
    vocab = {text: number for number, text in enumerate(special)} | {
        text: number + reserved for text, number in vocab.items()
    }
    core = Tokenizer(models.BPE(vocab, merges, ignore_merges=True))
    core.pre_tokenizer = splitting("tekken")
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    return _wrapped(core)


def qwen() -> PreTrainedTokenizerFast:
    """Return Qwen's tokenizer, of dashscope's ranks, with some of Qwen3's added tokens."""
    from transformers import Qwen2Tokenizer

    lines = (_data("dashscope", "resources") / "qwen.tiktoken").read_text("ascii").splitlines()
    pairs = (line.split() for line in lines)
    vocab, merges = _merges({base64.b64decode(text): int(rank) for text, rank in pairs})
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=merges)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.add_tokens(["<think>", "</think>"])
    return tokenizer


def _merges(ranks: dict[bytes, int]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    class Read(TikTokenConverter):
        @staticmethod
        def load_tiktoken_bpe(tiktoken_url: str) -> dict[bytes, int]:
            return ranks

    return Read(vocab_file="").extract_vocab_merges_from_model("")


def _of_sentencepiece(model: Path) -> PreTrainedTokenizerFast:
    pytest.importorskip("sentencepiece")
    from transformers import LlamaTokenizer
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    said = SentencePieceExtractor(str(model)).extract(None)
    return LlamaTokenizer(**said)


def _data(package: str, folder: str) -> Path:
    """Return a folder of an installed package, which is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    return Path(found.submodule_search_locations[0]) / folder
