"""The base with examples before each question: what it is asked."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from random_llama import random_llama, random_tokenizer

from ftrecipe.components.eval import Split
from ftrecipe.components.eval.perplexity import Perplexity
from ftrecipe.components.eval.qa import Qa
from ftrecipe.config import Compare
from ftrecipe.data.prepared import EvalExample
from ftrecipe.stages.measuring import few_shot
from ftrecipe.stages.measuring.few_shot import FewShot

TEMPLATE = (
    "{% for m in messages %}<|user|> {{ m.role }} {{ m.content }} <|end|> {% endfor %}"
    "{% if add_generation_prompt %}<|user|>{% endif %}"
)


def chat(question: str, answer: str = "w9", system: str = "") -> EvalExample:
    before = [{"role": "system", "content": system}] if system else []
    asked = [*before, {"role": "user", "content": question}]
    reply = {"role": "assistant", "content": answer}
    return EvalExample([1], question, "", [answer], f"row {question}", asked, None, reply)


def raw(prompt: str, completion: str) -> EvalExample:
    return EvalExample([1], prompt, prompt, [completion.strip()], "row", completion=completion)


class Screen:
    def __init__(self) -> None:
        self.warned: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)


class Data:
    """Held-out questions, and a sample of those that were trained on."""

    def __init__(self, asked: list[EvalExample], shown: list[EvalExample]) -> None:
        self.asked, self.shown = asked, shown

    def examples(self, split: str) -> list[EvalExample]:
        return self.asked if split == "test" else []

    def sample(self) -> list[EvalExample]:
        return self.shown


def session(data: Data, k: int = 2, seed: int = 0, suites: dict[str, Any] | None = None) -> Any:
    run = SimpleNamespace(
        eval=suites or {"qa": Qa(max_new_tokens=4)},
        compare=Compare(few_shot=k, seed=seed),
        model=SimpleNamespace(from_run=None, path=None),
    )
    models = SimpleNamespace(fingerprint="base", start=random_llama())
    tokenizer = random_tokenizer(TEMPLATE)
    tokenizer.model_max_length = 60
    nothing = SimpleNamespace(is_file=lambda: False)
    return SimpleNamespace(
        run=run, models=models, tokenizer=tokenizer, prepared=data, screen=Screen(),
        dir=SimpleNamespace(prepared=nothing),
    )  # fmt: skip


def asked(here: Any, shown: list[EvalExample], room: int = 56) -> list[Any]:
    return FewShot(here, shown, room).examples(Split.test)


def test_examples_stand_before_the_question_as_earlier_turns():
    here = session(Data([chat("w7", system="w5")], []))
    [example] = asked(here, [chat("w1", "w2", system="w6"), chat("w3", "w4")])
    assert [(m["role"], m["content"]) for m in example.messages] == [
        ("system", "w5"), ("user", "w1"), ("assistant", "w2"), ("user", "w3"),
        ("assistant", "w4"), ("user", "w7"),
    ]  # fmt: skip
    assert example.prompt_text.startswith("<|user|> system w5 <|end|> <|user|> user w1")
    assert example.prompt_text.endswith("user w7 <|end|> <|user|>")
    assert example.answers == ["w9"]
    assert example.question == "w7"
    tokenizer = here.tokenizer
    assert example.prompt_ids == tokenizer.encode(example.prompt_text, add_special_tokens=False)


def test_examples_of_raw_completions_are_text():
    here = session(Data([raw("w7", " w8")], []))
    [example] = asked(here, [raw("w1", " w2\n"), chat("w3")])
    assert example.prompt_text == "w1 w2\n\nw7"


def test_a_prompt_that_would_be_too_long_has_fewer_examples_and_that_is_said_once():
    here = session(Data([chat("w7"), chat(" ".join(["w8"] * 20))], []))
    subject = FewShot(here, [chat("w1", "w2"), chat("w3", "w4")], 38)
    first, second = subject.examples(Split.test)
    subject.on(cast(Any, subject.data)).examples(Split.test)
    assert len(first.messages) == 5
    assert len(second.messages) == 3
    assert all(len(example.prompt_ids) <= 38 for example in (first, second))
    [said] = here.screen.warned
    assert "1 of 2 questions are asked with fewer than 2 examples" in said


def test_a_question_without_room_for_any_example_is_asked_alone():
    here = session(Data([chat("w7")], []))
    [example] = asked(here, [chat("w1")], room=3)
    assert example == chat("w7")


def test_examples_are_drawn_by_the_seed_and_never_ask_what_is_asked():
    pool = [chat(f"w{at}") for at in range(20)]
    data = Data(pool[:10], pool)
    drawn = [few_shot.shots(session(data, 5, seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert not {one.question for one in drawn[0]} & {one.question for one in pool[:10]}
    assert len(drawn[0]) == 5


def test_too_few_examples_are_told():
    here = session(Data([], [chat("w1")]), 3)
    assert len(few_shot.shots(here)) == 1
    assert "has 1 questions with answers" in here.screen.warned[0]


def test_nobody_is_shown_examples_where_no_suite_writes_answers():
    here = session(Data([], [chat("w1")]), 1, suites={"perplexity": Perplexity()})
    assert few_shot.shots(here) == []
    assert few_shot.asks(Qa())


@pytest.mark.parametrize("change", ["answers", "k", "base"])
def test_what_is_known_of_it_changes_with_examples_number_and_base(change):
    here = session(Data([], []))
    shown = [chat("w1")]
    before = few_shot.fingerprint(here, shown)
    if change == "answers":
        shown = [chat("w1", "w2")]
    elif change == "k":
        here.run.compare = Compare(few_shot=1)
    else:
        here.models.fingerprint = "other"
    assert few_shot.fingerprint(here, shown) != before
    assert few_shot.fingerprint(here, shown) == few_shot.fingerprint(
        here, [replace(shown[0], where="a copy of the file")]
    )
