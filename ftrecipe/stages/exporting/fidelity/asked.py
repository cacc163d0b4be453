"""What the trained model and every artefact of it are asked: prompts, texts and conversations."""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, cast

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Decoding, Split
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.config import Fidelity
from ftrecipe.data.prepared import EvalExample, Prepared
from ftrecipe.gguf.pretokenizer import parts_marks
from ftrecipe.stages.exporting.fidelity import lengths
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
THOUGHT = {"role": "assistant", "content": "<think>\n3 × 12\n</think>\n\nIt is 36."}
MANY = 4  # times that a question and its answer come again
ANSWERED = 4  # examples that are rendered with their answers, too
READ = 256  # tokens of reference answers that are read: llama.cpp takes them one by one
READ_OF_ONE = 32  # of them at most are of one answer


@dataclass(frozen=True)
class Conversation:
    """Messages, and the ids that the template which was trained on makes of them.

    ready: with the beginning of an answer behind them.
    """

    kind: str
    messages: list[dict[str, Any]]
    tools: list[Any] | None
    ready: bool
    ids: list[int]


@dataclass(frozen=True)
class Asked:
    """The questions of one run.

    split: where the prompts are from. examples: those that the prompts are of; none of plain text,
    of which a row's beginning is the prompt. rows: whose answers are read, not written: the
    reference answers. long: a text that shows how positions are told, asked after so many tokens
    (`places`).
    """

    settings: Fidelity
    tokenizer: PreTrainedTokenizerBase
    split: str
    prompts: list[list[int]]
    examples: list[EvalExample]
    rows: list[Labeled] = field(default_factory=list)
    long: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    @property
    def decoding(self) -> Decoding:
        """How answers are written: the likeliest token each time."""
        return Decoding(max_new_tokens=self.settings.max_new_tokens)

    @property
    def longest(self) -> int:
        """The tokens of the longest prompt with its answer."""
        answered = max(map(len, self.prompts)) + self.settings.max_new_tokens
        return max(answered, len(self.long) + 1)

    @cached_property
    def texts(self) -> list[str]:
        """The texts that are tokenised."""
        own = [text for each in self.examples for text in (each.question, *each.answers)]
        own = own or [str(self.tokenizer.decode(prompt)) for prompt in self.prompts]
        added = cast(Any, self.tokenizer).get_added_vocab()
        marks = sorted(added, key=lambda mark: added[mark] not in self.ends)
        chosen = texts(own, marks, self._combining)
        return [f"{self._before}{self._composed(text)}" for text in chosen]

    @property
    def _combining(self) -> bool:
        """Whether texts of ours have combining marks: not where llama.cpp is known to split words
        at them, which a plan has said; those of the run's own data are asked all the same."""
        return not parts_marks(json.loads(cast(Any, self.tokenizer).backend_tokenizer.to_str()))

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
        answered = [
            ("data, answered", [*each.messages, each.reply], each.tools, False)
            for each in self.examples[:ANSWERED]
            if each.messages and each.reply
        ]
        asked = [*((*one, True) for one in told), *answered, *self._ours()]
        rows = [(*one, self.rendered(*one[1:])) for one in asked]
        return [Conversation(*row, ids) for *row, ids in rows if ids is not None]  # type: ignore[arg-type]

    def _ours(self) -> Iterator[tuple[str, list[dict[str, Any]], list[Any] | None, bool]]:
        yield "one turn", TURNS[:1], None, True
        yield "system", [SYSTEM, TURNS[0]], None, True
        yield "several turns", TURNS, None, True
        yield "system and several turns", [SYSTEM, *TURNS], None, True
        yield "many turns", [SYSTEM, *TURNS[:2] * MANY, TURNS[2]], None, True
        yield "answered", TURNS[:2], None, False
        yield "a turn with thoughts", [TURNS[0], THOUGHT, TURNS[2]], None, True
        with_tool = self.rendered(TURNS[:1], [TOOL])
        if with_tool is not None and with_tool != self.rendered(TURNS[:1], None):
            yield "tools", TURNS[:1], [TOOL], True
            yield "system and tools", [SYSTEM, TURNS[0]], [TOOL], True

    def rendered(
        self, messages: list[dict[str, Any]], tools: list[Any] | None, ready: bool = True
    ) -> list[int] | None:
        """Return the ids of a conversation; None if the template refuses it."""
        try:
            text = self.tokenizer.apply_chat_template(
                messages, tools=tools, tokenize=False, add_generation_prompt=ready
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError):
            return None
        return self.tokenizer(str(text), add_special_tokens=False, verbose=False)["input_ids"]  # type: ignore[return-value]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Return tokens as their tokenizer writes them."""
        known = len(cast(Any, self.tokenizer))
        names = self.tokenizer.convert_ids_to_tokens([each for each in ids if each < known])
        return [str(name) for name in cast(list[str], names)]


def held_out(prepared: Prepared) -> tuple[Split, list[EvalExample]]:
    """Return the questions of the test split, or else of the next one that has any."""
    known = ((each, prepared.examples(each.value)) for each in SPLITS if each is not Split.train)
    return next((one for one in known if one[1]), (Split.train, prepared.sample()))


def asked_of(settings: Fidelity, tokenizer: PreTrainedTokenizerBase, prepared: Prepared) -> Asked:
    """Return the questions of a run: of the test split, or else of the next one that has any."""
    split, found = held_out(prepared)
    if examples := found[: settings.prompts]:
        prompts = [each.prompt_ids for each in examples]
        return Asked(settings, tokenizer, split.value, prompts, examples)
    for split in SPLITS:
        rows = getattr(prepared, split.value)()
        if rows is not None:
            ids = [row["input_ids"] for row in rows.select(range(len(rows))[: settings.prompts])]
            prompts = [each[: max(1, min(len(each) // 2, PLAIN_PROMPT))] for each in ids]
            return Asked(settings, tokenizer, split.value, prompts, [])
    raise AssertionError("prepared data has rows to train on")


def with_rows(
    asked: Asked, prepared: Prepared, config: Mapping[str, Any], virtual: int = 0
) -> Asked:
    """Return the questions with reference answers, and with a long text made of the run's rows.

    virtual: the tokens of a learned prompt, which stand before every text.
    """
    own = list(_rows(prepared, (asked.split,), asked.settings.prompts))
    splits = (asked.split, *(each.value for each in SPLITS if each.value != asked.split))
    places = lengths.places(config, virtual)
    texts = (row["input_ids"] for row in _rows(prepared, splits, places[-1]))
    long = lengths.joined(texts, places[-1])
    return replace(asked, rows=read(own), long=long, places=places if long else [])


def _rows(prepared: Prepared, splits: Sequence[str], most: int) -> Iterator[dict[str, list[int]]]:
    for split in splits:
        rows = getattr(prepared, split)()
        if rows is not None and {"input_ids", "labels"} <= {*rows.column_names}:
            yield from rows.select(range(len(rows))[:most])


def read(rows: Iterable[Mapping[str, list[int]]]) -> list[Labeled]:
    """Return rows whose labels are read, each up to its first `READ_OF_ONE` ones."""
    found: list[Labeled] = []
    left = READ
    for row in rows:
        places = [at for at, label in enumerate(row["labels"]) if at and label >= 0][:READ_OF_ONE]
        if places and len(places) <= left and places[-1] < lengths.USUAL:
            end = places[-1] + 1
            found.append((row["input_ids"][:end], row["labels"][:end]))
            left -= len(places)
    return found
