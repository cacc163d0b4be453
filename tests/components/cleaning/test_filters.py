"""What the length, language and quality steps drop, with which reason, and what they keep."""

import json
from pathlib import Path

import pytest

from ftrecipe.components.cleaning.language import Language
from ftrecipe.components.cleaning.length import Length
from ftrecipe.components.cleaning.quality import REFUSALS, Quality
from ftrecipe.components.dataset.alpaca import Alpaca
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.example import Chat, Completion, Text, Where
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading

HERE = Where("x", "line", 1)
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def asked(question, answer, **more):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return Chat(where=HERE, answers=[answer], messages=messages, **more)


def reasons(step, *examples):
    cleaning = Cleaning.of([step], Quarantine(None))
    kept = list(cleaning.examples(examples))
    [report] = cleaning.report()
    assert len(kept) + report["dropped"] == len(examples)
    return report["reasons"]


@pytest.mark.parametrize(
    ("settings", "example", "reason"),
    [
        ({}, asked("q", "  "), "answer shorter than 1 character"),
        ({"answer_max_chars": 3}, asked("q", "four"), "answer longer than 3 characters"),
        ({"answer_min_words": 3}, asked("a b c d", "two words"), "answer shorter than 3 words"),
        ({"answer_max_words": 3}, asked("q", "你好世界"), "answer longer than 3 words"),
        ({"min_chars": 9}, asked("four", "four"), "example shorter than 9 characters"),
        ({"max_chars": 7}, Completion(where=HERE, text="four", completion="four"),
         "example longer than 7 characters"),
        ({"min_words": 4}, Text(where=HERE, text="a b c"), "example shorter than 4 words"),
        ({"max_words": 2}, Text(where=HERE, text="a b c"), "example longer than 2 words"),
    ],
)  # fmt: skip
def test_length_drops(settings, example, reason):
    assert reasons(Length(**settings), example) == {reason: 1}


def test_length_keeps_what_is_just_long_and_short_enough():
    step = Length(answer_min_chars=4, answer_max_chars=4, min_words=2, max_words=2)
    assert reasons(step, asked("q", "four")) == {}


def test_an_answer_that_calls_a_tool_may_be_empty():
    calls = [{"function": {"name": "f", "arguments": "{}"}}]
    said = {"role": "assistant", "content": "", "tool_calls": calls}
    example = Chat(where=HERE, answers=[""], messages=[{"role": "user", "content": "q"}, said])
    assert reasons(Length(), example) == reasons(Quality(), example) == {}


def test_a_least_length_above_the_most_is_a_fault():
    [fault] = Length(min_words=9, max_words=3).faults()
    assert fault == "min_words=9: is more than max_words=3"


GERMAN = "Guten Tag, ich hätte gerne gewusst, wann der nächste Zug nach Hamburg fährt."
FRENCH = "Bonjour, je voudrais savoir à quelle heure part le prochain train pour Paris."
ENGLISH = "Good morning, I would like to know when the next train to London leaves."


def test_language_keeps_the_asked_ones_and_names_the_others():
    step = Language(keep=["en", "de"])
    found = reasons(step, *(asked(text, text) for text in (GERMAN, FRENCH, ENGLISH)))
    assert found == {"language: fr": 1}


def test_language_keeps_what_is_short_and_what_is_code():
    code = "```\nfor item in range(10):\n    print(item, sum(values), total)\n```"
    assert reasons(Language(keep=["de"]), asked("bonjour", "oui"), asked("?", code)) == {}


def test_an_unknown_language_is_a_fault():
    [fault] = Language(keep=["english"]).faults()
    assert fault.startswith("keep: english is not a language")
    assert Language(keep=["en", "zh"]).faults() == []
    assert "is empty" in Language(keep=[]).faults()[0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (" ", "empty answer"),
        ("What is it?", "the answer is the question"),
        ("As an AI language model, I cannot do that.", "refusal"),
        ("I’m sorry, but I can’t assist with that request.", "refusal"),
        ("Es tut mir leid, aber ich kann dabei nicht helfen.", "refusal"),
        ("作为一个人工智能语言模型，我无法回答。", "refusal"),
        ("Lo siento, pero no puedo ayudarte con eso.", "refusal"),
        ("I like it. " * 30, "repeated words"),
        ("\n".join(["the same line"] * 20), "repeated lines"),
        ("Well, nooooo" + "o" * 100, "one character 100 times or more"),
        ("$%&/()=?!§;:_'*+#~<>|@€ $%&/()=?!", "mostly symbols"),
        ("01010101 01010101 01010101 01010101", "mostly digits"),
    ],
)
def test_quality_drops(answer, reason):
    assert reasons(Quality(), asked("What is it?", answer)) == {reason: 1}


@pytest.mark.parametrize(
    "answer",
    [
        "No",
        "42",
        "😂😂😂😂😂😂",
        "I'm sorry to hear that. You cannot be late again, but do not worry.",
        "As an AI researcher, I can say that models cannot think.",
        "| a | b |\n|---|---|\n| 1 | 2 |\n" + "-" * 200,
        "SELECT * FROM t WHERE (a = 1) AND (b <> 2);",
        "#!/bin/sh\n\ndate +\"%Y-%m-%d %H:%M:%S\"",
        "la la la la, la la la la, sang the choir, and so did we",
    ],
)  # fmt: skip
def test_quality_keeps(answer):
    assert reasons(Quality(), asked("What is it?", answer)) == {}


def test_each_test_of_quality_can_be_switched_off():
    step = Quality(empty=False, repetition=None, repeated_lines=None, run=None, symbols=None,
                   digits=None, refusals=False, echo=False)  # fmt: skip
    bad = ["", "q", "As an AI, I cannot", "I like it. " * 30, "a\n" * 50, "o" * 200, "%" * 50,
           "1" * 50]  # fmt: skip
    assert reasons(step, *(asked("q", answer) for answer in bad)) == {}


def test_a_refusal_where_tools_are_offered_is_kept():
    refusal = "I'm sorry, but I can't assist with that."
    assert reasons(Quality(), asked("q", refusal, tools=[{"name": "f"}])) == {}


def test_an_answer_that_is_given_too_often_is_dropped_from_then_on():
    same = "Let us keep the discussion relevant to trains."
    found = reasons(Quality(same_answer=2), *(asked(f"q{n}", same) for n in range(5)))
    assert found == {"the same answer as 2 examples before": 3}


def test_every_form_of_refusal_is_one_that_is_found():
    forms = [line for line in REFUSALS.read_text().splitlines() if line and line[0] != "#"]
    assert len(forms) > 80
    for form in forms:
        assert reasons(Quality(), asked("q", form.replace("*", " model").upper())) == {"refusal": 1}


def test_a_row_without_an_answer_is_dropped_by_quality_and_not_malformed(tmp_path):
    path = tmp_path / "qa.jsonl"
    rows = [{"question": "a", "answer": "b"}, {"question": "c", "answer": ""}]
    path.write_text("\n".join(map(json.dumps, rows)))
    for step, malformed in ((Quality(), 0), (Length(), 0), (Quality(empty=False), 1)):
        reading, cleaning = Reading(str(path)), Cleaning.of([step], Quarantine(None))
        [_] = read_examples(QuestionAnswer(path=str(path)), reading, cleaning)
        assert (reading.rows, reading.malformed) == (2, malformed)
        assert cleaning.report()[0]["dropped"] == 1 - malformed


@pytest.mark.parametrize(
    ("source", "path"),
    [
        (Alpaca, "alpaca-gpteacher/roleplay-simple-deduped-roleplay-instruct.json"),
        (QuestionAnswer, "qa-gsm8k/gsm8k_test.jsonl"),
        (QuestionAnswer, "qa-covid-faq/faq_covidbert.csv"),
    ],
)
def test_quality_drops_nothing_of_good_real_data(source, path):
    if not (DATA / path).exists():
        pytest.skip("the real data is not here")
    cleaning = Cleaning.of([Quality()], Quarantine(None))
    reading = Reading(str(DATA / path))
    kept = sum(1 for _ in read_examples(source(path=reading.path), reading, cleaning))
    assert kept == reading.used
