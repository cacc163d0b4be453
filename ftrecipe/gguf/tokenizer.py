"""A tokenizer.json read for a GGUF file: its tokens, and which of llama.cpp's tokenizers it is."""

from collections.abc import Mapping
from typing import Any

from ftrecipe.errors import ConfigError, listed
from ftrecipe.gguf import INSTEAD
from ftrecipe.gguf.pretokenizer import name_of
from ftrecipe.gguf.sentencepiece import byte_of, prefixed, scores
from ftrecipe.gguf.vocabulary import TokenType, Vocabulary, padding

Json = Mapping[str, Any]


def vocabulary_of(tokenizer: Json, rows: int, apart: bool) -> Vocabulary:
    """Return the vocabulary of a tokenizer.json for an embedding of so many rows.

    apart: whether prompts begin with a token that stands apart from text, see `prefixed`. Raises
    ConfigError with what llama.cpp would tokenize otherwise.
    """
    model = tokenizer["model"]
    if model["type"] != "BPE" or _odd(model):
        odd = listed(_odd(model)) or f"model {model['type']}"
        raise ConfigError(f"export.gguf: a tokenizer with {odd} is not written here; {INSTEAD}")
    _added_faults(tokenizer)
    tokens, types = _tokens(tokenizer)
    merges = [tuple(merge.split(" ", 1) if isinstance(merge, str) else merge)
              for merge in model["merges"]]  # fmt: skip
    if model.get("byte_fallback"):
        found = Vocabulary("llama", "", tokens, types)
        found.scores = scores(tokens, types, merges)
        found.prefix = prefixed(tokenizer, apart)
    else:
        _normalizer_faults(tokenizer)
        found = Vocabulary("gpt2", name_of(tokenizer), tokens, types)
        found.merges = [" ".join(merge) for merge in merges]
    found.pad(rows)
    return found


def _odd(model: Json) -> list[str]:
    """Return what of a BPE model llama.cpp does not do."""
    return [
        f"{name}={model[name]!r}"
        for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix")
        if model.get(name)
    ]


def _tokens(tokenizer: Json) -> tuple[list[str], list[TokenType]]:
    """Return each id's text and type; an id that no token has is unused."""
    model = tokenizer["model"]
    added = {token["id"]: token for token in tokenizer.get("added_tokens") or []}
    texts = {number: text for text, number in model["vocab"].items()}
    texts |= {number: token["content"] for number, token in added.items()}
    tokens, types = [], []
    for number in range(max(texts) + 1):
        text = texts.get(number)
        tokens.append(padding(number) if text is None else text)
        types.append(_type(text, added.get(number), model))
    return tokens, types


def _type(text: str | None, added: Json | None, model: Json) -> TokenType:
    """Say what a token is for."""
    if text is None:
        return TokenType.UNUSED
    if model.get("byte_fallback"):
        if text == model.get("unk_token"):
            return TokenType.UNKNOWN
        if byte_of(text) is not None:
            return TokenType.BYTE
    if added is None:
        return TokenType.NORMAL
    return TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED


def _added_faults(tokenizer: Json) -> None:
    """Refuse added tokens that act on the text beside them, which llama.cpp's do not."""
    prepends = "Prepend" in str(tokenizer.get("normalizer"))
    flags = ("lstrip", "rstrip", "single_word")
    odd = [
        repr(token["content"])
        for token in tokenizer.get("added_tokens") or []
        if any(token.get(flag) for flag in flags) or (prepends and token.get("normalized"))
    ]
    if odd:
        raise ConfigError(
            f"export.gguf: added tokens {listed(odd, 3)} act on the text beside them (lstrip, "
            f"rstrip, single_word, or normalized after a space is prepended), which llama.cpp's "
            f"do not; {INSTEAD}"
        )


def _normalizer_faults(tokenizer: Json) -> None:
    """Refuse changes of text before it is split. NFC passes: nearly all text is composed already,
    and every GGUF file of Qwen's leaves it out."""
    normalizer = tokenizer.get("normalizer")
    if normalizer is not None and normalizer["type"] != "NFC":
        raise ConfigError(
            f"export.gguf: the tokenizer changes text first ({normalizer['type']}), which "
            f"llama.cpp does not; {INSTEAD}"
        )
