"""Replies to questions as token rows: rendered and masked just as training rows are."""

from typing import cast

from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Example
from ftrecipe.data.example import Chat, Completion, Where
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.data.tokens.render import Renderer
from ftrecipe.data.tokens.tokenize import Encoder
from ftrecipe.stages.measuring.losses import Labeled


class Replies:
    """Renders with one tokenizer; what it learned of the template's layout is kept."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.renderer = Renderer(tokenizer, TrainOn.last_answer)
        self.encoder = Encoder(tokenizer)

    def labeled(self, example: Example, reply: str) -> Labeled:
        """Return ids and labels of an example's conversation that ends with `reply`.

        The labels are those of the reply and of what ends it. Raises RowFault where the template
        refuses it.
        """
        where = Where(example.where, "row", 0)
        if example.messages:
            said = {"role": "assistant", "content": reply}
            messages = [*example.messages, said]
            rows = self.renderer.rows(Chat(where=where, messages=messages, tools=example.tools))
        else:
            text = Completion(where=where, text=example.prompt_text, completion=reply)
            rows = self.renderer.rows(text)
        row = self.encoder.rows(rows)[-1]
        return cast(list[int], row.input_ids), cast(list[int], row.labels)
