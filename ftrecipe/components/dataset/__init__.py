"""The dataset formats: which file and columns to read, and how a row becomes an example."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, ClassVar

from ftrecipe.components.model import Model
from ftrecipe.data.cleaning import Cleaning, Step
from ftrecipe.data.columns import as_text, column_of, fill, holes, missing
from ftrecipe.data.example import (
    Chat,
    Completion,
    EmptyFault,
    Example,
    Message,
    OnOverlong,
    RowFault,
    Where,
)
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import known_encoding
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.read import Row, examples_of_records
from ftrecipe.data.reading import Reading
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.data.split import Split, SplitBy, fraction_faults
from ftrecipe.data.tokens.templates import SENDER_TAGS, Tags
from ftrecipe.data.tokens.wrapped import already, tidied, unwrapped, without_beginning, without_end
from ftrecipe.errors import DataError, did_you_mean, listed
from ftrecipe.registry import Group, bounded, only_with

__all__ = ["GROUP", "Dataset", "OnOverlong", "Split"]

HUB = "data of the hub in dataset.path"
ANSWERS = ("output", "response", "answer", "completion", "reply", "target")


@dataclass
class Dataset:
    """One data source: where it is, how its rows are read, and how they are divided."""

    yields: ClassVar[str] = "chat"  # chat, completion, text, preference or rated
    narrow: ClassVar[bool] = False  # whether what fits it is no looser format's
    required: ClassVar[tuple[str, ...]] = ()  # fields that every row has
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {}  # field: column names tried in turn
    templated: ClassVar[bool] = True  # whether `template` may form the user's message

    path: str | None = None
    validation_path: str | None = None
    test_path: str | None = None
    system: str | None = None
    template: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    split: Split = field(default_factory=Split)
    max_samples: int | None = bounded(None, 1)
    streaming: bool = False
    on_overlong: OnOverlong = OnOverlong.error
    max_malformed: int = bounded(0, 0)
    subset: str | None = only_with("may_be_on_hub", None, HUB)
    hub_split: str = only_with("may_be_on_hub", "train", HUB)
    revision: str | None = only_with("may_be_on_hub", None, HUB)
    encoding: str | None = None  # of the files' text; None finds it from their bytes

    @property
    def may_be_on_hub(self) -> bool:
        """Tell whether any of its data is on the hub, or is not known yet."""
        named = (self.path, self.validation_path, self.test_path)
        return not self.path or any(_may_be_on_hub(path) for path in named if path)

    def parts(self, steps: Sequence[Step]) -> "list[tuple[Dataset, Sequence[Step]]]":
        """Return the sources that it is made of, each with its cleaning: only itself."""
        return [(self, steps)]

    def inside(self) -> Iterator[tuple[str, Any]]:
        """Yield the options that are named inside of it, each by its dotted key: none."""
        yield from ()

    def interleaved(self, streams: list[Iterator[Example]], seed: int) -> Iterator[Example]:
        """Yield the training examples of all parts."""
        return chain.from_iterable(streams)

    def labelled(self, streams: list[Iterator[Example]]) -> list[Iterator[Example]]:
        """Return the examples of all parts with the names of their sources, if they have any."""
        return streams

    def sampled(self) -> str:
        """Say how the sources of a mix are sampled; nothing where there is one."""
        return ""

    def draws_by_weight(self) -> bool:
        """Say whether training examples may come several times, or not at all."""
        return False

    def overlong(self) -> OnOverlong:
        """Return what is done with rows that are too long."""
        return self.on_overlong

    def with_unanswerable(self, phrase: str) -> "Dataset":
        """Return the data with `phrase` for the answer to questions that have none.

        Itself for a format without such questions, and where they have a phrase already.
        """
        return self

    def endings(self) -> Sequence[str]:
        """Return the endings of the files that are read in a folder or an archive."""
        return ENDINGS

    def given(self) -> Sequence[Row]:
        """Return the rows that its settings hold themselves, besides those of files."""
        return ()

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        """Yield the records of the files, or the faults of those that cannot be read."""
        for file in files:
            if file.kind == "text":
                reading.encodings[file.encoding] += 1
            yield from read_file(file)

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        """Yield the clean examples that the rows become."""
        return cleaning.examples(examples_of_records(self, rows, reading, cleaning))

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        """Return the examples that one record holds. Raises RowFault."""
        raise NotImplementedError

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        """Say whether a record has the shape of this format."""
        return False

    @classmethod
    def fits_text(cls, head: str) -> bool:
        """Say whether a text file that begins with `head` is an export of this format."""
        return False

    @classmethod
    def fits_json(cls, value: Any) -> bool:
        """Say whether a JSON file that holds `value` is an export of this format."""
        return False

    def name(self) -> str:
        """Return the name under which this format is chosen."""
        return GROUP.name_of(type(self))

    def implied(self, model: Model) -> Model:
        """Return the model as this data asks for it: with the tokens that sender tags are made of.

        They are trained rows; one that the base has is used as it is.
        """
        return self.tagged(model, Tags()) if model.chat_template == SENDER_TAGS else model

    def tagged(self, model: Model, tags: Tags) -> Model:
        """Return the model with sender tags for its chat template, and their tokens."""
        new = [token for token in tags.tokens() if token not in model.special_tokens]
        tokens = [*model.special_tokens, *dict.fromkeys(new)]
        return replace(model, chat_template=tags.template(), special_tokens=tokens)

    def produces(self) -> str:
        """Return what the rows become with these settings: chat, text or completion."""
        return self.yields

    def column(self, name: str, record: Mapping[str, Any]) -> str | None:
        """Return the column that holds a field, or None. Raises ColumnFault for a wrong mapping."""
        asked = self.columns.get(name)
        if asked is None:
            return column_of(record, self.synonyms[name])
        column = column_of(record, [asked])
        if column is None:
            raise missing(name, record, asked)
        return column

    def text(self, name: str, record: Mapping[str, Any]) -> str:
        """Return a field that must be there and not be empty."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        text = as_text(record[column], column)
        if not text.strip():
            raise RowFault(f'no {name} in column "{column}"')
        return text

    def answer(self, name: str, record: Mapping[str, Any]) -> str:
        """Return the field that is learned. Raises EmptyFault where it is empty."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        text = as_text(record[column], column)
        if not without_end(text).strip():
            raise EmptyFault(f'no {name} in column "{column}"')
        return text

    def optional(self, name: str, record: Mapping[str, Any]) -> str:
        """Return a field that may be missing, as an empty text then."""
        column = self.column(name, record)
        return "" if column is None else as_text(record[column], column).strip()

    def filled(self, template: str, record: Mapping[str, Any]) -> str:
        """Return the template with the record's values in its holes."""
        text = fill(template, record)
        if not text.strip():
            raise RowFault(f"nothing in {listed(holes(template))} to fill dataset.template with")
        return text

    def exchange(
        self, asked: str, answer: str, where: Where, system: str = "", answers: Sequence[str] = ()
    ) -> Example:
        """Return a question and its answer, taken out of the template that they may carry.

        A template that does not parse whole is kept: the example is a raw completion then.
        """
        template = already(asked)
        if template and unwrapped(asked, answer) is None:
            note = f"prompts carry the template {template}, and are learned as they are"
            made = raw(without_beginning(asked), without_end(answer), where, answers)
            return dataclasses.replace(made, notes=(note,))
        messages = [{"role": "user", "content": asked.strip()},
                    {"role": "assistant", "content": answer.strip()}]  # fmt: skip
        if system:
            messages = [{"role": "system", "content": system}, *messages]
        chat = self.conversation(messages, where)
        return dataclasses.replace(chat, answers=list(answers)) if answers else chat

    def conversation(
        self, messages: list[Message], where: Where, tools: list[Any] | None = None
    ) -> Chat:
        """Return a conversation, with the configured system prompt where it has none.

        A template or end tokens that its messages carry are taken off, and noted.
        """
        messages, notes = tidied(messages)
        if self.system and messages[0]["role"] not in ("system", "developer"):
            messages = [{"role": "system", "content": self.system}, *messages]
        answer = messages[-1]["content"]
        return Chat(where=where, answers=[answer], messages=messages, tools=tools, notes=notes)

    def faults(self) -> list[str]:
        """Say all that is wrong with the settings, looking at names and files only."""
        found = [] if self.path else ["dataset.path is not set; add dataset.path=<file or hub id>"]
        for name in ("path", "validation_path", "test_path"):
            if path := getattr(self, name):
                found += [f"dataset.{name}: {fault}" for fault in _path_faults(path)]
        for name in self.columns:
            if name not in self.synonyms:
                hint = did_you_mean(name, self.synonyms) or f" (it has {listed([*self.synonyms])})"
                found.append(f"dataset.columns.{name}: this format has no field {name!r}{hint}")
        if self.template and not self.templated:
            found.append("dataset.template has no meaning for a format of whole messages")
        if self.encoding is not None:
            found += _encoding_faults(self.encoding)
        if self.streaming and self.split.by is SplitBy.time:
            found.append("dataset.split.by=time needs all rows to find the newest; "
                         "dataset.streaming=true reads them once")  # fmt: skip
        return found + fraction_faults(self.split)


def _encoding_faults(name: str) -> list[str]:
    try:
        known_encoding(name)
    except DataError as error:
        return error.faults
    return []


def _path_faults(path: str) -> list[str]:
    try:
        locate(path)
    except DataError as error:
        return error.faults
    return []


def _may_be_on_hub(path: str) -> bool:
    try:
        return isinstance(locate(path), HubId)
    except DataError:  # told where paths are looked at
        return True


def raw(prompt: str, answer: str, where: Where, answers: Sequence[str] = ()) -> Completion:
    """Return a prompt and what follows it, to be put together without a template."""
    # Tokens take the space before a word with them: a prompt that ends with one would be cut
    # otherwise when the model is asked than when it was trained.
    text = prompt.rstrip(" ")
    return Completion(
        where=where,
        answers=list(answers) or [answer.strip()],
        text=text,
        completion=prompt[len(text) :] + answer,
    )


GROUP = Group("dataset", Dataset)
