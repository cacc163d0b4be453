"""What ends an answer: tokens of the model and its template, and texts that a person named."""

from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.calls import MARKERS
from ftrecipe.stages.measuring.modes import Model


def stop_ids(model: Model, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Return every token that ends an answer: end of sequence, and the template's end of turn."""
    config = model.generation_config
    named = config.eos_token_id if config is not None else None
    stops = set(named) if isinstance(named, list) else {named}
    stops |= {cast(int | None, tokenizer.eos_token_id), end_of_turn(tokenizer)}
    return {stop for stop in stops if stop is not None}


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the first added token that the chat template puts after an answer."""
    if tokenizer.chat_template is None:
        return None
    asked, answer = "question", "ftrecipe-answer"
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    tail = tokenizer.encode(text.rpartition(answer)[2], add_special_tokens=False)
    added = {*_added(tokenizer).values(), *tokenizer.all_special_ids}
    return next((token for token in tail if token in added), None)


class Stops:
    """Tells where an answer ends. A text that is one added token ends it as a token does.

    ids: the tokens that end it, None for all that model, tokenizer and template have for that.
    """

    def __init__(
        self,
        model: Model,
        tokenizer: PreTrainedTokenizerBase,
        texts: tuple[str, ...],
        ids: set[int] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        added = _added(tokenizer)
        special = {token for token, it in tokenizer.added_tokens_decoder.items() if it.special}
        # Marks of tool calls are part of what is said, though some tokenizers call them special.
        self.unsaid = special - {added[mark] for mark in MARKERS if mark in added}
        ends = stop_ids(model, tokenizer) if ids is None else ids
        self.ids = ends | {added[text] for text in texts if text in added}
        self.texts = [text for text in texts if text and text not in added]
        # A token is a byte at least; some more, since what a text begins with may be trimmed.
        self.reach = max((len(text.encode()) for text in self.texts), default=0) + 8

    def by_text(self, written: list[list[int]]) -> list[bool]:
        """Tell of each answer whether a stop text is in what was written last."""
        if not self.texts:
            return [False] * len(written)
        tails = [self.said(ids[-self.reach :]) for ids in written]
        return [any(text in tail for text in self.texts) for tail in tails]

    def completion(self, ids: list[int]) -> Completion:
        """Return an answer without what ended it."""
        ended = bool(ids) and ids[-1] in self.ids
        kept = ids[:-1] if ended else ids
        text = self.said(kept)
        places = [at for at in map(text.find, self.texts) if at >= 0]
        if places:
            text, ended = text[: min(places)], True
        return Completion(text=text.strip(), tokens=len(kept), ended=ended)

    def said(self, ids: list[int]) -> str:
        """Return tokens as text, without those that say nothing."""
        spoken = [token for token in ids if token not in self.unsaid]
        return str(self.tokenizer.decode(spoken, clean_up_tokenization_spaces=False))


def _added(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    return cast(Any, tokenizer).get_added_vocab()
