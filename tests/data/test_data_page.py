"""The page of the data audit: what it says, that it is safe to open, and its report's schema."""

import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

import ftrecipe
from ftrecipe.components.cleaning.boilerplate import Boilerplate
from ftrecipe.components.cleaning.emails import Emails
from ftrecipe.components.cleaning.exact_duplicates import ExactDuplicates
from ftrecipe.components.dataset.preference import PreferencePairs
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.dataset.telegram import Telegram
from ftrecipe.components.dataset.text import PlainText
from ftrecipe.data.audit.page import data_page
from ftrecipe.data.audit.page.cleaning import marked, tagged
from ftrecipe.data.audit.page.cleaning import section as cleaning_section
from ftrecipe.data.audit.page.flow import Flow
from ftrecipe.data.audit.page.samples import tokens, visible
from ftrecipe.data.audit.page.verdict import headline, reasons
from ftrecipe.data.audit.schedule import schedule
from ftrecipe.data.build import built
from ftrecipe.data.example import OnOverlong
from ftrecipe.data.prepared import Job
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.page.words import printable
from ftrecipe.rundir import read_json, write_json

EVIL = "<script>alert('x')</script>"
SCHEMA = read_json(Path(ftrecipe.__file__).parent / "schemas" / "data_report.json")
VOID = {"meta", "wbr"}


class Balanced(HTMLParser):
    """Checks that every tag is closed where it should be, and keeps what there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def audit(folder, tokenizer, source, **settings):
    """Return report.json of really prepared data, as a run writes it and reads it back."""
    job = replace(Job(source, tokenizer, None, TrainOn.answers, 1), **settings)
    with built(job, folder / "data", lambda total: lambda done: None) as data:
        packing = schedule(data.lengths("train"), job.limit, False, 4, 1)
        write_json(folder / "report.json", data.report | packing)
    return read_json(folder / "report.json")


@pytest.fixture(scope="module")
def faq(tmp_path_factory, tokenizer):
    """Rows with duplicates, an address, markup, scripts of the world, and faults of three kinds."""
    folder = tmp_path_factory.mktemp("faq")
    rows = [{"question": f"what is {n}?", "answer": f"it is {n}"} for n in range(120)]
    rows += rows[:7]
    rows += [
        {"question": "who are you?", "answer": f"{EVIL} bob@example.com"},
        {"question": "مرحبا", "answer": "今日は\n\nhello\t x  y \u202e\u200f end"},
        {"question": "long?", "answer": "hello " * 300},
    ]
    lines = [json.dumps(row) for row in rows]
    lines += ['{"question": "cut', '{"question": "<script>"}', "[1]"]
    path = folder / "faq.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    source = QuestionAnswer(path=str(path))
    return audit(folder, tokenizer, source, steps=[Emails(), ExactDuplicates()], max_length=100)


@pytest.fixture(scope="module")
def chat(tmp_path_factory, tokenizer):
    """A group of 230 members, one with a name that is markup."""
    folder = tmp_path_factory.mktemp("chat")
    names = [EVIL, "محمد", *(f"Guest {n}" for n in range(228))]
    messages = [
        {"id": n, "type": "message", "date": f"2024-03-01T{n // 60:02}:{n % 60:02}:00",
         "from": name, "from_id": f"user{n}", "text": f"I am number {n}"}
        for n, name in enumerate(names)
    ]  # fmt: skip
    messages += [{**messages[0], "id": 900, "text": "hello", "date": "2024-03-02T10:00:00"},
                 {**messages[1], "id": 901, "text": "hello back", "date": "2024-03-02T10:01:00"},
                 {"id": 902, "type": "service", "date": "2024-03-02T10:02:00", "actor": EVIL,
                  "actor_id": "user0", "action": "pin_message", "text": ""}]  # fmt: skip
    path = folder / "result.json"
    whole = {"name": "Group", "type": "private_group", "id": 1, "messages": messages}
    path.write_text(json.dumps(whole), "utf-8")
    source = Telegram(path=str(path), assistant="محمد")
    return audit(folder, tokenizer, source, steps=[Boilerplate()])


@pytest.fixture(scope="module")
def clean(tmp_path_factory, tokenizer):
    folder = tmp_path_factory.mktemp("clean")
    (folder / "text.txt").write_text("\n\n".join(f"hello there {n}" for n in range(150)), "utf-8")
    source = PlainText(path=str(folder / "text.txt"))
    return audit(folder, tokenizer, source, overlong_is_a_finding=True, tokenizer_name="tiny")


def words(page: str) -> str:
    """Return what a person reads of a page."""
    text = page.split("</style>")[1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.mark.parametrize("made", ["faq", "chat", "clean"])
def test_the_schema_describes_real_reports(request, made):
    jsonschema.validate(request.getfixturevalue(made), SCHEMA)


def test_the_schema_refuses_a_key_that_nobody_described(clean):
    for broken in (
        clean | {"eos_share": 1},
        clean | {"overlong": {**clean["overlong"], "rows": 1}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


@pytest.mark.parametrize("made", ["faq", "chat", "clean"])
def test_the_page_is_one_balanced_file_that_loads_and_runs_nothing(request, made):
    page = data_page(request.getfixturevalue(made), EVIL, EVIL)
    parsed = Balanced(page)
    assert not parsed.tags & {"script", "link", "img", "iframe"}
    assert not parsed.attributes & {"src", "href", "onclick", "onload"}
    assert "<script" not in page


def test_data_without_failures_is_ready(clean):
    assert headline(clean) == f"Ready to train: {clean['examples']['train']} examples"
    assert headline(clean) in words(data_page(clean, "run", "runs/run/1"))


def test_each_reason_is_counted_once_with_the_rows_that_it_is_about(faq):
    assert headline(faq) == "Cannot be trained on: 2 reasons"
    (malformed, places), (overlong, _) = reasons(faq["failures"])
    assert malformed.startswith("3 malformed rows")
    assert [place.split(":")[0] for place in places] == [
        f"faq.jsonl line {number}" for number in (131, 132, 133)
    ]
    assert "max_length=100" in overlong
    said = words(data_page(faq, "run", "runs/run/1"))
    assert all(line in said for line in faq["failures"])


def test_warnings_stand_beneath_the_verdict(clean):
    report = clean | {"warnings": [f"careful {n}" for n in range(12)]}
    said = words(data_page(report, "run", "runs/run/1"))
    assert said.index("Ready to train") < said.index("careful 0") < said.index("4 more warnings")
    assert "careful 11" in said


def test_an_assumed_tokenizer_is_said_to_be_assumed(clean, faq):
    assert "Assumed: no model was named" in words(data_page(clean, "run", "f"))
    assert "Assumed" not in words(data_page(faq, "run", "f"))


def test_the_flow_of_rows_adds_up(faq):
    flow = Flow(faq)
    assert (flow.read, flow.malformed, flow.early) == (133, 3, {})
    assert [*flow.late.items()] == [("exact_duplicates", 7), ("overlong", 1)]
    assert flow.read == flow.malformed + flow.kept + sum(flow.late.values())
    assert flow.made == flow.used


def test_the_flow_of_a_chat_tells_entries_from_examples(chat):
    flow = Flow(chat)
    assert flow.read == 233
    assert flow.early == {"boilerplate": 1, "unanswered": 228}
    assert flow.used == flow.read - sum(flow.early.values())
    assert flow.kept == flow.made == sum(chat["examples"].values())
    assert f"{flow.used} entries became {flow.made} example" in words(data_page(chat, "r", "f"))


def test_the_numbers_of_the_report_are_on_the_page(faq):
    said = words(data_page(faq, "run", "runs/run/1"))
    for split in faq["tokens"].values():
        for key in ("rows", "total", "supervised", "min", "median", "p95", "max"):
            assert f"{split[key]:,}" in said
    longest = faq["overlong"]["longest"][0]
    assert f"{longest['where']} {longest['tokens']:,} tokens" in said
    assert f"max_length={faq['overlong']['fits_99']:,} would fit 99 %" in said
    assert faq["recommended"]["because"] in said
    assert "max_length 100" in said


def test_a_step_shows_what_it_changed_before_and_after(faq):
    page = data_page(faq, "run", "f")
    assert "emails changed 1" in words(page)
    assert "exact_duplicates dropped 7" in words(page)
    assert "&lt;EMAIL&gt;" in page
    assert "bob@example.com" not in page


def test_what_was_masked_is_one_box_with_the_tag_marked(faq):
    page = data_page(faq, "run", "f")
    assert page.count("<ins>&lt;EMAIL&gt;</ins>") == 1
    assert '<div class="change">' not in page


def test_a_sample_is_drawn_once_whatever_the_kinds_it_is_changed_for():
    sample = {"where": "a line 1", "before": "<A> <B>", "after": "<A> <B>", "tags": ["<A>", "<B>"]}
    step = {"step": "x", "dropped": 0, "dropped_examples": 0, "changed": 1,
            "reasons": {"a": 1, "b": 1}, "samples": {"a": [sample], "b": [sample]}}  # fmt: skip
    drawn = cleaning_section({"cleaning": [step]})
    assert drawn.count("a line 1") == 1
    assert "<ins>&lt;A&gt;</ins> <ins>&lt;B&gt;</ins>" in drawn


def test_around_a_tag_stand_some_sixty_characters():
    shown = tagged("x" * 200 + " <A> " + "y" * 200 + " 1A1", ["<A>"])
    assert shown == "…" + "x" * 59 + " <ins>&lt;A&gt;</ins> " + "y" * 59 + "…"


def test_pairs_can_be_looked_at_and_say_which_answer_is_which(tmp_path, tokenizer):
    row = {"prompt": "What is 1?", "chosen": "One.", "rejected": "Two."}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    report = audit(tmp_path, tokenizer, PreferencePairs(path=str(tmp_path / "a.jsonl")))
    jsonschema.validate(report, SCHEMA)
    assert headline(report) == "Can be looked at, not trained on by sft: 1 example"
    assert [row["where"] for row in report["samples"]] == [
        "a.jsonl line 1 (chosen)", "a.jsonl line 1 (rejected)"]  # fmt: skip


def test_few_examples_are_no_warning_where_there_are_failures(faq, clean, chat):
    assert faq["failures"]
    assert not [line for line in faq["warnings"] if "to train on" in line]
    assert [line for line in chat["warnings"] if "to train on" in line]


def test_a_step_that_found_nothing_is_named(clean):
    idle = {"step": "urls", "dropped": 0, "dropped_examples": 0, "changed": 0, "reasons": {},
            "samples": {}}  # fmt: skip
    assert "Nothing to do for: urls." in words(data_page(clean | {"cleaning": [idle]}, "r", "f"))


def test_a_change_marks_only_the_words_that_differ():
    assert marked("call 555 <now>", "call <PHONE> <now>") == (
        "call <del>555</del> &lt;now&gt;",
        "call <ins>&lt;PHONE&gt;</ins> &lt;now&gt;",
    )
    assert marked("one", "two") == ("one", "two")


def test_of_many_senders_the_first_are_named_and_the_rest_counted(chat):
    said = words(data_page(chat, "run", "f"))
    assert "محمد 2" in said
    assert f"{EVIL} 2" in said
    assert "and 218 more senders" in said
    assert "Guest 200" not in said


def test_every_token_of_a_sample_is_marked_as_what_it_is(faq):
    page = data_page(faq, "run", "f")
    for row in faq["samples"]:
        for piece in row["pieces"]:
            trained = " is-trained" if piece["trained"] else ""
            drawn = "".join(f"<i>{visible(token)}</i>" for token in piece["tokens"])
            assert f'<span class="t-{piece["kind"]}{trained}">{drawn}</span>' in page


def test_trained_end_tokens_differ_from_those_that_are_only_read(faq):
    pieces = faq["samples"][0]["pieces"]
    special = [(p["tokens"], p["trained"]) for p in pieces if p["kind"] == "special"]
    assert special[0] == (["<|im_start|>"], False)
    assert special[-1] == (["<|im_end|>"], True)


def test_samples_are_padded_to_the_longest_of_them(faq):
    page = data_page(faq, "run", "f")
    lengths = [row["length"] for row in faq["samples"]]
    for length in lengths:
        assert length == max(lengths) or f"[pad] × {max(lengths) - length}" in page


def test_the_counts_of_a_sample_add_up_to_its_tokens(tmp_path, tokenizer):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "天気", "answer": "晴れ 👩‍👩‍👧 ok"}), "utf-8")
    (row,) = audit(tmp_path, tokenizer, QuestionAnswer(path=str(path)))["samples"]
    assert sum(piece["count"] for piece in row["pieces"]) == row["length"]
    assert sum(p["count"] for p in row["pieces"] if p["trained"]) == row["supervised"]
    text = "".join(token for piece in row["pieces"] for token in piece["tokens"])
    assert "天気" in text
    assert "晴れ 👩‍👩‍👧 ok" in text


def test_a_copied_sample_is_the_text_that_was_there():
    token = "a\n\tb  c\xa0<d>"
    html = visible(token)
    assert unescape(re.sub(r"<[^>]+>", "", html)) == token
    assert 'data-is="↵"' in html


def test_characters_that_turn_the_direction_are_named_and_not_written():
    html = visible("a\u202eb\u200f\x00")
    assert [code in html for code in ("[U+202E]", "[U+200F]", "␀")] == [True] * 3
    assert not set(html) & {"\u202e", "\u200f", "\x00"}


def test_special_tokens_that_follow_each_other_are_parted_by_a_break_that_is_not_copied():
    pieces = [
        {"kind": "special", "trained": True, "count": 1, "tokens": ["<end>"]},
        {"kind": "special", "trained": False, "count": 2, "tokens": ["<start>", "<to>"]},
    ]
    row = {"where": "a", "length": 3, "supervised": 1, "cut": 0, "pieces": pieces}
    html = tokens(row)
    assert html.count('<b class="break"></b>') == 2
    assert unescape(re.sub(r"<[^>]+>", "", html)) == "<end><start><to>"


def test_a_row_that_is_cut_says_how_much_is_missing():
    piece = {"kind": "context", "trained": False, "count": 1, "tokens": ["x"]}
    row = {"where": "a line 1", "length": 41, "supervised": 0, "cut": 40, "pieces": [piece]}
    assert "… 40 more tokens" in tokens(row)


def test_data_of_which_no_row_is_left_has_a_page(tmp_path, tokenizer):
    (tmp_path / "a.jsonl").write_text('{"question": 1}\n')
    report = audit(tmp_path, tokenizer, QuestionAnswer(path=str(tmp_path / "a.jsonl")))
    jsonschema.validate(report, SCHEMA)
    page = data_page(report, "run", "f")
    Balanced(page)
    assert "Cannot be trained on: 1 reason" in words(page)


def test_rows_that_were_dropped_as_too_long_are_counted(tmp_path, tokenizer):
    rows = [{"question": "q", "answer": "hello " * n} for n in (1, 2, 90)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = QuestionAnswer(path=str(tmp_path / "a.jsonl"), on_overlong=OnOverlong.drop)
    said = words(data_page(audit(tmp_path, tokenizer, source, max_length=50), "run", "f"))
    assert "1 row longer than 50 tokens dataset.on_overlong=drop: 1 left out" in said


def test_printable_text_keeps_scripts_and_names_what_a_terminal_would_obey():
    assert printable("é 今日 مرحبا 👩‍👩‍👧") == "é 今日 مرحبا 👩‍👩‍👧"
    assert printable("\x1b[31m\r\nx\x9b") == "␛[31m␍↵x[U+009B]"
