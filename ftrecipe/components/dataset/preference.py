"""Pairs of answers to one question: the better one, and the worse."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.turns import is_turns, message_list, tool_list
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import EmptyFault, Example, Message, Preference, RowFault, Where
from ftrecipe.data.tokens.wrapped import already, parsed_whole, unwrapped, without_end

_CHOSEN = ("chosen", "response_j", "chosen_response", "preferred", "preferred_output")
_REJECTED = ("rejected", "response_k", "rejected_response", "dispreferred", "non_preferred_output")


@GROUP.option("preference")
@dataclass
class PreferencePairs(Dataset):
    """`prompt`, `chosen` and `rejected`, as texts or messages, in the shapes that are about.

    Two texts in `output`, beside an `instruction`, are the better one and the worse. Without a
    prompt, it is what both answers begin with: the same messages, or the same turns of Anthropic's
    `Human:` and `Assistant:`.
    """

    yields: ClassVar[str] = "preference"
    narrow: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("chosen", "rejected")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "prompt": ("prompt", "conversations", "conversation", "messages", "question",
                   "instruction", "input", "query"),
        "chosen": _CHOSEN,
        "rejected": _REJECTED,
        "input": ("input",),
        "system": ("system", "system_prompt"),
        "tools": ("tools",),
    }  # fmt: skip

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        if (pair := _pair(record)) is not None and "chosen" not in self.columns:
            record = {**record, "chosen": pair[0], "rejected": pair[1]}
        before, tools = self._before(record)
        sides = [self._side(name, record, before) for name in ("chosen", "rejected")]
        shared = _shared(*sides)
        messages, (chosen, rejected) = sides[0][:shared], [side[shared:] for side in sides]
        if chosen == rejected:
            raise EmptyFault("chosen and rejected are the same")
        _refuse_no_answer("chosen", chosen)
        _refuse_no_answer("rejected", rejected)
        system = self.optional("system", record) or self.system
        if system and (not messages or messages[0]["role"] not in ("system", "developer")):
            messages = [{"role": "system", "content": system}, *messages]
        return [Preference(where=where, answers=[chosen[-1]["content"]], messages=messages,
                           chosen=chosen, rejected=rejected, tools=tools)]  # fmt: skip

    def _before(self, record: dict[str, Any]) -> tuple[list[Message], list[Any] | None]:
        """Return the messages of the prompt, none where the answers hold it, and the tools."""
        if self.template:
            return [{"role": "user", "content": self.filled(self.template, record)}], None
        column = self.column("prompt", record)
        value: Any = record[column] if column else None
        holder: Mapping[str, Any] = record
        if isinstance(value, dict) and "messages" in value:  # OpenAI's `input`
            holder, value = value, value["messages"]
        tools = self.column("tools", holder)
        found = tool_list(holder[tools], tools) if tools else None
        if isinstance(value, (list, dict)):
            return message_list(value, column or "prompt"), found
        text = as_text(value, column or "prompt")
        if not text.strip():
            return [], found
        if column == "instruction" and (given := self.optional("input", record)):
            text = f"{text.strip()}\n\n{given}"
        return (_opened(text) or [{"role": "user", "content": text.strip()}]), found

    def _side(self, name: str, record: Mapping[str, Any], before: list[Message]) -> list[Message]:
        """Return the whole conversation with one of the answers."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        value = record[column]
        if isinstance(value, (list, dict)):
            said = message_list(value, column)
            return said if _holds(said, before) else [*before, *said]
        text = without_end(as_text(value, column))
        if not text.strip():
            raise EmptyFault(f'no {name} answer in column "{column}"')
        if not before and (whole := parsed_whole(text)):
            return whole
        if not before and text.lstrip().startswith("Human:"):
            raise RowFault(f"{name}: Human and Assistant do not speak in turn")
        return [*before, {"role": "assistant", "content": text.strip()}]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        if _pair(record) is not None:
            return True
        sides = [column_of(record, names) for names in (_CHOSEN, _REJECTED)]
        return all(side is not None and _is_answer(record[side]) for side in sides)


def _pair(record: Mapping[str, Any]) -> list[Any] | None:
    """Return the better and the worse output of LLaMA-Factory's older form."""
    column = column_of(record, ["output"])
    if column is None or column_of(record, ["instruction"]) is None:
        return None
    value = record[column]
    two = isinstance(value, list) and len(value) == 2 and all(isinstance(v, str) for v in value)
    return value if two else None


def _is_answer(value: object) -> bool:
    return isinstance(value, (str, dict)) or is_turns(value)


def _opened(prompt: str) -> list[Message] | None:
    """Return the messages of a prompt that carries a template, or None."""
    found = unwrapped(prompt, "…") if already(prompt) else None
    return found[:-1] if found and found[-1]["content"] == "…" else None


def _holds(said: list[Message], before: list[Message]) -> bool:
    """Say whether an answer repeats the prompt before it, whatever the system prompt."""
    asked = [m["content"].strip() for m in before if m["role"] != "system"]
    repeated = [m["content"].strip() for m in said if m["role"] != "system"]
    return bool(asked) and len(repeated) > len(asked) and repeated[: len(asked)] == asked


def _shared(chosen: list[Message], rejected: list[Message]) -> int:
    """Return how many messages both begin with; the last message of either is its answer."""
    most = min(len(chosen), len(rejected)) - 1
    return next((n for n in range(most) if chosen[n] != rejected[n]), max(most, 0))


def _refuse_no_answer(name: str, messages: list[Message]) -> None:
    if not messages or messages[-1]["role"] != "assistant":
        raise RowFault(f"{name} does not end with an answer of the assistant")
