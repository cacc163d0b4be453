"""Writes token ids as the text that a GGUF's own tokenizer reads as just these ids.

For programs that take texts alone, so that they can be asked what the trained model was asked.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ftrecipe.stages.engines import NotAsked

NORMAL, BYTE = 1, 6  # kinds of tokens; all others are in a text as they are written
SPACE = "▁"
ENDS = ("eos_token_id", "eot_token_id", "eom_token_id")


def byte_letters() -> dict[str, int]:
    """Return the bytes by the letters that byte-level BPE writes for them."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {
        chr(256 + at): byte for at, byte in enumerate(hidden)
    }


class Spelling:
    """The tokens of one GGUF."""

    def __init__(self, gguf: Path) -> None:
        from gguf import GGUFReader

        self.fields = GGUFReader(gguf).fields
        self.tokens: list[str] = self._said("tokens", [])
        self.kinds: list[int] = self._said("token_type", [])
        self.by_bytes = self._said("model", "") == "gpt2"
        self.adds_begin = bool(self._said("add_bos_token", not self.by_bytes))
        self.adds_space = not self.by_bytes and bool(self._said("add_space_prefix", True))

    def _said(self, name: str, default: Any) -> Any:
        field = self.fields.get(f"tokenizer.ggml.{name}")
        return default if field is None else field.contents()

    @property
    def ends(self) -> set[int]:
        """The tokens that the file says end an answer."""
        found = [self._said(name, None) for name in ENDS]
        return {int(each) for each in found if each is not None}

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of a prompt. Raises NotAsked where no text is read as these ids."""
        ids = list(ids)
        if self.adds_begin:
            if ids[:1] != [self._said("bos_token_id", None)]:
                raise NotAsked("it puts a begin token before every text, and the prompts have none")
            ids = ids[1:]
        try:
            return b"".join(self._parts(ids)).decode()
        except UnicodeDecodeError:
            raise NotAsked("it takes texts alone, and a prompt ends within a letter") from None

    def _parts(self, ids: list[int]) -> Iterator[bytes]:
        begins = True  # at the begin, and behind a special token, sentencepiece adds a space
        for token in ids:
            kind = self.kinds[token]
            if kind not in (NORMAL, BYTE):
                yield self.tokens[token].encode()
                begins = True
                continue
            part = self._bytes(self.tokens[token], kind)
            if begins and self.adds_space:
                if not part.startswith(b" "):
                    raise NotAsked("it puts a space before every text, and the prompts have none")
                part = part[1:]
            begins = False
            yield part

    def _bytes(self, token: str, kind: int) -> bytes:
        if kind == BYTE:  # "<0x0A>"
            return bytes([int(token[3:-1], 16)])
        if self.by_bytes:
            return bytes(self._letters[letter] for letter in token)
        return token.replace(SPACE, " ").encode()

    @cached_property
    def _letters(self) -> dict[str, int]:
        return byte_letters()
