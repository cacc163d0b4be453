"""From files to a folder of prepared data, and its report."""

import json
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ftrecipe.components.cleaning.emails import Emails
from ftrecipe.components.cleaning.exact_duplicates import ExactDuplicates
from ftrecipe.components.dataset import OnOverlong, Split
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.dataset.text import PlainText
from ftrecipe.data.build import batches, built
from ftrecipe.data.count import count_rows
from ftrecipe.data.example import Text, Where
from ftrecipe.data.prepared import Job, Prepared, fingerprint
from ftrecipe.data.read import LONGEST
from ftrecipe.data.split import SplitBy
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.errors import DataError

HALVES = Split(train=0.5, validation=0.25, test=0.25)


@dataclass
class Bench:
    """Prepares datasets in a temporary cache with one tokenizer."""

    folder: Any
    tokenizer: Any

    def write(self, name, rows):
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    def job(self, source, **settings) -> Job:
        return replace(Job(source, self.tokenizer, None, TrainOn.answers, 42), **settings)

    def prepare(self, source, **settings) -> Prepared:
        job = self.job(source, **settings)
        folder = self.folder / "cache" / fingerprint(job)[:16]
        if not Prepared.exists(folder):
            with built(job, folder, lambda total: lambda done: None) as data:
                if data.report["failures"]:
                    raise DataError(data.report["failures"])
        return Prepared.open(folder)


@pytest.fixture
def bench(tmp_path, tokenizer):
    return Bench(tmp_path, tokenizer)


def asked(count, start=0):
    return [
        {"question": f"what is {i}?", "answer": f"it is {i}"} for i in range(start, start + count)
    ]


def refused(bench, source, **settings):
    with pytest.raises(DataError) as error:
        bench.prepare(source, **settings)
    assert not list((bench.folder / "cache").glob("*")), "nothing is left behind"
    return error.value.faults


def test_the_splits_are_read_back(bench):
    data = bench.prepare(QuestionAnswer(path=bench.write("a.jsonl", asked(40)), split=HALVES))
    train, validation, test = data.train(), data.validation(), data.test()
    assert train
    assert validation
    assert test
    assert (len(train), len(validation), len(test)) == (20, 10, 10)
    assert set(train.column_names) == {"input_ids", "labels"}
    assert str(train.features["input_ids"].feature.dtype) == "int32"


def test_each_row_leads_back_to_its_file_and_line(bench):
    path = bench.write("a.jsonl", asked(40))
    data = bench.prepare(QuestionAnswer(path=path, split=HALVES))
    train = data.train()
    found = data.origins("train", range(len(train)))
    assert all((place.file, place.unit) == ("a.jsonl", "line") for place in found)
    asks = [f"what is {place.number - 1}?" for place in found]
    texts = [bench.tokenizer.decode(row) for row in train["input_ids"]]
    assert all(ask in text for ask, text in zip(asks, texts, strict=True))
    assert data.origins("train", []) == []


def test_rows_keep_the_order_of_the_file(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(20)), split=Split(1, 0, 0))
    train = bench.prepare(source).train()
    assert train
    texts = [bench.tokenizer.decode(ids) for ids in train["input_ids"]]
    assert all(f"it is {i}<" in text for i, text in enumerate(texts))


def test_a_split_without_rows_is_none(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(5)), split=Split(1, 0, 0))
    data = bench.prepare(source)
    assert data.validation() is None
    assert data.test() is None
    assert data.examples("test") == []


def test_held_out_questions_are_kept_with_prompt_and_all_answers(bench):
    rows = [{"question": "hi", "answer": ["hello", "good day"]}]
    source = QuestionAnswer(
        path=bench.write("a.jsonl", asked(5)), test_path=bench.write("t.jsonl", rows)
    )
    [example] = bench.prepare(source).examples("test")
    assert example.question == "hi"
    assert example.answers == ["hello", "good day"]
    assert example.prompt_text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert bench.tokenizer.decode(example.prompt_ids) == example.prompt_text
    assert example.where == "t.jsonl line 1"


def test_plain_text_has_no_questions(bench):
    rows = [{"text": f"some text of number {i}"} for i in range(40)]
    data = bench.prepare(PlainText(path=bench.write("a.jsonl", rows), split=HALVES))
    assert data.test()
    assert data.examples("test") == []


def test_long_text_is_cut_into_pieces_that_fit(bench):
    rows = [{"text": "hello there " * 50}]
    data = bench.prepare(PlainText(path=bench.write("a.jsonl", rows)), max_length=16)
    train = data.train()
    assert train
    assert max(map(len, train["input_ids"])) == 16
    assert data.report["overlong"]["split"] == 1


def test_rows_longer_than_max_length_are_refused_by_default(bench):
    rows = [*asked(3), {"question": "hi", "answer": "a long answer " * 20}]
    source = QuestionAnswer(path=bench.write("a.jsonl", rows))
    [fault] = refused(bench, source, max_length=64)
    assert fault.startswith("1 of 4 rows are longer than trainer.max_length=64; the longest: ")
    assert "a.jsonl line 4" in fault


def test_overlong_rows_can_be_dropped_and_are_reported(bench):
    rows = [*asked(3), {"question": "hi", "answer": "a long answer " * 20}]
    source = QuestionAnswer(path=bench.write("a.jsonl", rows), on_overlong=OnOverlong.drop)
    report = bench.prepare(source, max_length=64).report
    assert report["dropped"] == {"overlong": 1}
    assert sum(report["examples"].values()) == 3
    assert report["overlong"]["longest"][0]["where"] == "a.jsonl line 4"


def test_all_faulty_rows_are_told_at_once(bench):
    rows = [*asked(3), {"question": "hi", "answer": ""}, {"question": "", "answer": "x"}]
    faults = refused(bench, QuestionAnswer(path=bench.write("a.jsonl", rows)))
    assert faults == [
        'a.jsonl line 4: no answer in column "answer"',
        'a.jsonl line 5: no question in column "question"',
        "2 malformed rows; mend them, or leave them out with dataset.max_malformed=2",
    ]


def test_faulty_rows_of_a_stream_are_told_too(bench):
    rows = [*asked(3), {"question": "hi", "answer": ""}]
    source = QuestionAnswer(path=bench.write("a.jsonl", rows), streaming=True)
    assert refused(bench, source)[0] == 'a.jsonl line 4: no answer in column "answer"'


def test_many_faults_are_cut_at_twenty_with_their_number(bench):
    rows = [{"question": f"q{i}", "answer": ""} for i in range(1200)]
    faults = refused(bench, QuestionAnswer(path=bench.write("a.jsonl", rows)))
    assert len(faults) == 21
    assert faults[-1].startswith("all 1,200 rows are malformed")


def test_a_missing_column_is_said_once(bench):
    rows = [{"question": f"q{i}", "said": "x"} for i in range(50)]
    faults = refused(bench, QuestionAnswer(path=bench.write("a.jsonl", rows)))
    assert len(faults) == 1
    assert "set dataset.columns.answer=<column> (all 50 rows)" in faults[0]


def test_malformed_rows_can_be_left_out_and_are_counted_by_reason(bench):
    path = bench.folder / "a.csv"
    path.write_text("question,answer\nq1,a1\nq2,\nq3\nq4,a4\n")
    report = bench.prepare(QuestionAnswer(path=str(path), max_malformed=2)).report
    assert sum(report["examples"].values()) == 2
    [source] = report["sources"]
    assert source["rows_malformed"] == 2
    assert source["first_malformed"] == {
        "file": "a.csv", "line": 3, "reason": 'no answer in column "answer"'
    }  # fmt: skip
    assert source["malformed_reasons"] == {
        'no answer in column "answer"': 1,
        "has 1 cells, the header has 2": 1,
    }


def test_a_conversation_the_template_refuses_is_named_by_its_line(
    tmp_path, make_tokenizer, templates
):
    bench = Bench(tmp_path, make_tokenizer(templates["inst"], eos="</s>"))
    messages = [{"role": role, "content": "x"} for role in ("system", "user", "assistant")]
    path = bench.write("a.jsonl", [{"messages": messages[1:]}, {"messages": messages}])
    fault, _ = refused(bench, Messages(path=path))
    assert fault.startswith("a.jsonl line 2: the chat template refuses this conversation")


def test_an_unrolled_conversation_is_one_evaluation_example(tmp_path, make_tokenizer, templates):
    bench = Bench(tmp_path, make_tokenizer(templates["thinking"]))
    turns = [{"role": ("user", "assistant")[i % 2], "content": f"turn {i}"} for i in range(4)]
    path = bench.write("a.jsonl", [{"messages": turns}])
    data = bench.prepare(Messages(path=path, test_path=path))
    train = data.train()
    assert train
    assert len(train) == 2
    [example] = data.examples("test")
    assert example.answers == ["turn 3"]
    assert example.question == "turn 2"
    assert data.report["template"]["unrolled"] == 2


def test_no_prompt_is_on_both_sides(bench):
    rows = [{"question": f"q{i % 15}", "answer": f"a{i}"} for i in range(60)]
    data = bench.prepare(QuestionAnswer(path=bench.write("a.jsonl", rows), split=HALVES))
    train = data.train()
    assert train
    held_out = {e.question for split in ("test", "validation") for e in data.examples(split)}
    seen = " ".join(bench.tokenizer.decode(ids) for ids in train["input_ids"])
    assert held_out
    assert not any(f"\n{question}<" in seen for question in held_out)
    leaks = data.report["contamination"]
    assert [leaks[split]["same_prompt"] for split in ("test", "validation")] == [0, 0]
    assert data.report["duplicates"]["prompts_with_several_answers"] == 15


@pytest.mark.parametrize("streaming", [False, True])
def test_test_prompts_that_are_also_trained_on_are_counted(bench, streaming):
    source = QuestionAnswer(
        path=bench.write("a.jsonl", asked(30)),
        test_path=bench.write("t.jsonl", asked(10, start=25)),
        streaming=streaming,
        split=Split(1, 0, 0),
    )
    report = bench.prepare(source).report
    assert report["contamination"]["test"]["same_prompt"] == 5
    assert any("5 prompts of the test split" in warning for warning in report["warnings"])


def test_a_stream_gives_the_same_rows_in_about_the_same_shares(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(2500)), streaming=True, split=HALVES)
    data = bench.prepare(source)
    train, test = data.train(), data.test()
    assert train
    assert test
    assert abs(len(train) - 1250) < 120
    assert abs(len(test) - 625) < 100
    assert sum(data.report["examples"].values()) == 2500


@pytest.mark.parametrize("streaming", [False, True])
def test_max_samples_stops_reading_early(bench, streaming):
    path = bench.folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in asked(12)) + "broken\n")
    source = QuestionAnswer(path=str(path), max_samples=12, streaming=streaming)
    assert bench.prepare(source).report["sources"][0]["rows_read"] == 12


def test_data_of_which_nothing_is_left_is_refused(bench):
    rows = [{"question": "hi", "answer": "a long answer " * 20}]
    source = QuestionAnswer(path=bench.write("a.jsonl", rows), on_overlong=OnOverlong.drop)
    [fault] = refused(bench, source, max_length=16)
    assert fault.endswith("a.jsonl: no row is left to train on")


def test_the_report_shows_what_every_token_is(bench):
    report = bench.prepare(QuestionAnswer(path=bench.write("a.jsonl", asked(5)))).report
    pieces = report["samples"][0]["pieces"]
    assert [(p["kind"], p["trained"], "".join(p["tokens"])) for p in pieces] == [
        ("special", False, "<|im_start|>"),
        ("context", False, "user\nwhat is 0?"),
        ("special", False, "<|im_end|>"),
        ("context", False, "\n"),
        ("special", False, "<|im_start|>"),
        ("context", False, "assistant\n"),
        ("trained", True, "it is 0"),
        ("special", True, "<|im_end|>"),
        ("context", False, "\n"),
    ]
    assert report["eos_supervised"] == 1


def test_rows_read_are_examples_dropped_and_malformed(bench):
    rows = [*asked(30), *asked(5), {"question": "q", "answer": "so " * 60}, {"question": "q"}]
    source = QuestionAnswer(
        path=bench.write("a.jsonl", rows), max_malformed=1, on_overlong=OnOverlong.drop
    )
    report = bench.prepare(source, steps=[ExactDuplicates()], max_length=64).report
    assert report["dropped"] == {"exact_duplicates": 5, "overlong": 1}
    [read] = report["sources"]
    kept = sum(report["examples"].values())
    assert read["rows_read"] == 37 == kept + 6 + read["rows_malformed"]


def test_what_is_left_out_is_in_quarantine(bench):
    rows = [*asked(12), *asked(1), {"question": "q"}]
    source = QuestionAnswer(path=bench.write("a.jsonl", rows), max_malformed=1)
    data = bench.prepare(source, steps=[ExactDuplicates()])
    lines = [json.loads(line) for line in data.quarantine.read_text().splitlines()]
    assert [(line["line"], line["rule"]) for line in lines] == [
        (13, "exact_duplicates"),
        (14, "malformed"),
    ]
    assert lines[1]["content"] == {"question": "q"}


def test_data_that_is_refused_is_counted_all_the_same(bench):
    rows = [*asked(12), {"question": "q"}]
    job = bench.job(QuestionAnswer(path=bench.write("a.jsonl", rows)))
    folder = bench.folder / "cache" / "refused"
    with built(job, folder, lambda total: lambda done: None) as data:
        assert data.report["sources"][0]["rows_read"] == 13
        assert sum(data.report["examples"].values()) == 12
        assert len(data.report["failures"]) == 2
    assert not folder.exists()


@pytest.mark.parametrize("streaming", [False, True])
def test_a_file_that_is_no_data_is_told_in_the_report(bench, streaming):
    path = bench.folder / "a.jsonl"
    path.write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    job = bench.job(QuestionAnswer(path=str(path), streaming=streaming))
    with built(job, bench.folder / "cache" / "html", lambda total: lambda done: None) as data:
        [failure] = data.report["failures"]
        assert "a.jsonl is an HTML page" in failure
        assert data.report["sources"][0]["rows_read"] == 0


def test_a_row_with_nothing_to_learn_is_a_failure(bench):
    muted = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}]
    path = bench.write("a.jsonl", [{"messages": muted}])
    faults = refused(bench, Messages(path=path))
    assert "1 row without a token that would be trained on" in faults[1]


def test_the_report_adds_up(bench):
    data = bench.prepare(QuestionAnswer(path=bench.write("a.jsonl", asked(40)), split=HALVES))
    train = data.train()
    assert train
    split = data.report["tokens"]["train"]
    assert split["rows"] == len(train)
    assert split["total"] == sum(map(len, train["input_ids"]))
    labels = [label for row in train["labels"] for label in row]
    assert split["supervised"] == sum(label != -100 for label in labels)
    assert split["max"] == max(map(len, train["input_ids"]))


def test_a_small_set_and_contradicting_answers_are_warned_about(bench):
    rows = [*asked(5), {"question": "What is 1?", "answer": "who knows"}]
    warnings = bench.prepare(QuestionAnswer(path=bench.write("a.jsonl", rows))).report["warnings"]
    assert warnings == [
        "Only 6 examples to train on; a few hundred are usually needed.",
        "1 prompt with more than one answer in the data.",
    ]


def test_a_second_build_uses_the_first(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(5)))
    first = bench.prepare(source)
    stamp = (first.path / "report.json").stat().st_mtime_ns
    assert (bench.prepare(source).path / "report.json").stat().st_mtime_ns == stamp


def test_two_writers_of_one_folder_do_no_harm(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(5)))
    folder = bench.folder / "cache" / "one"
    for _ in range(2):
        with built(bench.job(source), folder, lambda total: lambda done: None) as data:
            assert data.path == folder
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


def test_all_that_matters_changes_the_fingerprint(bench, make_tokenizer, templates):
    path = bench.write("a.jsonl", asked(5))
    source = QuestionAnswer(path=path)
    job = bench.job(source)
    others = [
        bench.job(QuestionAnswer(path=path, system="be kind")),
        bench.job(source, max_length=64),
        bench.job(source, train_on=TrainOn.everything),
        bench.job(source, seed=1),
        bench.job(source, tokenizer=make_tokenizer(templates["thinking"])),
        bench.job(source, tokenizer=make_tokenizer(eos="</s>")),
    ]
    keys = [fingerprint(job), *map(fingerprint, others)]
    bench.write("a.jsonl", asked(6))
    keys.append(fingerprint(job))
    assert len(set(keys)) == len(keys)


def test_the_plan_counts_the_rows_that_are_trained_on(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(40)), split=HALVES)
    train = bench.prepare(source).train()
    assert train
    counted = count_rows(source)
    assert counted
    assert counted.rows == len(train)


def test_the_rows_of_a_hub_data_set_are_not_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert count_rows(QuestionAnswer(path="org/name")) is None


def test_a_system_prompt_that_all_share_is_no_leak(bench):
    system = "You are a kind and patient assistant that answers in one short word only, always."
    rows = [{"messages": [{"role": "system", "content": system},
                          {"role": "user", "content": f"what is {at}?"},
                          {"role": "assistant", "content": f"it is {at}"}]}
            for at in range(40)]  # fmt: skip
    report = bench.prepare(Messages(path=bench.write("a.jsonl", rows), split=HALVES)).report
    assert [held["same_words"] for held in report["contamination"].values()] == [0, 0]


def test_rows_without_the_time_to_split_by_are_bad_rows(bench):
    by_time = replace(HALVES, by=SplitBy.time)
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(4)), split=by_time)
    faults = refused(bench, source)
    assert len(faults) == 1
    assert faults[0].endswith("a.jsonl: has no time to split by; name its column, "
                              "dataset.split.column=<column> (all 4 rows)")  # fmt: skip


def test_a_template_that_is_no_jinja_is_said_once(bench):
    source = QuestionAnswer(path=bench.write("a.jsonl", asked(4)))
    tokenizer = copy(bench.tokenizer)
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }"
    with pytest.raises(DataError, match="no valid Jinja, line 1: unexpected '}'"):
        bench.prepare(source, tokenizer=tokenizer)


def test_a_masked_value_is_in_no_reason_of_a_bad_row(bench):
    rows = [{"question": "q", "answer": "a", "when": "at ann@example.org"}]
    source = QuestionAnswer(
        path=bench.write("a.jsonl", rows), split=Split(by=SplitBy.time, column="when")
    )
    [fault, *_] = refused(bench, source, steps=[Emails()])
    assert "'at <EMAIL>', not a time" in fault


def test_whole_answers_that_truncation_takes_are_told_of(bench):
    messages = [{"role": role, "content": f"{word} " * 9}
                for word in ("one", "two", "six") for role in ("user", "assistant")]  # fmt: skip
    rows = [{"messages": messages}]
    source = Messages(path=bench.write("a.jsonl", rows), on_overlong=OnOverlong.truncate_left)
    warnings = bench.prepare(source, max_length=100).report["warnings"]
    assert "Truncation cut away 2 whole answers of rows that keep another." in warnings


def test_rows_are_tokenized_in_batches_bounded_by_their_text(bench) -> None:
    rows = [Text(where=Where("x", "line", n), text="a" * 3_000_000) for n in range(7)]
    sizes = [len(batch) for batch in batches(("train", row) for row in rows)]
    assert sizes == [3, 3, 1]


def test_a_row_that_no_memory_could_hold_the_tokens_of_is_malformed(bench) -> None:
    path = bench.write("x.jsonl", [*asked(9), {"question": "why?", "answer": "a" * (LONGEST + 1)}])
    with pytest.raises(DataError, match=r"x.jsonl line 10: is 16,777,221 characters long"):
        count_rows(QuestionAnswer(path=path))
