"""Cuts a row into pieces that say what each token is, for people to look at."""

from typing import Any

from ftrecipe.data.tokens.tokenize import MASKED, Row

_MOST_TOKENS = 800
_MOST_BYTES = 8  # tokens that one character is waited for


def sample(row: Row, tokenizer: Any, special: set[int]) -> dict[str, Any]:
    """Return a row as pieces: runs of tokens that are trained, context, or special.

    A piece is `{"kind": …, "trained": …, "count": …, "tokens": [text, …]}`; a special token has
    its kind whether it is trained or not. Tokens that are parts of one character are one text, so
    that there may be fewer texts than the `count` of tokens.
    """
    pieces: list[dict[str, Any]] = []
    kinds = [
        ("special" if token in special else "context" if label == MASKED else "trained", label)
        for token, label in zip(row.input_ids, row.labels, strict=True)
    ]
    before: list[int] = []
    pending: list[int] = []
    for at, token in enumerate(row.input_ids[:_MOST_TOKENS]):
        kind, trained = kinds[at][0], kinds[at][1] != MASKED
        pending.append(token)
        text = _text(tokenizer, before, pending)
        same = at + 1 < min(len(kinds), _MOST_TOKENS) and kinds[at + 1][0] == kind
        if text.endswith("\ufffd") and same and len(pending) < _MOST_BYTES:
            continue
        if not pieces or (pieces[-1]["kind"], pieces[-1]["trained"]) != (kind, trained):
            pieces.append({"kind": kind, "trained": trained, "count": 0, "tokens": []})
        pieces[-1]["tokens"].append(text)
        pieces[-1]["count"] += len(pending)
        before, pending = pending, []
    return {
        "where": str(row.where),
        "length": len(row.input_ids),
        "supervised": row.supervised,
        "cut": max(0, len(row.input_ids) - _MOST_TOKENS),
        "pieces": pieces,
    }


def _text(tokenizer: Any, before: list[int], ids: list[int]) -> str:
    """Return what `ids` stand for after `before`: some tokenizers drop the first space of all."""
    decode = tokenizer.backend_tokenizer.decode
    known = decode(before, skip_special_tokens=False)
    whole = decode(before + ids, skip_special_tokens=False)
    return whole.removeprefix(known) if known else decode(ids, skip_special_tokens=False)
