"""Finds the tokens of an answer by the special tokens around it, without asking for offsets.

Only for tokenizers of bytes, of which equal tokens are equal text, and only where it is certain.
"""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftrecipe.data.tokens.masks import Span

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LONGEST = 64  # characters between a special token and an answer


@dataclass
class Boundaries:
    """What one tokenizer's special tokens tell about where answers begin and end."""

    tokenizer: "PreTrainedTokenizerBase"
    headers: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    @cached_property
    def special(self) -> dict[str, int]:
        """Special tokens that stand for their own characters and nothing beside them."""
        added = self.tokenizer.added_tokens_decoder.items()
        plain = [(token, t) for token, t in added if t.special and not (t.lstrip or t.rstrip)]
        return {t.content: token for token, t in plain if t.content and not t.single_word}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds any of them, of two that begin alike the longer one."""
        return re.compile("|".join(map(re.escape, sorted(self.special, key=len, reverse=True))))

    @cached_property
    def backend(self) -> Any:
        """The Rust tokenizer."""
        return self.tokenizer.backend_tokenizer  # pyright: ignore[reportAttributeAccessIssue]

    @cached_property
    def lossless(self) -> bool:
        """Whether equal tokens are equal text: bytes, cut by rules that keep all of them."""
        made = json.loads(self.backend.to_str())
        steps = made["pre_tokenizer"] or {}
        last = (steps.get("pretokenizers") or [steps])[-1]
        # A space put before a text would be put before an answer that begins one.
        bytewise = last.get("type") == "ByteLevel" and not last.get("add_prefix_space")
        known = made["normalizer"] is None or made["normalizer"] == {"type": "NFC"}
        return bytewise and known and not made["model"].get("unk_token") and bool(self.special)

    def tokens(self, text: str, ids: list[int], spans: list[Span]) -> list[Span] | None:
        """Return the tokens of each span as (first, behind the last); None where that is unsure."""
        found: list[Span] = []
        for start, end in spans:
            first = self.first(text, ids, start)
            stop = len(ids) if end == len(text) else self._stop(text, ids, end)
            if first is None or stop is None:
                return None
            found.append((first, stop))
        return found

    def first(self, text: str, ids: list[int], start: int) -> int | None:
        """Return the token at `start`: behind a special token and what follows it there."""
        if not start:
            return 0
        if (opening := self._nearest(text, start)) is None:
            return None
        place = self._place(text, ids, opening.group(), opening.end())
        if place is None:
            return None
        header = self._header(opening.group(), text[opening.end() : start])
        first = place + 1 + len(header)
        return first if ids[place + 1 : first] == header else None

    def _stop(self, text: str, ids: list[int], end: int) -> int | None:
        """Return what is behind the special token that ends at `end`."""
        closing = self._nearest(text, end)
        if closing is None or closing.end() != end:
            return None
        place = self._place(text, ids, closing.group(), end)
        return None if place is None else place + 1

    def _nearest(self, text: str, end: int) -> re.Match[str] | None:
        """Return the last special token before the character `end`, if it is near."""
        last = None
        for found in self.pattern.finditer(text, max(0, end - _LONGEST), end):
            last = found
        return last

    def _place(self, text: str, ids: list[int], special: str, end: int) -> int | None:
        """Return where the special token that ends at the character `end` is among the tokens."""
        token = self.special[special]
        if ids.count(token) != text.count(special):
            return None
        place = -1
        for _ in range(text.count(special, 0, end)):
            place = ids.index(token, place + 1)
        return place

    def _header(self, opening: str, header: str) -> list[int]:
        key = self.special[opening], header
        if key not in self.headers:
            if len(self.headers) > 1000:
                self.headers.clear()
            encoded = self.backend.encode(opening + header, add_special_tokens=False)
            self.headers[key] = encoded.ids[1:]
        return self.headers[key]
