"""Replies to questions as token rows: rendered and masked just as training rows are."""

from typing import cast

from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Example
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.data.example import Chat, Completion, Message, Where
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.data.tokens.render import Renderer
from ftrecipe.data.tokens.tokenize import Encoder


class Replies:
    """Renders with one tokenizer; what it learned of the template's layout is kept."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.renderer = Renderer(tokenizer, TrainOn.last_answer)
        self.encoder = Encoder(tokenizer)

    def labeled(self, example: Example, reply: str | Message) -> Labeled:
        """Return ids and labels of an example's conversation that ends with `reply`.

        The labels are those of the reply and of what ends it. Raises RowFault where the template
        refuses it.
        """
        where = Where(example.where, "row", 0)
        if example.messages:
            messages = [*example.messages, _message(example, reply)]
            rows = self.renderer.rows(Chat(where=where, messages=messages, tools=example.tools))
        else:
            said = _as_trained(example.completion, _content(reply))
            rows = self.renderer.rows(
                Completion(where=where, text=example.prompt_text, completion=said)
            )
        row = self.encoder.rows(rows)[-1]
        return cast(list[int], row.input_ids), cast(list[int], row.labels)


def _message(example: Example, reply: str | Message) -> Message:
    """Return the reply as a message: the expected one with all it has, tools it calls included."""
    expected = example.reply or {}
    if isinstance(reply, str) and expected.get("content") != reply:
        return {"role": "assistant", "content": reply}
    whole = expected if isinstance(reply, str) else reply
    return {key: value for key, value in whole.items() if key != "weight"}


def _content(reply: str | Message) -> str:
    return reply if isinstance(reply, str) else reply["content"]


def _as_trained(completion: str, reply: str) -> str:
    """Return the reply with the white space around it that the trained completion has."""
    words = completion.strip()
    before, _, after = completion.partition(words) if words else ("", "", "")
    return f"{before}{reply.strip()}{after}"
