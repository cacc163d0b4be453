"""What a terminal shows of report.json: short, true, and safe to print."""

import json
import re
from dataclasses import replace
from itertools import chain

import pytest

from ftrecipe.components.cleaning.emails import Emails
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.dataset.telegram import Telegram
from ftrecipe.components.dataset.text import PlainText
from ftrecipe.data.audit.describe import describe
from ftrecipe.data.audit.excerpt import excerpt
from ftrecipe.data.audit.samples import sample
from ftrecipe.data.audit.schedule import schedule
from ftrecipe.data.build import built
from ftrecipe.data.example import OnOverlong, Where
from ftrecipe.data.prepared import Job
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.data.tokens.tokenize import MASKED, Row

ANSI = re.compile(r"\x1b\[[\d;]*m")
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\u202eX"


@pytest.fixture(autouse=True)
def no_settings_of_the_person(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)


def audit(folder, tokenizer, source, **settings):
    job = replace(Job(source, tokenizer, None, TrainOn.answers, 1), **settings)
    with built(job, folder / "data", lambda total: lambda done: None) as data:
        return data.report | schedule(data.lengths("train"), job.limit, False, 4, 1)


@pytest.fixture(scope="module")
def faq(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("faq")
    rows = [{"question": f"what is {n}?", "answer": f"it is {n}"} for n in range(40)]
    rows += [{"question": "mail?", "answer": "bob@example.com"}]
    rows += [{"question": "long?", "answer": "hello " * n} for n in (90, 91, 92, 93)]
    path = folder / "faq.jsonl"
    path.write_text("\n".join([*map(json.dumps, rows), "[]"]))
    source = QuestionAnswer(path=str(path))
    return audit(folder, tokenizer, source, steps=[Emails()], max_length=50)


@pytest.fixture(scope="module")
def chat(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("chat")
    messages = [
        {"id": n, "type": "message", "date": f"2024-03-01T10:{n:02}:00", "from": name,
         "from_id": name, "text": f"hello {HOSTILE}"}
        for n, name in enumerate([f"Eve{HOSTILE}", "Ana", "Bob", "Cem", "Dan", "Eva", "Fay"])
    ]  # fmt: skip
    whole = {"name": "Group", "type": "private_group", "id": 1, "messages": messages}
    (folder / "result.json").write_text(json.dumps(whole))
    return audit(folder, tokenizer, Telegram(path=str(folder / "result.json"), assistant="Fay"))


def test_a_source_is_told_with_its_encoding_and_its_first_fault(faq):
    lines = describe(faq, colored=False)
    assert lines[0].startswith("read       46 rows of ")
    assert lines[0].endswith("faq.jsonl (question_answer, utf-8), 1 malformed")
    assert lines[1].startswith("           the first: faq.jsonl line 46: ")


def test_changed_and_dropped_rows_are_told_by_rule(faq):
    lines = describe(faq, colored=False)
    assert "dropped    overlong 4" in lines
    assert "changed    emails 1" in lines


def test_each_split_is_one_line_with_its_numbers(faq):
    lines = describe(faq, colored=False)
    for name in ("train", "validation", "test"):
        split = faq["tokens"][name]
        (line,) = [line for line in lines if line.startswith(f"{name:<11}")]
        assert f"{split['rows']} examples, {split['total']:,} tokens" in line
        assert f"{split['supervised']:,} trained on" in line
        assert f"median {split['median']}" in line


def test_the_three_longest_rows_are_named(faq):
    text = "\n".join(describe(faq, colored=False))
    assert "too long   4 rows are longer than 50 tokens: 4 left out" in text
    named = [f"faq.jsonl line {number} (" for number in (45, 44, 43)]
    assert sorted(named, key=text.index) == named
    assert "faq.jsonl line 42 (" not in text
    assert f"{faq['overlong']['fits_99']} would fit 99 %" in text


def test_what_is_recommended_can_be_copied(faq):
    taken = faq["recommended"]
    (line,) = [line for line in describe(faq, colored=False) if line.startswith("take ")]
    assert f"trainer.max_length={taken['max_length']}" in line
    assert f"trainer.num_train_epochs={taken['num_train_epochs']};" in line


def test_of_a_chat_the_first_senders_are_named(chat):
    text = "\n".join(describe(chat, colored=False))
    assert "7 messages; 2024-03-01 to 2024-03-01" in text
    assert "7 senders: Eve␛" in text
    assert text.count("and 2 more") == 1


def test_three_samples_of_at_most_sixteen_lines_are_shown(faq, tokenizer):
    assert sum(" trained on (" in line for line in describe(faq, colored=False)) == 3
    ids = tokenizer("hello there\n" * 60)["input_ids"]
    row = sample(Row(Where("a", "line", 1), ids, ids), tokenizer, set())
    for colored in (True, False):
        lines = excerpt(row, colored)
        assert len(lines) <= 16
        assert any("more lines" in line for line in lines)
        assert max(len(ANSI.sub("", line)) for line in lines) <= 100


def test_of_a_long_row_the_trained_lines_are_shown_before_others(tokenizer):
    ids = [tokenizer(f"line {n}\n")["input_ids"] for n in range(60)]
    labels = [each if at in (30, 31) else [MASKED] * len(each) for at, each in enumerate(ids)]
    row = Row(Where("a", "line", 1), [*chain(*ids)], [*chain(*labels)])
    text = "\n".join(excerpt(sample(row, tokenizer, set()), False))
    assert "»line 30\n  line 31" in text
    assert "line 0" in text
    assert "line 59" in text
    assert text.count("more lines") == 2


def test_repeated_examples_and_the_sources_of_a_mix_are_a_line_each(faq):
    assert not [line for line in describe(faq, False) if line.startswith(("repeated", "sources"))]
    doubled = faq | {"examples_per_source": {"a": 30, "b": 1200},
                     "duplicates": {**faq["duplicates"], "repeated_examples": 12}}  # fmt: skip
    lines = describe(doubled, colored=False)
    assert "repeated   12 examples say the same as an earlier one" in lines
    assert "sources    a 30, b 1,200" in lines


def test_no_answer_is_said_to_be_cut_of_text_that_is_split(tmp_path, tokenizer):
    (tmp_path / "text.txt").write_text("hello there " * 300)
    source = PlainText(path=str(tmp_path / "text.txt"), on_overlong=OnOverlong.split)
    report = audit(tmp_path, tokenizer, source, max_length=50)
    assert report["overlong"]["split"] == 1
    (line,) = [line for line in describe(report, False) if line.startswith("too long")]
    assert line == "too long   1 row is longer than 50 tokens: 1 cut into pieces"
    assert not [warning for warning in report["warnings"] if "answer" in warning]


def test_trained_text_is_between_marks_where_there_is_no_color(faq):
    (first,) = [line for line in describe(faq, colored=False) if line.startswith("  »it is 0")]
    assert first == "  »it is 0<|im_end|>«"


def test_on_a_terminal_trained_tokens_are_underlined_and_others_faint(faq):
    text = "\n".join(describe(faq, colored=True))
    assert "\x1b[32;4mit is 0\x1b[0m\x1b[32;4;7m<|im_end|>\x1b[0m" in text
    assert "\x1b[2;7m<|im_start|>\x1b[0m\x1b[2muser\x1b[0m" in text
    assert "»it" not in text


def test_color_changes_nothing_but_the_marks(faq):
    plain = "\n".join(describe(faq, colored=False))
    colored = ANSI.sub("", "\n".join(describe(faq, colored=True)))
    assert colored.replace("green, underlined", "") == re.sub("»so«|[»«]", "", plain)


def test_no_color_is_respected(faq, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert describe(faq, colored=True) == describe(faq, colored=False)


def test_nothing_in_the_data_can_command_the_terminal(chat):
    text = "\n".join(describe(chat, colored=True))
    assert "Eve␛" in text
    assert "hello ␛]0;title␇" in text
    assert not set(ANSI.sub("", text)) & {"\x1b", "\x07", "\x9b", "\r", "\u202e"}


def test_turns_that_follow_each_other_directly_are_on_lines_of_their_own():
    texts = [("trained", ["hi"]), ("special", ["<end>", "<start>"]), ("trained", ["you"])]
    pieces = [
        {"kind": kind, "trained": True, "count": len(tokens), "tokens": tokens}
        for kind, tokens in texts
    ]
    row = {"where": "a", "length": 4, "supervised": 4, "cut": 0, "pieces": pieces}
    assert excerpt(row, colored=False)[2:] == ["  »hi<end>", "  <start>you«"]


def test_wide_characters_count_as_two_columns():
    piece = {"kind": "trained", "trained": True, "count": 100, "tokens": ["天" * 100]}
    row = {"where": "a", "length": 100, "supervised": 100, "cut": 0, "pieces": [piece]}
    assert [len(line.strip()) for line in excerpt(row, colored=True)[2:]] == [
        48 + len("\x1b[32;4m\x1b[0m"),
        48 + len("\x1b[32;4m\x1b[0m"),
        4 + len("\x1b[32;4m\x1b[0m"),
    ]


def test_spaces_that_a_tokenizer_writes_as_part_of_a_word_are_kept():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"▁hello": 0, "▁there": 1, "</s>": 2}
    unigram = Tokenizer(models.WordLevel(vocabulary, unk_token="</s>"))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=unigram, eos_token="</s>")
    row = Row(Where("a", "line", 1), [0, 1, 1, 2], [MASKED, 1, 1, 2])
    made = sample(row, tokenizer, {2})
    assert [(p["kind"], p["tokens"]) for p in made["pieces"]] == [
        ("context", ["hello"]),
        ("trained", [" there", " there"]),
        ("special", ["</s>"]),
    ]


def test_a_special_token_is_never_joined_to_half_a_character(tokenizer):
    half = tokenizer("天")["input_ids"][:1]
    end = tokenizer.eos_token_id
    made = sample(Row(Where("a", "line", 1), [*half, end], [MASKED, end]), tokenizer, {end})
    assert [(p["kind"], p["count"]) for p in made["pieces"]] == [("context", 1), ("special", 1)]
