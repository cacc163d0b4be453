"""What tokens mean: which begin and end a text, which end an answer, and the chat template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ftrecipe.errors import ConfigError
from ftrecipe.gguf import INSTEAD

if TYPE_CHECKING:
    from gguf import GGUFWriter

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Special:
    """Ids of tokens by their use, and the template that chats are written by.

    ends: all that end an answer, the tokenizer's own `eos` first. apart: whether prompts begin with
    a special token.
    """

    bos: int | None
    ends: Sequence[int]
    pad: int | None
    unk: int | None
    template: str | None
    apart: bool

    def check(self, tokenizer: Json) -> None:
        """Raise ConfigError for ends that have no place, and a frame of texts that llama.cpp cannot
        make."""
        if not 1 <= len(self.ends) <= 3:
            raise ConfigError(
                f"export.gguf: {len(self.ends)} tokens end an answer (eos_token of "
                "tokenizer_config.json, and what the template puts after answers), and a GGUF file "
                "names one to three"
            )
        before, after = framed(tokenizer)
        eos = self.ends[0]
        if before not in ([], [self.bos]) or after not in ([], [eos]):
            raise ConfigError(
                f"export.gguf: the tokenizer puts the tokens {before} before a text and {after} "
                f"after it, and llama.cpp only bos={self.bos} and eos={eos}; {INSTEAD}"
            )

    def put(self, writer: "GGUFWriter", tokenizer: Json) -> None:
        """Write them, checked before."""
        before, after = framed(tokenizer)
        eos, *others = self.ends
        writer.add_bos_token_id(eos if self.bos is None else self.bos)  # else llama.cpp takes 11
        writer.add_eos_token_id(eos)
        writer.add_eot_token_id(others[0] if others else eos)
        if len(others) > 1:
            writer.add_eom_token_id(others[1])
        if self.pad is not None:
            writer.add_pad_token_id(self.pad)
        if self.unk is not None:
            writer.add_unk_token_id(self.unk)
        writer.add_add_bos_token(bool(before))
        writer.add_add_eos_token(bool(after))
        if self.template is not None:
            writer.add_chat_template(self.template)


def framed(tokenizer: Json) -> tuple[list[int], list[int]]:
    """Return the tokens that a tokenizer.json puts before and after a text of its own accord."""
    before: list[int] = []
    after: list[int] = []
    for step in _steps(tokenizer.get("post_processor")):
        if step["type"] != "TemplateProcessing":
            continue
        ids = {name: token["ids"] for name, token in step["special_tokens"].items()}
        side = before
        for part in step["single"]:
            if "Sequence" in part:
                side = after
            else:
                side += ids[part["SpecialToken"]["id"]]
    return before, after


def _steps(node: Json | None) -> list[Json]:
    if node is None:
        return []
    if node["type"] == "Sequence":
        return [step for part in node["processors"] for step in _steps(part)]
    return [node]
