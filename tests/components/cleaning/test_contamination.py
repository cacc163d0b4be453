"""Examples that share words with an evaluation are dropped, and told where it stands."""

import csv
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning.contamination import Contamination
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.example import Chat, Text, Where
from ftrecipe.data.ngrams import Overlap, word_ngrams, words

QUESTION = "If a train leaves at noon and drives ninety kilometers an hour, when does it arrive?"


def asked(question, answer="I do not know.", system=""):
    said = [("system", system), ("user", question), ("assistant", answer)]
    messages = [{"role": role, "content": text} for role, text in said if text]
    return Chat(where=Where("x", "line", 1), answers=[answer], messages=messages)


@pytest.fixture
def evaluation(tmp_path):
    path = tmp_path / "eval.jsonl"
    rows = [{"question": "Who was it?", "answer": "I do not know."},
            {"messages": [{"role": "user", "content": f"Now then. {QUESTION}"}]},
            {"question": "What color has the sky?", "answer": "Blue."}]  # fmt: skip
    path.write_text("\n".join([*map(json.dumps, rows), "{broken"]))
    return str(path)


def run(step, *examples):
    cleaning = Cleaning.of([step], Quarantine(None))
    kept = list(cleaning.examples(examples))
    [report] = cleaning.report()
    assert len(kept) + report["dropped"] == len(examples)
    return kept, report


def test_an_example_that_shares_a_run_of_words_is_dropped(evaluation):
    taken = asked("Please: " + QUESTION.upper().replace(",", " -"))
    kept, report = run(Contamination(against=[evaluation]), taken, asked("Why?"))
    assert kept == [asked("Why?")]
    assert report["reasons"] == {"shares 13 words with eval.jsonl": 1}
    [sample] = report["samples"]["shares 13 words with eval.jsonl"]
    assert sample["where"] == "x line 1 line 2"


def test_fewer_shared_words_than_asked_are_no_contamination(evaluation):
    some = asked(" ".join(QUESTION.split()[:12]) + " exactly?")
    assert run(Contamination(against=[evaluation]), some)[0] == [some]
    assert run(Contamination(against=[evaluation], ngram=12), some)[0] == []


def test_a_short_text_counts_where_the_whole_of_it_is_the_same(evaluation):
    step = Contamination(against=[evaluation])
    assert run(step, asked("what color has the SKY"))[0] == []
    longer = asked("What color has the sky at night?")
    assert run(step, longer)[0] == [longer]


def test_a_very_short_answer_that_both_have_is_none(evaluation):
    other = asked("Who is there?", "I do not know.")
    assert run(Contamination(against=[evaluation]), other)[0] == [other]


def test_a_shared_system_prompt_is_none(evaluation):
    other = asked("Hello?", system=QUESTION)
    assert run(Contamination(against=[evaluation]), other)[0] == [other]


def test_csv_files_and_folders_are_read_too(tmp_path):
    with (tmp_path / "eval.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["1", "short"], ["2", QUESTION]])
    assert run(Contamination(against=[str(tmp_path)]), asked(QUESTION))[0] == []


def test_missing_files_are_faults(tmp_path):
    assert Contamination().faults()[0].startswith("against is empty")
    [fault] = Contamination(against=[str(tmp_path / "no.jsonl")]).faults()
    assert fault.startswith("against: ")
    assert "does not exist" in fault


def test_a_form_that_many_learned_rows_share_is_no_overlap():
    overlap = Overlap(5)
    for number in range(12):
        where = Where("e", "line", number)
        overlap.learn(where, [f"Below is an instruction that describes a task. Number{number}!"])
    assert overlap.find(["Below is an instruction that describes a task. Sing!"]) is None
    assert overlap.find(["describes a task. Number7 is that"]) is None
    assert overlap.find(["that describes a task. Number7 is"]) == Where("e", "line", 7)


def test_words_are_lower_case_and_characters_where_there_are_no_spaces():
    assert words("Don't STOP_it, 你好 world2!") == ["don", "t", "stop_it", "你", "好", "world2"]


def test_every_run_of_words_is_found_in_a_long_text_wherever_it_stands():
    said = [f"w{number}" for number in range(9000)]
    found = word_ngrams(" ".join(said), 13)
    assert len(found) == 9000 - 12
    for start in (0, 4080, 4084, 4090, 8987):
        assert word_ngrams(" ".join(said[start : start + 13]), 13) <= found


def test_a_shorter_text_has_one_run_and_an_empty_one_none():
    assert len(word_ngrams("a b c", 13)) == 1
    assert word_ngrams("a b c", 13) != word_ngrams("a c b", 13)
    assert word_ngrams(" …", 13) == set()


def test_hashes_are_the_same_in_another_process():
    code = "from ftrecipe.data.ngrams import word_ngrams; print(sorted(word_ngrams('a bé c d', 2)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(said.stdout) == sorted(word_ngrams("a bé c d", 2))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.integers(1, 6))
def test_there_are_as_many_hashes_as_different_runs(said, n):
    least = min(n, len(said))
    runs = {tuple(said[at : at + least]) for at in range(len(said) - least + 1)} if said else set()
    assert len(word_ngrams(" ".join(said), n)) == len(runs)


def test_what_was_learned_is_found_in_any_text():
    overlap = Overlap(3)
    overlap.learn(Where("e", "row", 4), ["one two three four", "five"])
    assert overlap.find(["x", "zero One, two THREE"]) == Where("e", "row", 4)
    assert overlap.find([Text(where=Where("", "", 0), text="one two four").text]) is None


def test_what_more_than_half_of_few_rows_share_is_their_instruction_where_that_is_asked_for():
    said = "answer the question in one short word"
    for alike in (False, True):
        overlap = Overlap(5, alike=alike)
        for at in range(4):
            overlap.learn(Where("a", "line", at), [f"{said} {at}"])
        assert (overlap.find([f"{said} of mine"]) is None) is alike
        assert overlap.find([f"x {said} 2"]) is not None
