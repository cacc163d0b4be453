"""One tokenizer's chat template: renders conversations and finds where answers stand in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ftrecipe.data.columns import broken
from ftrecipe.data.example import Message, RowFault
from ftrecipe.data.tokens import layout
from ftrecipe.data.tokens.layout import Layout
from ftrecipe.data.tokens.masks import MARKED, Span, disagreement
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LONG = 16  # answers from which on a few of them speak for all
_ROLES = ("system", "developer")


@dataclass(frozen=True)
class Asked:
    """A conversation, and which of its messages are answers to find the spans of."""

    messages: list[Message]
    tools: list[Any] | None
    turns: Sequence[int]


@dataclass
class ChatTemplate:
    """The chat template of `tokenizer`, which may do with a conversation whatever it likes."""

    tokenizer: "PreTrainedTokenizerBase"

    @cached_property
    def eos(self) -> str:
        """The end token, which some templates write after the last turn only."""
        return str(self.tokenizer.eos_token)

    def render(self, messages: list[Message], tools: Any, speaker: Message | None = None) -> str:
        """Render messages; with the opening of the next one where its `speaker` is given.

        Raises RowFault when the template refuses them.
        """
        from jinja2 import TemplateError, TemplateSyntaxError

        name = {} if speaker is None else {"speaker": speaker.get("name") or speaker["role"]}
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=bool(name), **name
            )
        except TemplateSyntaxError as error:
            place = f"line {error.lineno}: {error.message}"
            raise DataError(f"the chat template is no valid Jinja, {place}; mend it "
                            "(model.chat_template)") from None  # fmt: skip
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise RowFault(f"the chat template refuses this conversation: {error}") from None
        assert isinstance(text, str)
        if broken(text):
            raise RowFault("a broken character (half of a surrogate pair)")
        return text

    def attempt(self, messages: list[Message], tools: Any = None) -> str | None:
        """Render messages; None when the template refuses them."""
        try:
            return self.render(messages, tools)
        except RowFault:
            return None

    def before(self, asked: Asked, turn: int, whole: str) -> str:
        """Return the text after which the message at `turn` is to be written."""
        speaker = asked.messages[turn]
        if turn:
            return self.render(asked.messages[:turn], asked.tools, speaker)
        # It is the first one: templates cannot render an empty conversation.
        return whole[: max(0, whole.find(speaker["content"].strip()))]

    def spans(self, asked: Asked, whole: str) -> list[Span] | None:
        """Return where the answers stand in `whole`; None where one is not rendered as it was."""
        spans: list[Span] = []
        for turn in asked.turns:
            before = self.before(asked, turn, whole)
            if not whole.startswith(before):
                return None
            last = turn == len(asked.messages) - 1
            after = whole if last else self.render(asked.messages[: turn + 1], asked.tools)
            if not whole.startswith(after):
                after = after.removesuffix(self.eos)
                if not whole.startswith(after):
                    return None
            spans.append((len(before), rstripped(after, len(after))))
        return spans

    def learn(self, asked: Asked) -> Layout | None:
        """Return how such conversations are laid out; None where that cannot be said of all."""
        messages = layout.stand_ins(asked.messages)
        text = self.attempt(messages)
        if text is None or layout.lost(messages, text):
            return None
        fake = Asked(messages, None, asked.turns)
        try:
            spans = self._alike(fake, text) or self.spans(fake, text)
        except RowFault:
            return None
        if spans is None:
            return None
        places = [self._head(messages, text), *(place for span in spans for place in span)]
        padded = self.attempt(layout.stand_ins(asked.messages, layout.PADDING))
        disagrees = layout.told(self.disagreement(fake, text, spans))
        return layout.learn(messages, text, padded, places, disagrees)

    def _alike(self, fake: Asked, text: str) -> list[Span] | None:
        """Return the spans of a long conversation's answers from those of a few; None for none.

        Rendering every prefix of it would take a time quadratic in its length.
        """
        if len(fake.turns) < _LONG:
            return None
        found = layout.surrounded(fake.messages, text, fake.turns)
        few = layout.representatives(found) if found else []
        spans = self.spans(Asked(fake.messages, None, few), text) if found else None
        return layout.extended(found, few, spans) if found and spans else None

    def _head(self, messages: list[Message], whole: str) -> int:
        """Return how many characters the system prompt takes, 0 where it does not stand apart."""
        alone = self.attempt(messages[:1]) if messages[0]["role"] in _ROLES else None
        return len(alone) if alone and whole.startswith(alone) else 0

    @cached_property
    def _ends(self) -> set[str]:
        added = {str(t) for t in self.tokenizer.added_tokens_decoder.values() if t.special}
        return added | set(self.tokenizer.all_special_tokens)

    def disagreement(self, asked: Asked, whole: str, spans: Sequence[Span]) -> str | None:
        """Compare the spans with the generation marks of the template, where it has any."""
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
        before = self.attempt(asked.messages[:turn], asked.tools) if turn else ""
        return len(whole) if before is None or not whole.startswith(before) else len(before)


def rstripped(text: str, end: int) -> int:
    """Return where the text before `end` ends without trailing whitespace."""
    while end and text[end - 1].isspace():
        end -= 1
    return end
