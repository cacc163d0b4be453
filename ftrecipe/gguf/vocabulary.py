"""A tokenizer as a GGUF file holds it: tokens, what each is for, and how text becomes tokens."""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from ftrecipe.errors import ConfigError, listed

if TYPE_CHECKING:
    from gguf import GGUFWriter

NEVER = -1e9  # the score of a token that no merge makes


class TokenType(IntEnum):
    """What a token is for, by the numbers of a file; the library's own is not there in a plan."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass
class Vocabulary:
    """Tokens by id with their types, and the rules of one of llama.cpp's tokenizers.

    model: "gpt2" merges bytes by `merges`, "llama" characters by `scores`, the highest first. pre:
    how text is split before that by "gpt2". prefix: whether "llama" puts a space before text.
    """

    model: str
    pre: str
    tokens: list[str]
    types: list[TokenType]
    merges: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    prefix: bool | None = None

    def pad(self, rows: int) -> None:
        """Fill up to a token for each row of the embedding. Raises ConfigError if it has less."""
        first, missing = len(self.tokens), rows - len(self.tokens)
        if missing < 0:
            raise ConfigError(
                f"export.gguf: the tokenizer has {first:,} tokens, and the model {rows:,} rows for "
                "them; they are of two models"
            )
        self.tokens += [padding(number) for number in range(first, rows)]
        self.types += [TokenType.UNUSED] * missing
        self.scores += [NEVER] * missing if self.scores else []
        twice = [repr(token) for token, count in Counter(self.tokens).items() if count > 1]
        if twice:
            raise ConfigError(
                f"export.gguf: the tokenizer has two tokens of one text, {listed(twice, 3)}, and "
                "llama.cpp refuses such a file"
            )

    def put(self, writer: "GGUFWriter") -> None:
        """Write it."""
        writer.add_tokenizer_model(self.model)
        if self.pre:
            writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.merges:
            writer.add_token_merges(self.merges)
        if self.scores:
            writer.add_token_scores(self.scores)
        if self.prefix is not None:
            writer.add_add_space_prefix(self.prefix)


def padding(number: int) -> str:
    """Return the text of a row that belongs to no token."""
    return f"[PAD{number}]"
