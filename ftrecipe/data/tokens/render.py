"""Turns examples into the exact text that the model sees, and which of it is an answer."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ftrecipe.data.example import Chat, Completion, Example, Message, Text, Where
from ftrecipe.data.tokens import layout
from ftrecipe.data.tokens.chat_template import Asked, ChatTemplate, rstripped
from ftrecipe.data.tokens.layout import Layout
from ftrecipe.data.tokens.losses import loses_thought, refuse_loss, refuse_losses, spliced
from ftrecipe.data.tokens.masks import Span, TrainOn, trained_answers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MOST_HELD = 200_000  # messages in the layouts that are kept


@dataclass(frozen=True)
class Rendered:
    """One row as text; `spans` are the characters trained on. A raw row still needs its BOS.

    head: how many of its first characters are the system prompt's.
    """

    where: Where
    text: str
    spans: list[Span]
    raw: bool = False
    head: int = 0


@dataclass
class Renderer:
    """Renders with one tokenizer's chat template; `counts` tells what was out of the ordinary.

    unrolled: conversations that became one row an answer, because the template writes earlier
    answers otherwise than it wrote them when they were last (Qwen3 drops their thoughts).
    spliced: answers put after the generation prompt by us, because the template would not.
    disagrees: rows whose answers the template's own generation marks give otherwise, the first
    of which `disagreement` describes. end_tokens: answers that brought their own end token.
    """

    tokenizer: "PreTrainedTokenizerBase"
    train_on: TrainOn = TrainOn.answers
    counts: Counter[str] = field(default_factory=Counter)
    disagreement: str | None = None
    layouts: dict[layout.Key, Layout | None] = field(default_factory=dict)
    held: int = 0

    @cached_property
    def template(self) -> ChatTemplate:
        """What conversations are rendered with."""
        return ChatTemplate(self.tokenizer)

    def rows(self, example: Example) -> list[Rendered]:
        """Return the rows of one example.

        Raises RowFault when the template refuses it, and Unsupervised when nothing is trained on.
        """
        if isinstance(example, Chat):
            return self._chat(example)
        if isinstance(example, Completion):
            start = 0 if self.train_on is TrainOn.everything else len(example.text)
            text = example.text + example.completion
            return [Rendered(example.where, text, [(start, len(text))], raw=True)]
        assert isinstance(example, Text)
        return [Rendered(example.where, example.text, [(0, len(example.text))], raw=True)]

    def prompt(self, example: Chat | Completion) -> str:
        """Return the text after which the model is to write the example's last answer."""
        if not isinstance(example, Chat):
            return example.text
        last = len(example.messages) - 1
        asked = Asked(example.messages, example.tools, [last])
        whole = "" if last else self.template.render(asked.messages, asked.tools)
        return self.template.before(asked, last, whole)

    def _chat(self, example: Chat) -> list[Rendered]:
        messages = self._without_end_tokens(example.messages)
        if example.everyone or self.train_on is TrainOn.everything:
            whole = self.template.render(messages, example.tools)
            refuse_losses(messages, whole)
            return [Rendered(example.where, whole, [(0, rstripped(whole, len(whole)))])]
        turns = trained_answers(messages, self.train_on)
        asked = Asked(messages, example.tools, turns)
        if row := self._whole(asked, example.where):
            return [row]
        if len(turns) > 1:
            self.counts["unrolled"] += 1
        return [self._one_answer(asked, turn, example.where) for turn in turns]

    def _without_end_tokens(self, messages: list[Message]) -> list[Message]:
        """Return the messages without an EOS that answers bring: the template writes one."""
        eos = self.template.eos
        found = [m["role"] == "assistant" and m["content"].rstrip().endswith(eos) for m in messages]
        if not any(found):
            return messages
        self.counts["end_tokens"] += sum(found)
        return [
            {**m, "content": m["content"].rstrip().removesuffix(eos)} if brings else m
            for m, brings in zip(messages, found, strict=True)
        ]

    def _whole(self, asked: Asked, where: Where) -> Rendered | None:
        """Return the conversation as one row; None where an answer is not rendered as it was."""
        whole = self.template.render(asked.messages, asked.tools)
        key = None if asked.tools else layout.key_of(asked.messages, asked.turns)
        known = None if key is None else self._layout(key, asked)
        places = known.places(asked.messages, whole) if known else None
        if known is None or places is None:
            return self._by_prefixes(asked, whole, where)
        self._note(known.disagrees)
        pairs = zip(places[1::2], places[2::2], strict=True)
        spans = [(start, rstripped(whole, end)) for start, end in pairs]
        return Rendered(where, whole, spans, head=places[0])

    def _layout(self, key: layout.Key, asked: Asked) -> Layout | None:
        """Return the layout of such conversations, learned from the first one; None for none."""
        if key not in self.layouts:
            self.held += len(asked.messages)
            if self.held > _MOST_HELD:
                self.layouts.clear()
                self.held = 0
            self.layouts[key] = self.template.learn(asked)
        return self.layouts[key]

    def _by_prefixes(self, asked: Asked, whole: str, where: Where) -> Rendered | None:
        """Return the same, found by rendering what is before and after each answer."""
        spans = self.template.spans(asked, whole)
        if spans is None:
            return None
        refuse_losses(asked.messages, whole)
        for turn, (start, end) in zip(asked.turns, spans, strict=True):
            refuse_loss(asked.messages[turn], whole[start:end])
            if loses_thought(asked.messages[turn], whole[start:end]):
                return None
        self._note(self.template.disagreement(asked, whole, spans))
        return Rendered(where, whole, spans)

    def _one_answer(self, asked: Asked, turn: int, where: Where) -> Rendered:
        """Return a row that ends with the answer at `turn`, as it is seen when it is generated."""
        answer = asked.messages[turn]
        only = Asked(asked.messages[: turn + 1], asked.tools, [turn])
        if row := self._whole(only, where):
            return row
        after = self.template.render(only.messages, only.tools)
        before = self.template.before(only, turn, after)
        self.counts["spliced"] += 1
        whole = spliced(answer, before, after)
        end = rstripped(whole, len(whole))
        refuse_losses(only.messages[:-1], before)
        refuse_loss(answer, whole[len(before) : end])
        return Rendered(where, whole, [(len(before), end)])

    def _note(self, disagrees: str | None) -> None:
        if disagrees is None:
            return
        self.counts["disagrees"] += 1
        self.disagreement = self.disagreement or disagrees
