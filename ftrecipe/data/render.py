"""Turns examples into the exact text that the model sees, and which of it is an answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ftrecipe.data import layout
from ftrecipe.data.columns import broken
from ftrecipe.data.example import Chat, Completion, Example, Message, RowFault, Text, Where
from ftrecipe.data.layout import Layout
from ftrecipe.data.losses import loses_thought, refuse_loss, refuse_losses, spliced
from ftrecipe.data.masks import MARKED, Span, TrainOn, disagreement, trained_answers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MOST_HELD = 200_000  # messages in the layouts that are kept
_LONG = 16  # answers from which on a few of them speak for all
_ROLES = ("system", "developer")


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


@dataclass(frozen=True)
class Asked:
    """A conversation, and which of its messages are answers to find the spans of."""

    messages: list[Message]
    tools: list[Any] | None
    turns: Sequence[int]


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
        return self._before(asked, last, "" if last else self._render(asked.messages, asked.tools))

    def _chat(self, example: Chat) -> list[Rendered]:
        messages = self._without_end_tokens(example.messages)
        if example.everyone or self.train_on is TrainOn.everything:
            whole = self._render(messages, example.tools)
            refuse_losses(messages, whole)
            return [Rendered(example.where, whole, [(0, len(whole.rstrip()))])]
        turns = trained_answers(messages, self.train_on)
        asked = Asked(messages, example.tools, turns)
        if row := self._whole(asked, example.where):
            return [row]
        if len(turns) > 1:
            self.counts["unrolled"] += 1
        return [self._one_answer(asked, turn, example.where) for turn in turns]

    def _without_end_tokens(self, messages: list[Message]) -> list[Message]:
        """Return the messages without an EOS that answers bring: the template writes one."""
        eos = self._eos
        found = [m["role"] == "assistant" and m["content"].rstrip().endswith(eos) for m in messages]
        if not any(found):
            return messages
        self.counts["end_tokens"] += sum(found)
        return [
            {**m, "content": m["content"].rstrip().removesuffix(eos)} if brings else m
            for m, brings in zip(messages, found, strict=True)
        ]

    def _render(self, messages: list[Message], tools: Any, speaker: Message | None = None) -> str:
        """Render messages; with the opening of the next one where its `speaker` is given."""
        from jinja2 import TemplateError

        name = {} if speaker is None else {"speaker": speaker.get("name") or speaker["role"]}
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=bool(name), **name
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise RowFault(f"the chat template refuses this conversation: {error}") from None
        assert isinstance(text, str)
        if broken(text):
            raise RowFault("a broken character (half of a surrogate pair)")
        return text

    def _whole(self, asked: Asked, where: Where) -> Rendered | None:
        """Return the conversation as one row; None where an answer is not rendered as it was."""
        whole = self._render(asked.messages, asked.tools)
        key = None if asked.tools else layout.key_of(asked.messages, asked.turns)
        known = None if key is None else self._layout(key, asked)
        places = known.places(asked.messages, whole) if known else None
        if known is None or places is None:
            return self._by_prefixes(asked, whole, where)
        self._note(known.disagrees)
        pairs = zip(places[1::2], places[2::2], strict=True)
        spans = [(start, _rstripped(whole, end)) for start, end in pairs]
        return Rendered(where, whole, spans, head=places[0])

    def _by_prefixes(self, asked: Asked, whole: str, where: Where) -> Rendered | None:
        spans = self._spans(asked, whole)
        if spans is None:
            return None
        refuse_losses(asked.messages, whole)
        for turn, (start, end) in zip(asked.turns, spans, strict=True):
            refuse_loss(asked.messages[turn], whole[start:end])
            if loses_thought(asked.messages[turn], whole[start:end]):
                return None
        self._note(self._disagreement(asked, whole, spans))
        return Rendered(where, whole, spans)

    def _spans(self, asked: Asked, whole: str) -> list[Span] | None:
        """Return where the answers stand in `whole`; None where one is not rendered as it was."""
        eos = self._eos
        spans: list[Span] = []
        for turn in asked.turns:
            before = self._before(asked, turn, whole)
            if not whole.startswith(before):
                return None
            last = turn == len(asked.messages) - 1
            after = whole if last else self._render(asked.messages[: turn + 1], asked.tools)
            if not whole.startswith(after):
                after = after.removesuffix(eos)  # some templates put it after the last turn only
                if not whole.startswith(after):
                    return None
            spans.append((len(before), _rstripped(after, len(after))))
        return spans

    def _before(self, asked: Asked, turn: int, whole: str) -> str:
        """Return the text after which the message at `turn` is to be written."""
        speaker = asked.messages[turn]
        if turn:
            return self._render(asked.messages[:turn], asked.tools, speaker)
        # It is the first one: templates cannot render an empty conversation.
        return whole[: max(0, whole.find(speaker["content"].strip()))]

    def _one_answer(self, asked: Asked, turn: int, where: Where) -> Rendered:
        """Return a row that ends with the answer at `turn`, as it is seen when it is generated."""
        answer = asked.messages[turn]
        only = Asked(asked.messages[: turn + 1], asked.tools, [turn])
        if row := self._whole(only, where):
            return row
        after = self._render(only.messages, only.tools)
        before = self._before(only, turn, after)
        self.counts["spliced"] += 1
        whole = spliced(answer, before, after)
        end = _rstripped(whole, len(whole))
        refuse_losses(only.messages[:-1], before)
        refuse_loss(answer, whole[len(before) : end])
        return Rendered(where, whole, [(len(before), end)])

    def _layout(self, key: layout.Key, asked: Asked) -> Layout | None:
        """Return the layout of such conversations, learned from the first one; None for none."""
        if key not in self.layouts:
            self.held += len(asked.messages)
            if self.held > _MOST_HELD:
                self.layouts.clear()
                self.held = 0
            self.layouts[key] = self._learn(asked)
        return self.layouts[key]

    def _learn(self, asked: Asked) -> Layout | None:
        messages = layout.stand_ins(asked.messages)
        text = self._try(messages)
        if text is None or layout.lost(messages, text):
            return None
        fake = Asked(messages, None, asked.turns)
        try:
            spans = self._alike(fake, text) or self._spans(fake, text)
        except RowFault:
            return None
        if spans is None:
            return None
        places = [self._head(messages, text), *(place for span in spans for place in span)]
        padded = self._try(layout.stand_ins(asked.messages, layout.PADDING))
        disagrees = layout.told(self._disagreement(fake, text, spans))
        return layout.learn(messages, text, padded, places, disagrees)

    def _alike(self, fake: Asked, text: str) -> list[Span] | None:
        """Return the spans of a long conversation's answers from those of a few; None for none.

        Rendering every prefix of it would take a time quadratic in its length.
        """
        if len(fake.turns) < _LONG:
            return None
        found = layout.surrounded(fake.messages, text, fake.turns)
        few = layout.representatives(found) if found else []
        spans = self._spans(Asked(fake.messages, None, few), text) if found else None
        return layout.extended(found, few, spans) if found and spans else None

    def _try(self, messages: list[Message], tools: Any = None) -> str | None:
        try:
            return self._render(messages, tools)
        except RowFault:
            return None

    def _head(self, messages: list[Message], whole: str) -> int:
        """Return how many characters the system prompt takes, 0 where it does not stand apart."""
        alone = self._try(messages[:1]) if messages[0]["role"] in _ROLES else None
        return len(alone) if alone and whole.startswith(alone) else 0

    @cached_property
    def _eos(self) -> str:
        return str(self.tokenizer.eos_token)

    @cached_property
    def _ends(self) -> set[str]:
        added = {str(t) for t in self.tokenizer.added_tokens_decoder.values() if t.special}
        return added | set(self.tokenizer.all_special_tokens)

    def _disagreement(self, asked: Asked, whole: str, spans: Sequence[Span]) -> str | None:
        """Compare the spans with the marks of the template, where it has any."""
        template = self.tokenizer.get_chat_template(tools=asked.tools)
        if not MARKED.search(template):
            return None
        from transformers.utils.chat_template_utils import render_jinja_template

        words: dict[str, Any] = dict(self.tokenizer.special_tokens_map)
        rendered: Any = render_jinja_template(
            [asked.messages], tools=asked.tools, chat_template=template,
            return_assistant_tokens_mask=True, **words,
        )  # fmt: skip
        [marked] = rendered[1]
        opened = [partial(self._opened, asked, turn, whole) for turn in asked.turns]
        return disagreement(whole, spans, opened, marked, self._ends)

    def _opened(self, asked: Asked, turn: int, whole: str) -> int:
        """Return where the opening of a message begins, which the model need not write."""
        before = self._try(asked.messages[:turn], asked.tools) if turn else ""
        return len(whole) if before is None or not whole.startswith(before) else len(before)

    def _note(self, disagrees: str | None) -> None:
        if disagrees is None:
            return
        self.counts["disagrees"] += 1
        self.disagreement = self.disagreement or disagrees


def _rstripped(text: str, end: int) -> int:
    """Return where the text before `end` ends without trailing whitespace."""
    while end and text[end - 1].isspace():
        end -= 1
    return end
