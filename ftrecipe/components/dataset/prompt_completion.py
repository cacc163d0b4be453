"""Prompts and completions: as one exchange of a chat, or put together raw."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import Completion, Example, Where

_COMPLETIONS = ("completion", "response", "output", "answer", "reply", "target")


@GROUP.option("prompt_completion")
@dataclass
class PromptCompletion(Dataset):
    """`prompt` and `completion` columns; `chat=false` joins them without a template."""

    required: ClassVar[tuple[str, ...]] = ("prompt", "completion")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "prompt": ("prompt", "instruction", "question", "input"),
        "completion": _COMPLETIONS,
    }

    chat: bool = True

    def produces(self) -> str:
        return "chat" if self.chat else "completion"

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        template = self.template
        prompt = self.filled(template, record) if template else self.text("prompt", record)
        answer = self.text("completion", record)
        if not self.chat:
            prompt = f"{self.system}\n\n{prompt}" if self.system else prompt
            return [_raw(prompt, answer, where)]
        messages = [
            {"role": "user", "content": prompt.strip()},
            {"role": "assistant", "content": answer.strip()},
        ]
        return [self.conversation(messages, where)]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        return column_of(record, ["prompt"]) is not None and (
            column_of(record, ANSWERS) is not None
        )


def _raw(prompt: str, answer: str, where: Where) -> Completion:
    # Tokens take the space before a word with them: a prompt that ends with one would be cut
    # otherwise when the model is asked than when it was trained.
    text = prompt.rstrip(" ")
    completion = prompt[len(text) :] + answer
    return Completion(where=where, answers=[answer.strip()], text=text, completion=completion)
