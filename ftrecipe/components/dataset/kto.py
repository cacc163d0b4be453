"""Answers that somebody found good or bad (KTO)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.components.dataset.turns import answered, is_turns, message_list, tool_list
from ftrecipe.data.columns import column_of, missing
from ftrecipe.data.example import Chat, Example, Message, Rated, RowFault, Where

_LABELS = ("label", "kto_tag", "kto_label", "thumbs", "thumb")
_GOOD = ("true", "1", "1.0", "good", "yes", "up", "thumbs_up", "thumbs up", "👍", "positive",
         "desirable", "chosen", "like")  # fmt: skip
_BAD = ("false", "0", "0.0", "-1", "bad", "no", "down", "thumbs_down", "thumbs down", "👎",
        "negative", "undesirable", "rejected", "dislike")  # fmt: skip


@GROUP.option("kto")
@dataclass
class Kto(Dataset):
    """`prompt` and `completion`, or `messages`, and a `label`: true, 1 or "good"."""

    yields: ClassVar[str] = "rated"
    narrow: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("label",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "messages": ("messages", "conversations", "conversation"),
        "prompt": ("prompt", "instruction", "question", "input", "query"),
        "completion": ANSWERS,
        "input": ("input",),
        "label": _LABELS,
        "system": ("system", "system_prompt"),
        "tools": ("tools",),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        label = self._label(record)
        messages = answered(self._messages(record))
        system = self.optional("system", record)
        if system and messages[0]["role"] not in ("system", "developer"):
            messages = [{"role": "system", "content": system}, *messages]
        tools = self.column("tools", record)
        chat = self.conversation(
            messages, where, tool_list(record[tools], tools) if tools else None
        )
        return [_rated(chat, label)]

    def _label(self, record: Mapping[str, Any]) -> bool:
        column = self.column("label", record)
        if column is None:
            raise missing("label", record)
        word = str(record[column]).strip().casefold()
        if word not in (*_GOOD, *_BAD):
            raise RowFault(f'column "{column}" holds {word[:40]!r}, which is neither good nor bad '
                           "(true or false, 1 or 0, good or bad)")  # fmt: skip
        return word in _GOOD

    def _messages(self, record: dict[str, Any]) -> list[Message]:
        column = self.column("messages", record)
        if column is not None:
            return message_list(record[column], column)
        prompt, completion = self.column("prompt", record), self.column("completion", record)
        if not self.template and prompt and isinstance(record[prompt], (list, dict)):
            before = message_list(record[prompt], prompt)
        else:
            before = [{"role": "user", "content": self._asked(record, prompt)}]
        if completion and isinstance(record[completion], (list, dict)):
            return [*before, *message_list(record[completion], completion)]
        said = self.answer("completion", record).strip()
        return [*before, {"role": "assistant", "content": said}]

    def _asked(self, record: dict[str, Any], prompt: str | None) -> str:
        if self.template:
            return self.filled(self.template, record)
        asked = self.text("prompt", record).strip()
        given = self.optional("input", record) if prompt == "instruction" else ""
        return f"{asked}\n\n{given}" if given else asked

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        label = column_of(record, _LABELS)
        if label is None or str(record[label]).strip().casefold() not in (*_GOOD, *_BAD):
            return False
        said = column_of(record, cls.synonyms["messages"])
        if said is not None:
            return is_turns(record[said])
        return column_of(record, ["prompt", "instruction"]) is not None and (
            column_of(record, ANSWERS) is not None
        )


def _rated(chat: Chat, label: bool) -> Rated:
    return Rated(where=chat.where, answers=chat.answers, messages=chat.messages, tools=chat.tools,
                 notes=chat.notes, label=label)  # fmt: skip
