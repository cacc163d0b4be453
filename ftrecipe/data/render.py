"""Turns examples into the exact text that the model sees, and which of it is an answer."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ftrecipe.data.columns import broken
from ftrecipe.data.example import Chat, Completion, Example, Message, RowFault, Text, Where

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Span = tuple[int, int]


@dataclass(frozen=True)
class Rendered:
    """One row as text; `spans` are the characters trained on. A raw row still needs its BOS."""

    where: Where
    text: str
    spans: list[Span]
    raw: bool = False


@dataclass
class Renderer:
    """Renders with one tokenizer's chat template; `counts` tells what was out of the ordinary.

    unrolled: conversations that became one row an answer, because the template writes earlier
    answers otherwise than it wrote them when they were last (Qwen3 drops their thoughts).
    spliced: answers put after the generation prompt by us, because the template would not.
    """

    tokenizer: "PreTrainedTokenizerBase"
    answer_only: bool = True
    counts: Counter[str] = field(default_factory=Counter)

    def rows(self, example: Example) -> list[Rendered]:
        """Return the rows of one example. Raises RowFault when the template refuses it."""
        if isinstance(example, Chat):
            return self._chat(example)
        if isinstance(example, Completion):
            start = len(example.text) if self.answer_only else 0
            text = example.text + example.completion
            return [Rendered(example.where, text, [(start, len(text))], raw=True)]
        assert isinstance(example, Text)
        return [Rendered(example.where, example.text, [(0, len(example.text))], raw=True)]

    def prompt(self, example: Chat | Completion) -> str:
        """Return the text after which the model is to write the example's last answer."""
        if not isinstance(example, Chat):
            return example.text
        last = len(example.messages) - 1
        whole = "" if last else self._render(example.messages, example.tools)
        return self._before(example, last, whole)

    def _render(self, messages: list[Message], tools: Any, opened: bool = False) -> str:
        from jinja2 import TemplateError

        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=opened
            )
        except (TemplateError, TypeError) as error:
            raise RowFault(f"the chat template refuses this conversation: {error}") from None
        assert isinstance(text, str)
        if broken(text):
            raise RowFault("a broken character (half of a surrogate pair)")
        return text

    def _chat(self, example: Chat) -> list[Rendered]:
        whole = self._render(example.messages, example.tools)
        if not self.answer_only:
            return [Rendered(example.where, whole, [(0, len(whole.rstrip()))])]
        spans = list(self._spans(example, whole))
        turns = _answers(example.messages)
        if all(spans):
            found = [span for span in spans if span]
            for turn, (start, end) in zip(turns, found, strict=True):
                _refuse_loss(example.messages[turn], whole[start:end])
            return [Rendered(example.where, whole, found)]
        self.counts["unrolled"] += len(turns) > 1
        return [self._one_answer(example, turn) for turn in turns]

    def _spans(self, example: Chat, whole: str) -> Iterator[Span | None]:
        """Yield where each answer stands in `whole`; None where it is not rendered as it was."""
        eos = str(self.tokenizer.eos_token)
        for turn in _answers(example.messages):
            before = self._before(example, turn, whole)
            last = turn == len(example.messages) - 1
            after = whole if last else self._render(example.messages[: turn + 1], example.tools)
            if not whole.startswith(after):
                after = after.removesuffix(eos)  # some templates put it after the last turn only
            fits = whole.startswith(before) and whole.startswith(after)
            yield (len(before), len(after.rstrip())) if fits else None

    def _before(self, example: Chat, turn: int, whole: str) -> str:
        """Return the text after which the model is to write the answer at `turn`."""
        if turn:
            return self._render(example.messages[:turn], example.tools, opened=True)
        # The assistant speaks first: templates cannot render an empty conversation.
        return whole[: max(0, whole.find(example.messages[0]["content"].strip()))]

    def _one_answer(self, example: Chat, turn: int) -> Rendered:
        """Return a row that ends with the answer at `turn`, as it is seen when it is generated."""
        answer = example.messages[turn]
        after = self._render(example.messages[: turn + 1], example.tools)
        before = self._before(example, turn, after)
        if not after.startswith(before):
            self.counts["spliced"] += 1
            after = before + after[max(0, after.rfind(_said(answer))) :]
        end = len(after.rstrip())
        _refuse_loss(answer, after[len(before) : end])
        return Rendered(example.where, after, [(len(before), end)])


def _answers(messages: list[Message]) -> list[int]:
    return [turn for turn, message in enumerate(messages) if message["role"] == "assistant"]


def _said(answer: Message) -> str:
    """Return what the answer says once it has been thought about: templates move thoughts."""
    return answer["content"].split("</think>")[-1].strip()


def _refuse_loss(answer: Message, rendered: str) -> None:
    """Raise RowFault when the template leaves out an answer's text or its tool calls."""
    if _said(answer) not in rendered:
        raise RowFault("the chat template loses the text of an answer")
    for call in answer.get("tool_calls") or []:
        if str(call.get("function", call).get("name")) not in rendered:
            raise RowFault("the chat template has no place for tool calls")
