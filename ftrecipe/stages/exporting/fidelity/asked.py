"""What the trained model and every artefact of it are asked: prompts, texts and conversations."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Decoding, Split
from ftrecipe.config import Fidelity
from ftrecipe.data.prepared import EvalExample, Prepared
from ftrecipe.stages.exporting.fidelity.texts import texts
from ftrecipe.stages.measuring.stopping import end_of_turn

nfc = partial(unicodedata.normalize, "NFC")

PLAIN_PROMPT = 128  # tokens of a row of plain text that are its prompt, at most
SPLITS = (Split.test, Split.validation, Split.train)
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Look up a word.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    },
}
SYSTEM = {"role": "system", "content": "Answer in one sentence."}
TURNS = [
    {"role": "user", "content": "Hello! What is 12 × 3?"},
    {"role": "assistant", "content": "It is 36."},
    {"role": "user", "content": "  Danke, 谢谢 🙂\n\nAnd 36 − 0.5?\n"},
]


@dataclass(frozen=True)
class Conversation:
    """Messages, and the ids that the template which was trained on makes of them."""

    kind: str
    messages: list[dict[str, Any]]
    tools: list[Any] | None
    ids: list[int]


@dataclass(frozen=True)
class Asked:
    """The questions of one run.

    split: where the prompts are from. examples: those that the prompts are of; none of plain text,
    of which a row's beginning is the prompt.
    """

    settings: Fidelity
    tokenizer: PreTrainedTokenizerBase
    split: str
    prompts: list[list[int]]
    examples: list[EvalExample]

    @property
    def decoding(self) -> Decoding:
        """How answers are written: the likeliest token each time."""
        return Decoding(max_new_tokens=self.settings.max_new_tokens)

    @property
    def longest(self) -> int:
        """The tokens of the longest prompt with its answer."""
        return max(map(len, self.prompts)) + self.settings.max_new_tokens

    @cached_property
    def texts(self) -> list[str]:
        """The texts that are tokenised."""
        own = [text for each in self.examples for text in (each.question, *each.answers)]
        own = own or [str(self.tokenizer.decode(prompt)) for prompt in self.prompts]
        marks = list(cast(Any, self.tokenizer).get_added_vocab())
        return [f"{self._before}{self._composed(text)}" for text in texts(own, marks)]

    def _composed(self, text: str) -> str:
        """Return a text with its accents composed, where the tokenizer would do that itself.

        llama.cpp does not: it reads the letters that stand there, and hardly any text has others.
        """
        normalizer, composed = cast(Any, self.tokenizer).backend_tokenizer.normalizer, nfc(text)
        own = text if normalizer is None else normalizer.normalize_str(text)
        return composed if own == composed else text

    @cached_property
    def _before(self) -> str:
        """What texts are put after: the special token that all prompts begin with, where the
        tokenizer puts a space at the very beginning alone. llama.cpp puts one after every special
        token or none at all, so its files are right for prompts only."""
        first, added = {prompt[0] for prompt in self.prompts}, self.tokenizer.added_tokens_decoder
        if len(first) != 1 or not first <= added.keys():
            return ""
        mark = added[next(iter(first))].content
        alone = self.tokenizer.encode("a", add_special_tokens=False)
        after = self.tokenizer.encode(f"{mark}a", add_special_tokens=False)
        return "" if alone == after[1:] else mark

    @cached_property
    def ends(self) -> set[int]:
        """The tokens that an answer was trained to end with."""
        turn = end_of_turn(self.tokenizer) if any(each.messages for each in self.examples) else None
        end = self.tokenizer.eos_token_id if turn is None else turn
        return set() if end is None else {cast(int, end)}

    @cached_property
    def conversations(self) -> list[Conversation]:
        """Those of the examples, and ours as far as the template takes such: none of plain text."""
        told = [("data", each.messages, each.tools) for each in self.examples if each.messages]
        if not told:
            return []
        asked = [*told, *self._ours()]
        rows = [(*one, self.rendered(one[1], one[2])) for one in asked]
        return [Conversation(*row, ids) for *row, ids in rows if ids is not None]  # type: ignore[arg-type]

    def _ours(self) -> Iterator[tuple[str, list[dict[str, Any]], list[Any] | None]]:
        yield "one turn", TURNS[:1], None
        yield "system", [SYSTEM, TURNS[0]], None
        yield "several turns", TURNS, None
        yield "system and several turns", [SYSTEM, *TURNS], None
        with_tool = self.rendered(TURNS[:1], [TOOL])
        if with_tool is not None and with_tool != self.rendered(TURNS[:1], None):
            yield "tools", TURNS[:1], [TOOL]

    def rendered(self, messages: list[dict[str, Any]], tools: list[Any] | None) -> list[int] | None:
        """Return the ids of a conversation before its answer; None if the template refuses it."""
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=True
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError):
            return None
        return self.tokenizer(str(text), add_special_tokens=False, verbose=False)["input_ids"]  # type: ignore[return-value]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return tokens as their tokenizer writes them."""
        known = len(cast(Any, self.tokenizer))
        names = self.tokenizer.convert_ids_to_tokens([each for each in ids if each < known])
        return [str(name) for name in cast(list[str], names)]


def asked_of(settings: Fidelity, tokenizer: PreTrainedTokenizerBase, prepared: Prepared) -> Asked:
    """Return the questions of a run: of the test split, or else of the next one that has any."""
    for split in SPLITS:
        found = prepared.sample() if split is Split.train else prepared.examples(split.value)
        examples = found[: settings.prompts]
        if examples:
            prompts = [each.prompt_ids for each in examples]
            return Asked(settings, tokenizer, split.value, prompts, examples)
    for split in SPLITS:
        rows = getattr(prepared, split.value)()
        if rows is not None:
            ids = [row["input_ids"] for row in rows.select(range(len(rows))[: settings.prompts])]
            prompts = [each[: max(1, min(len(each) // 2, PLAIN_PROMPT))] for each in ids]
            return Asked(settings, tokenizer, split.value, prompts, [])
    raise AssertionError("prepared data has rows to train on")
