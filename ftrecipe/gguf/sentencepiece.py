"""Tokenizers in the manner of SentencePiece: merges as scores, bytes, and the space before text."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.gguf import INSTEAD
from ftrecipe.gguf.vocabulary import NEVER, TokenType

SPACE = "▁"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def byte_of(token: str) -> int | None:
    """Return the byte that a token stands for, None for another token."""
    found = _BYTE.fullmatch(token)
    return int(found[1], 16) if found else None


def scores(
    tokens: Sequence[str], types: Sequence[TokenType], merges: Sequence[tuple[str, ...]]
) -> list[float]:
    """Return each token's score: the earlier its merge, the higher.

    llama.cpp merges any two neighbors that make a token, the best token first. Raises ConfigError
    where the list of merges asks for something else.
    """
    ranks: dict[str, int] = {}
    latest, scattered = "", 0
    for left, right in merges:
        made = left + right
        if made != latest and made in ranks:
            scattered += 1
        latest = made
        ranks.setdefault(made, len(ranks))
    plain = {t for t, kind in zip(tokens, types) if kind is TokenType.NORMAL}
    listed = set(merges)
    beyond = sum(
        made in ranks and (made[:at], made[at:]) not in listed
        for made in plain
        for at in range(1, len(made))
        if made[:at] in plain and made[at:] in plain
    )
    if scattered or beyond:
        raise ConfigError(
            f"export.gguf: the tokenizer's merges are no SentencePiece's ({scattered} out of "
            f"order, {beyond} pairs left out), and llama.cpp would merge otherwise; {INSTEAD}"
        )
    return [-float(ranks[token]) if token in ranks else NEVER for token in tokens]


def prefixed(tokenizer: Mapping[str, Any], apart: bool) -> bool:
    """Say whether a space is put before text.

    llama.cpp does it before each piece of text between special tokens, or never. A tokenizer that
    does it at the very beginning only is followed where it matters: prompts that begin with a
    special token (`apart`) have no such piece. Raises ConfigError for other preparations of text.
    """
    prepended = {"type": "Prepend", "prepend": SPACE}
    replaced = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    normalizer, pre = tokenizer.get("normalizer"), tokenizer.get("pre_tokenizer")
    steps = _steps(normalizer)
    if pre is None and steps in ([prepended, replaced], [replaced]):
        return prepended in steps
    if not steps and pre and pre["type"] == "Metaspace" and not pre.get("split", True):
        scheme = str(pre.get("prepend_scheme", "always")).lower()
        return scheme == "always" or (scheme == "first" and not apart)
    raise ConfigError(
        f"export.gguf: the tokenizer prepares text by {_types(steps)} and {_types(pre and [pre])}, "
        f"which llama.cpp does not; {INSTEAD}"
    )


def _steps(normalizer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if normalizer is None:
        return []
    return normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]


def _types(nodes: Sequence[Mapping[str, Any]] | None) -> str:
    return "+".join(node["type"] for node in nodes or ()) or "nothing"
