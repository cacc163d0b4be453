"""Prompts and completions: as one exchange of a chat, or put together raw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset, raw
from ftrecipe.components.dataset.column_names import GIVEN, RETURNED
from ftrecipe.components.dataset.turns import answered, is_turns, message_list
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import Example, Where
from ftrecipe.data.tokens.wrapped import without_end

_PROMPTS = ("prompt", "input_text", "inputs", "input", *GIVEN)
_COMPLETIONS = ("completion", "response", "output", "answer", "reply", "target", "output_text",
                "targets", *RETURNED)  # fmt: skip


@GROUP.option("prompt_completion")
@dataclass
class PromptCompletion(Dataset):
    """`prompt` and `completion` columns; `chat=false` joins them without a template.

    Either may be a list of messages, as TRL writes them. A prompt that carries a template of its
    own is taken apart, or where that cannot be done whole, learned as it is.
    """

    required: ClassVar[tuple[str, ...]] = ("prompt", "completion")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "prompt": ("prompt", "instruction", "question", *_PROMPTS[1:]),
        "completion": _COMPLETIONS,
        "system": ("system", "system_prompt"),
    }

    chat: bool = True

    def produces(self) -> str:
        return "chat" if self.chat else "completion"

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        if not self.template and (turns := self._turns(record)) is not None:
            return [self.conversation(turns, where)]
        template = self.template
        prompt = self.filled(template, record) if template else self.text("prompt", record)
        answer, system = self.answer("completion", record), self.optional("system", record)
        if self.chat:
            return [self.exchange(prompt, answer, where, system)]
        before = system or self.system
        prompt = f"{before}\n\n{prompt}" if before else prompt
        return [raw(prompt, without_end(answer), where)]

    def _turns(self, record: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return the messages of a prompt that is a list of them, with its completion's."""
        prompt, completion = self.column("prompt", record), self.column("completion", record)
        if prompt is None or not isinstance(record[prompt], list):
            return None
        before = message_list(record[prompt], prompt)
        if completion is not None and isinstance(record[completion], list):
            return answered([*before, *message_list(record[completion], completion)])
        return [*before, {"role": "assistant", "content": self.answer("completion", record)}]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        prompt = column_of(record, _PROMPTS)
        other = ["instruction"] if prompt == "prompt" else ["instruction", "question", "query"]
        if prompt is None or column_of(record, other) is not None:
            return False
        completion = column_of(record, _COMPLETIONS)
        text = isinstance(record[prompt], str) or is_turns(record[prompt])
        return completion is not None and text
