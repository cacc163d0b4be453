"""The base with a few training examples before each question: is prompting as good as training?"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from ftrecipe.components.eval import Eval, Example, Split
from ftrecipe.data.example import Chat, RowFault, Where
from ftrecipe.data.prepared import EvalExample
from ftrecipe.data.split import HELD_OUT, prompt_key
from ftrecipe.data.tokens.render import Renderer
from ftrecipe.data.tokens.tokenize import Encoder
from ftrecipe.needs import architecture
from ftrecipe.stages.measuring.measure import Subject
from ftrecipe.stages.measuring.own_data import data_of
from ftrecipe.stages.session import Session

FEW_SHOT = "few_shot"
BETWEEN = "\n\n"  # examples of raw completions
SYSTEM = ("system", "developer")


def shots(session: Session) -> list[EvalExample]:
    """Return the examples that are shown, the same for every question; none where none are asked.

    Nothing that any suite asks is among them.
    """
    wanted, seed = session.run.compare.few_shot, session.run.compare.seed
    if not wanted or not any(map(asks, session.run.eval.values())):
        return []
    held = {
        prompt_key(example.question)
        for name in session.run.eval
        for split in HELD_OUT
        for example in data_of(session, name).examples(split)
    }
    known = [one for one in session.prepared.sample() if prompt_key(one.question) not in held]
    found = random.Random(seed).sample(known, min(wanted, len(known)))
    if len(found) < wanted:
        session.screen.warn(
            f"compare.few_shot={wanted}: the training split has {len(found)} questions with "
            "answers that can be shown"
        )
    return found


def fingerprint(session: Session, shown: Sequence[EvalExample]) -> str:
    """Return what changes with the base, and with what is shown to it."""
    plain = [{**asdict(one), "where": ""} for one in shown]
    asked = [session.models.fingerprint, session.run.compare.few_shot, _room(session), plain]
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def asks(suite: Eval) -> bool:
    """Tell a suite whose questions can be asked with examples before them."""
    return suite.generates


def subject(session: Session, shown: Sequence[EvalExample]) -> "FewShot":
    """Return the base as it is asked with examples."""
    return FewShot(session, shown, _room(session))


def _room(session: Session) -> int:
    """Return how many tokens a prompt may have, so that an answer fits behind it."""
    suites = [suite for suite in session.run.eval.values() if suite.generates]
    answers = max((vars(suite).get("max_new_tokens", 0) for suite in suites), default=0)
    model = architecture(session.run)
    own = model.max_positions if model else None
    longest = int(session.tokenizer.model_max_length)
    return (longest if own is None else min(own, longest)) - answers


class FewShot(Subject):
    """A model that is shown examples before each question, as earlier turns or as text.

    Of a question that would be too long with all of them, the last ones are left out.
    """

    def __init__(self, session: Session, shown: Sequence[EvalExample], room: int) -> None:
        super().__init__(session.models.start, session.tokenizer, session.prepared, session.screen)
        self.shown, self.room = shown, room
        self._told: set[str] = set()

    def examples(self, split: Split, limit: int | None = None) -> list[Example]:
        """Return the questions with examples before them."""
        plain = super().examples(split, limit)
        made = [self._with_examples(example) for example in plain]
        short = sum(count < len(self.shown) for _, count in made)
        if short and self.screen is not None and FEW_SHOT not in self._told:
            self._told.add(FEW_SHOT)
            self.screen.warn(
                f"few_shot  {short:,} of {len(made):,} questions are asked with fewer than "
                f"{len(self.shown)} examples: with all of them a prompt would be longer than "
                f"the {self.room:,} tokens that leave room for an answer"
            )
        return [example for example, _ in made]

    def _with_examples(self, example: Any) -> tuple[Example, int]:
        """Return the question, and how many examples stand before it."""
        fitting = [one for one in self.shown if bool(one.messages) == bool(example.messages)]
        for count in range(len(fitting), 0, -1):
            made = self._made(example, fitting[:count])
            if made is not None and len(made.prompt_ids) <= self.room:
                return made, count
        return example, 0

    def _made(self, example: Any, before: Sequence[EvalExample]) -> Any | None:
        """Return the question behind examples; None where the template refuses them."""
        if not example.messages:
            texts = [one.prompt_text + one.completion.rstrip() for one in before]
            text = BETWEEN.join([*texts, example.prompt_text])
            ids = self._encoder.prompt_ids(text, raw=True)
            return replace(example, prompt_text=text, prompt_ids=ids)
        messages = [*_system(example.messages), *_turns(before), *_rest(example.messages)]
        answer = {"role": "assistant", "content": ""}
        asked = Chat(where=Where("", "", 0), messages=[*messages, answer], tools=example.tools)
        try:
            text = self._renderer.prompt(asked)
        except RowFault:
            return None
        ids = self._encoder.prompt_ids(text, raw=False)
        return replace(example, messages=messages, prompt_text=text, prompt_ids=ids)

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self.tokenizer)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.tokenizer)


def _system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages[:1] if message["role"] in SYSTEM]


def _rest(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return messages[len(_system(messages)) :]


def _turns(before: Sequence[EvalExample]) -> list[dict[str, Any]]:
    """Return examples as earlier turns: the question's own system prompt holds for all."""
    return [turn for one in before for turn in (*_rest(one.messages), one.reply) if turn]
