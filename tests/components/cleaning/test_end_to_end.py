"""Whole chains of steps over a file: order, accounts, and no secret in what is left behind."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning import GROUP
from ftrecipe.components.cleaning.emails import Emails
from ftrecipe.components.cleaning.exact_duplicates import ExactDuplicates
from ftrecipe.components.cleaning.language import Language
from ftrecipe.components.cleaning.length import Length
from ftrecipe.components.cleaning.masking import Action
from ftrecipe.components.cleaning.near_duplicates import NearDuplicates
from ftrecipe.components.cleaning.normalize import Normalize
from ftrecipe.components.cleaning.personal_data import PersonalData
from ftrecipe.components.cleaning.phones import Phones
from ftrecipe.components.cleaning.quality import Quality
from ftrecipe.components.cleaning.urls import Urls
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.config import options
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.corpus import gather
from ftrecipe.data.example import Chat, Where

SECRETS = ["4111 1111 1111 1111", "alice@example.org", "sk-abcdefghijklmnopqrstuv0123",
           "DE89 3704 0044 0532 0130 00", "+49 170 1234567", "hunter2"]  # fmt: skip
HERE = Where("x", "line", 1)


def written(tmp_path, rows):
    path = tmp_path / "qa.jsonl"
    path.write_text("\n".join(json.dumps(dict(zip(("question", "answer"), row))) for row in rows))
    return QuestionAnswer(path=str(path))


def gathered(source, steps, tmp_path):
    corpus = gather(source, steps, 0, tmp_path / "quarantine.jsonl")
    examples = [example for _, example in corpus.rows]
    corpus.quarantine.close()
    lines = (tmp_path / "quarantine.jsonl").read_text().splitlines()
    return examples, corpus, [json.loads(line) for line in lines]


def test_no_secret_is_left_in_quarantine_or_in_samples(tmp_path):
    everything = f"{', '.join(SECRETS[:5])}, password={SECRETS[5]}"
    rows = [
        (f"mine are\n{everything}", "ok \n fine"),
        (f"a\u200b {everything}", "no"),
        (everything, ""),
        ("short", everything.replace("@", "&#64;")),
        (everything, everything),
        (f"mine are\n{everything}", "ok \n fine"),
    ]
    steps = [Quality(), Normalize(), Length(answer_min_chars=3), PersonalData(), ExactDuplicates()]
    examples, corpus, left = gathered(written(tmp_path, rows), steps, tmp_path)
    assert len(examples) == 2
    assert [line["rule"] for line in left] == ["length", "quality", "quality", "exact_duplicates"]
    shown = json.dumps([cleaning.report() for cleaning in corpus.cleanings]) + json.dumps(left)
    for secret in (*SECRETS, "alice&#64;"):
        assert secret not in shown
        assert not any(secret in text for example in examples for text in example.texts())
    for tag in ("<CARD>", "<EMAIL>", "<SECRET>", "<IBAN>", "<PHONE>", "password=<SECRET>"):
        assert tag in shown


def test_rows_that_a_mask_drops_are_quarantined_without_the_secret(tmp_path):
    source = written(tmp_path, [("a\nalice@example.org", "b"), ("c", "d")])
    examples, _, [left] = gathered(source, [Emails(action=Action.drop)], tmp_path)
    assert len(examples) == 1
    assert left["reason"] == "holds email"
    assert left["content"]["messages"][0]["content"] == "a\n<EMAIL>"
    assert (left["file"], left["line"]) == ("qa.jsonl", 1)


def test_every_row_is_used_or_dropped_or_malformed(tmp_path):
    rows = [("a", "b"), ("a", "b"), ("c", ""), ("d", "alice@x.org"), ("e", "https://x.org"), ("f",)]
    steps = [Quality(), Emails(action=Action.drop), Urls(action=Action.drop), ExactDuplicates()]
    examples, corpus, left = gathered(written(tmp_path, rows), steps, tmp_path)
    [reading], [cleaning] = corpus.readings, corpus.cleanings
    dropped = {log["step"]: log["dropped"] for log in cleaning.report()}
    assert dropped == {"quality": 1, "emails": 1, "urls": 1, "exact_duplicates": 1}
    assert reading.rows == len(examples) + sum(dropped.values()) + reading.malformed
    assert (reading.malformed, len(left)) == (1, 5)


@pytest.mark.parametrize("names", [("emails", "length"), ("length", "emails")])
def test_steps_run_in_the_order_they_are_given(names, tmp_path):
    steps = {"emails": Emails(tag="@"), "length": Length(answer_max_chars=3)}
    source = written(tmp_path, [("q", "alice@example.org")])
    examples, _, _ = gathered(source, [steps[name] for name in names], tmp_path)
    assert len(examples) == (names[0] == "emails")


def test_a_sample_shows_the_place_of_the_first_change():
    example = Chat(where=HERE, answers=["x"], messages=[
        {"role": "user", "content": "word " * 1000 + "a\u00a0b" + " word" * 1000},
        {"role": "assistant", "content": "x"}])  # fmt: skip
    cleaning = Cleaning.of([Normalize()], Quarantine(None))
    list(cleaning.examples([example]))
    [sample] = cleaning.report()[0]["samples"]["white space"]
    assert "a\u00a0b" in sample["before"]
    assert "a b" in sample["after"]
    assert len(sample["before"]) < 600
    assert sample["before"].startswith("…")


def test_every_step_has_a_file_that_chooses_it():
    assert set(options("cleaning")) == set(GROUP.classes)


STEPS = [Normalize(lowercase=True, strip_punctuation=True, collapse_spaces=True, quotes=True),
         Urls(), Emails(), Phones(), PersonalData(), Length(), Language(min_chars=5),
         Quality(same_answer=1), ExactDuplicates(), NearDuplicates()]  # fmt: skip
ANY = st.text(st.characters(codec=None), max_size=40) | st.text("aA. \n@:/1+&;", max_size=60)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(ANY, ANY), max_size=5), st.sampled_from(STEPS))
def test_on_any_text_each_example_comes_out_or_is_dropped(rows, step):
    examples = [Chat(where=HERE, answers=[answer], messages=[
        {"role": "user", "content": question}, {"role": "assistant", "content": answer}])
        for question, answer in rows]  # fmt: skip
    cleaning = Cleaning.of([step], Quarantine(None, step.mask))
    kept = list(cleaning.examples(examples))
    [report] = cleaning.report()
    assert len(kept) + report["dropped"] == len(examples)
    assert report["changed"] <= len(kept)
    json.dumps(report)
