"""What is kept of training examples: what they ask, and a sample; and where rows are from."""

import json

import pytest

from ftrecipe.components.dataset import Split
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.mix import Mix
from ftrecipe.components.dataset.prompt_completion import PromptCompletion
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.dataset.text import PlainText
from ftrecipe.components.eval.prompt_list import PromptList
from ftrecipe.data.asked import leak
from ftrecipe.data.build import built
from ftrecipe.data.example import Completion, Where
from ftrecipe.data.prepared import Job, Prepared, fingerprint
from ftrecipe.data.sample import Sample
from ftrecipe.data.tokens.masks import TrainOn

ALL = {"train": Split(1, 0, 0), "test": Split(0, 0, 1)}
LONG = "please tell me in which of the old houses of the town the lamp maker lived"


@pytest.fixture
def prepare(tmp_path, tokenizer):
    def made(source, **settings) -> Prepared:
        job = Job(source, tokenizer, None, TrainOn.answers, 42, **settings)
        folder = tmp_path / "cache" / fingerprint(job)[:16]
        with built(job, folder, lambda total: lambda done: None) as data:
            assert data.report["failures"] == []
        return Prepared.open(folder)

    return made


@pytest.fixture
def write(tmp_path):
    def written(name, *rows) -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return str(path)

    return written


def qa(*questions):
    return [{"question": text, "answer": f"answer to {text}"} for text in questions]


def test_questions_that_were_trained_on_are_found_in_another_file(prepare, write):
    train = write("train.jsonl", *qa("who are you?", f"{LONG} then", "why so?"))
    held = write("held.jsonl", *qa("Who  are YOU?", f"say, {LONG}", "when?", "where?"))
    own = prepare(QuestionAnswer(path=held, split=ALL["test"]), trains=False)
    found = leak(prepare(QuestionAnswer(path=train, split=ALL["train"])), own)
    assert (found.same_prompt, found.same_words) == (1, 2)


def test_the_system_prompt_is_part_of_what_is_the_same(prepare, write):
    rows = qa("who are you?", "why?")
    train = QuestionAnswer(path=write("a.jsonl", *rows), split=ALL["train"], system="s")
    held = QuestionAnswer(path=write("b.jsonl", *rows), split=ALL["test"], system="s")
    assert leak(prepare(train), prepare(held, trains=False)).same_prompt == 2


def test_plain_text_asks_nothing(prepare, write):
    text = write("a.jsonl", {"text": f"{LONG} and so on"})
    held = prepare(
        QuestionAnswer(path=write("b.jsonl", *qa(LONG)), split=ALL["test"]), trains=False
    )
    assert tuple(leak(prepare(PlainText(path=text, split=ALL["train"])), held))[:2] == (0, 0)


def test_data_that_is_only_measured_on_needs_no_row_to_train_on(prepare, write):
    own = prepare(
        QuestionAnswer(path=write("a.jsonl", *qa("a?", "b?")), split=ALL["test"]), trains=False
    )
    assert [example.question for example in own.examples("test")] == ["a?", "b?"]


def test_nothing_of_the_sample_is_asked_in_a_held_out_split(prepare, write):
    train = write("train.jsonl", *qa("a?", "b?", "c?"))
    source = QuestionAnswer(
        path=train, test_path=write("test.jsonl", *qa("B?")), split=ALL["train"]
    )
    data = prepare(source)
    assert [example.question for example in data.sample()] == ["a?", "c?"]
    assert data.examples("train") == []


def test_the_sample_is_bounded_and_the_same_each_time(prepare, write):
    path = write("train.jsonl", *qa(*(f"what is {at}?" for at in range(300))))
    source = QuestionAnswer(path=path, split=ALL["train"])
    first = [example.question for example in prepare(source).sample()]
    again = [example.question for example in prepare(source).sample()]
    assert len(first) == 256
    assert first == again


def test_every_example_has_the_same_chance_to_be_in_the_sample():
    rows = [Completion(where=Where("", "", at), text=str(at), completion="x") for at in range(40)]
    drawn = [0] * len(rows)
    for seed in range(400):
        sample = Sample(seed, size=10)
        for example in rows:
            sample.add(example)
        for example in sample.kept:
            drawn[example.where.number] += 1
    assert min(drawn) > 60
    assert max(drawn) < 140


def test_rows_of_a_mix_know_their_source(prepare, write):
    sources = {
        name: {"format": "question_answer", "path": write(f"{name}.jsonl", *qa(f"{name}?"))}
        for name in ("faq", "chat")
    }
    data = prepare(Mix(sources=sources, split=ALL["test"]), trains=False)
    assert sorted(data.places("test")) == [
        ("chat.jsonl line 1", "chat"),
        ("faq.jsonl line 1", "faq"),
    ]
    assert len(data.places("test", 1)) == 1


def test_what_nobody_answered_has_a_prompt_and_no_rows(prepare, write):
    data = prepare(PromptList(prompts=["hello?"], split=ALL["test"]), trains=False)
    [example] = data.examples("test")
    assert example.open
    assert example.prompt_text.endswith("<|im_start|>assistant\n")
    assert data.test() is None


def test_the_letters_that_follow_a_raw_prompt_are_kept(prepare, write):
    path = write("a.jsonl", {"prompt": "2+2= ", "completion": "4"})
    source = PromptCompletion(path=path, chat=False, split=ALL["test"])
    [example] = prepare(source, trains=False).examples("test")
    assert (example.prompt_text, example.completion) == ("2+2=", " 4")


def test_a_conversation_that_is_kept_ends_with_its_reply(prepare, write):
    turns = [{"role": role, "content": text} for role, text in
             (("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))]  # fmt: skip
    path = write("a.jsonl", {"messages": turns})
    [example] = prepare(Messages(path=path, split=ALL["train"])).sample()
    assert [*example.messages, example.reply] == turns
