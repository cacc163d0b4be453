"""Gemini, ChatML, OpenAssistant, preferences, ratings, tools: what rows become."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftrecipe.config  # noqa: F401 - registers every format
from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.chat_export import ChatExport
from ftrecipe.components.dataset.oasst import Paths
from ftrecipe.components.dataset.text import Document
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.example import (
    Chat,
    Completion,
    EmptyFault,
    Example,
    Preference,
    Rated,
    RowFault,
    Where,
)
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

HERE = Where("x", "line", 1)
ASKED = [("user", "q"), ("assistant", "a")]


def examples(name, record, **settings):
    return GROUP.get(name)(path="x", **settings).examples(record, HERE)


def only(name, record, **settings):
    [example] = examples(name, record, **settings)
    return example


def turns(messages):
    return [(message["role"], message["content"]) for message in messages]


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def shared(*sent):
    return [{"from": sender, "value": text} for sender, text in sent]


def read(path, name, **settings):
    reading = Reading(str(path))
    source = GROUP.get(name)(path=str(path), **settings)
    return list(read_examples(source, reading, Cleaning([]))), reading


# messages


def test_arguments_of_calls_become_objects():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    messages = [said("user", "q"), said("assistant", None, tool_calls=[call])]
    [found] = only("messages", {"messages": messages}).messages[1]["tool_calls"]
    assert found == {"id": "c1", "type": "function",
                     "function": {"name": "f", "arguments": {"x": 1}}}  # fmt: skip


def test_broken_arguments_name_the_function():
    call = {"function": {"name": "f", "arguments": "{x"}}
    with pytest.raises(RowFault, match="broken JSON in the arguments of f"):
        examples("messages", {"messages": [said("assistant", "", tool_calls=[call])]})


def test_a_legacy_function_call_and_its_result_are_read():
    messages = [said("user", "q"),
                said("assistant", None, function_call={"name": "f", "arguments": "{}"}),
                said("function", "1", name="f"), said("assistant", "a")]  # fmt: skip
    found = only("messages", {"messages": messages, "functions": [{"name": "f"}]})
    assert found.messages[1]["tool_calls"][0]["function"]["name"] == "f"
    assert found.messages[2] == {"role": "tool", "name": "f", "content": "1"}
    assert found.tools == [{"type": "function", "function": {"name": "f"}}]


def test_weights_of_messages_are_kept_and_checked():
    messages = [said("user", "q"), said("assistant", "x", weight=0), said("user", "r"),
                said("assistant", "a", weight=1)]  # fmt: skip
    found = only("messages", {"messages": messages})
    assert [m.get("weight") for m in found.messages] == [None, 0, None, 1]
    messages[1]["weight"] = 0.5
    with pytest.raises(RowFault, match=r"weight is 0\.5; it must be 0 or 1"):
        examples("messages", {"messages": messages})


def test_a_picture_is_refused_by_its_type():
    parts = [{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": "u"}}]
    with pytest.raises(RowFault, match="part of the type image_url; only text is read"):
        examples("messages", {"messages": [said("user", parts), said("assistant", "a")]})


def test_an_open_conversation_is_answered_by_the_ground_truth():
    record = {"prompt": [said("user", "q")], "reward_model": {"ground_truth": "a"}}
    found = only("messages", record)
    assert turns(found.messages) == ASKED
    assert found.notes == ("answers were taken from reward_model.ground_truth",)


def test_a_line_that_is_a_list_of_messages_is_a_conversation(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(f"{json.dumps([said('user', 'q'), said('assistant', 'a')])}\n" * 2)
    found, _ = read(path, "messages")
    assert [turns(one.messages) for one in found] == [ASKED, ASKED]


def test_what_is_said_after_the_last_answer_is_left_out_and_noted():
    found = only("messages", {"messages": [said("user", "q"), said("assistant", "a"),
                                           said("user", "thanks")]})  # fmt: skip
    assert turns(found.messages) == ASKED
    assert found.notes == ("what was said after the last answer was left out",)


@pytest.mark.parametrize("name", ["messages", "sharegpt"])
def test_an_empty_answer_has_nothing_to_learn(name):
    record = {"messages": [said("user", "q"), said("assistant", " ")]}
    with pytest.raises(EmptyFault):
        examples(name, record)


def test_sharegpt_says_and_calls_in_one_message():
    sent = shared(("human", "q"), ("gpt", "let me see"), ("function_call", '{"name": "f"}'),
                  ("observation", "1"), ("gpt", "a"))  # fmt: skip
    found = only("sharegpt", {"conversations": sent, "system": "s"})
    roles = [message["role"] for message in found.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant"]
    assert found.messages[2]["tool_calls"][0]["function"]["arguments"] == {}


# alpaca, question_answer, prompt_completion, text


def test_each_instance_of_an_instruction_is_an_example():
    instances = [{"input": "1", "output": "one"}, {"input": "", "output": "none"}]
    found = examples("alpaca", {"instruction": "say", "instances": instances})
    assert [turns(one.messages) for one in found] == [
        [("user", "say\n\n1"), ("assistant", "one")], [("user", "say"), ("assistant", "none")]
    ]  # fmt: skip
    assert {one.group for one in found} == {"say"}


def test_earlier_pairs_come_before_the_instruction():
    record = {"instruction": "q", "output": "a", "history": [["h", "i"]]}
    assert turns(only("alpaca", record).messages) == [("user", "h"), ("assistant", "i"), *ASKED]


def test_squad_is_read_with_its_contexts_and_without_what_has_no_answer():
    asked = [{"question": "q", "answers": [{"text": "a", "answer_start": 0}, {"text": "b"}]},
             {"question": "r", "answers": [], "is_impossible": True}]  # fmt: skip
    found = only("question_answer", {"paragraphs": [{"context": "c", "qas": asked}]})
    assert turns(found.messages) == [("user", "c\n\nq"), ("assistant", "a")]
    assert found.answers == ["a", "b"]


def test_several_answers_in_a_cell_are_divided_when_asked():
    found = only("question_answer", {"question": "q", "answer": "a; b"}, separator="; ")
    assert found.answers == ["a", "b"]


def test_prompts_and_completions_may_be_messages():
    record = {"prompt": [said("user", "q")], "completion": [said("assistant", "a")]}
    assert turns(only("prompt_completion", record).messages) == ASKED


def test_a_template_that_does_not_parse_is_learned_raw():
    prompt = "<|im_start|>critic\nq<|im_end|>\n<|im_start|>assistant\n"
    found = only("prompt_completion", {"prompt": prompt, "completion": "a<|im_end|>"})
    assert isinstance(found, Completion)
    assert (found.text, found.completion) == (prompt, "a")


@pytest.mark.parametrize(
    ("document", "texts"),
    [(Document.auto, ["a\nb", "c"]), (Document.file, ["a\nb\n\nc"]),
     (Document.block, ["a\nb", "c"]), (Document.line, ["a", "b", "c"])],
)  # fmt: skip
def test_a_text_file_is_divided_as_asked(tmp_path, document, texts):
    (tmp_path / "x.txt").write_text("a\nb\n\nc\n")
    found, _ = read(tmp_path / "x.txt", "text", document=document)
    assert [one.text for one in found] == texts


# gemini


def test_gemini_contents_calls_and_results_are_read():
    call = {"functionCall": {"name": "f", "args": {"x": 1}}}
    result = {"functionResponse": {"name": "f", "response": {"output": "1"}}}
    record = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "q"}]},
            {"role": "model", "parts": [call]},
            {"role": "function", "parts": [result]},
            {"role": "model", "parts": [{"text": "a"}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
    }
    found = only("gemini", record)
    roles = [message["role"] for message in found.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant"]
    assert found.messages[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": {"x": 1}}
    assert found.messages[3] == {"role": "tool", "name": "f", "content": "1"}
    assert found.tools == [{"type": "function", "function": {"name": "f"}}]


def test_a_picture_in_gemini_contents_is_refused():
    record = {"contents": [{"role": "user", "parts": [{"inlineData": {}}]}]}
    with pytest.raises(RowFault, match="a part with inlineData; only text is read"):
        examples("gemini", record)


# chatml


def test_chatml_files_hold_several_conversations(tmp_path):
    def turn(role, text):
        return f"<|im_start|>{role}\n{text}<|im_end|>\n"

    parts = [turn("system", "s") + turn("user", "q\n\nstill q") + turn("assistant", "a"),
             turn("system", "t") + turn("user", "r") + "\n" + turn("assistant", "b") + "\n",
             turn("user", "u") + turn("assistant", "c") + "<|endoftext|>\n",
             turn("user", "v") + turn("assistant", "d")]  # fmt: skip
    (tmp_path / "x.txt").write_text("".join(parts))
    found, reading = read(tmp_path / "x.txt", "chatml")
    assert [one.reply for one in found] == ["a", "b", "c", "d"]
    assert found[0].messages[1]["content"] == "q\n\nstill q"
    assert (reading.rows, [one.where.number for one in found]) == (4, [1, 9, 17, 22])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("<|im_start|>user\nq", "is not closed"), ("x <|im_start|>user\nq<|im_end|>", "text outside"),
     ("<|im_start|>critic\nq<|im_end|>", "of the role 'critic'"), ("plain", "text outside")],
)  # fmt: skip
def test_chatml_that_is_broken_is_a_fault(text, reason):
    with pytest.raises(RowFault, match=reason):
        examples("chatml", {"text": text})


# oasst


def reply(text, role="assistant", rank=None, replies=(), **more):
    return {"text": text, "role": role, "rank": rank, "replies": list(replies), **more}


TREE = reply("q", "prompter", replies=[
    reply("worse", rank=1),
    reply("a", rank=0, replies=[reply("more", "prompter", replies=[reply("b", rank=0)]),
                                reply("thanks", "prompter")]),
    reply("gone", rank=2, deleted=True),
    reply("refused", rank=3, review_result=False),
])  # fmt: skip


def test_the_best_way_through_a_tree_is_one_example():
    found = only("oasst", {"prompt": TREE, "message_tree_id": "t"})
    assert [message["content"] for message in found.messages] == ["q", "a", "more", "b"]
    assert found.group == "t"


def test_all_ways_through_a_tree_end_with_an_answer():
    found = examples("oasst", {"prompt": TREE}, paths=Paths.all)
    assert [one.messages[-1]["content"] for one in found] == ["worse", "b"]


def test_messages_with_parents_grow_into_trees(tmp_path):
    rows = [
        {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "a", "rank": 0},
        {"message_id": "1", "parent_id": None, "role": "prompter", "text": "q"},
        {"message_id": "3", "parent_id": "9", "role": "assistant", "text": "lost"},
        {"message_id": "4", "parent_id": "1", "role": "assistant", "text": "x", "deleted": True},
        {"message_id": "5", "parent_id": "1", "role": "judge", "text": "x"},
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    [found], reading = read(path, "oasst")
    assert turns(found.messages) == ASKED
    counted = (reading.rows, reading.used, reading.malformed, reading.left["unreviewed"])
    assert counted == (5, 2, 1, 2)


# preference and kto


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "q", "chosen": "a", "rejected": "b"},
        {"question": "q", "response_j": "a", "response_k": "b"},
        {"prompt": "q", "chosen": [said("user", "q"), said("assistant", "a")],
         "rejected": [said("user", "q"), said("assistant", "b")]},
        {"chosen": [said("user", "q"), said("assistant", "a")],
         "rejected": [said("user", "q"), said("assistant", "b")]},
        {"prompt": [said("user", "q")], "chosen": [said("assistant", "a")],
         "rejected": [said("assistant", "b")]},
        {"conversations": shared(("human", "q")), "chosen": shared(("gpt", "a"))[0],
         "rejected": shared(("gpt", "b"))[0]},
        {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"},
        {"instruction": "q", "input": "", "chosen": "a", "rejected": "b"},
        {"input": {"messages": [said("user", "q")]}, "preferred_output": [said("assistant", "a")],
         "non_preferred_output": [said("assistant", "b")]},
    ],
)  # fmt: skip
def test_a_pair_of_answers_is_read_in_every_shape(record):
    found = only("preference", record)
    assert isinstance(found, Preference)
    assert (turns(found.messages), turns(found.chosen), turns(found.rejected)) == (
        [("user", "q")], [("assistant", "a")], [("assistant", "b")]
    )  # fmt: skip
    assert GROUP.get("preference").fits(record)


def test_an_instruction_with_an_input_is_one_question():
    record = {"instruction": "q", "input": "x", "chosen": "a", "rejected": "b"}
    assert only("preference", record).messages == [said("user", "q\n\nx")]
    rated = {"instruction": "q", "input": "x", "output": "a", "kto_tag": True}
    assert only("kto", rated).messages[0] == said("user", "q\n\nx")


def test_answers_that_differ_in_length_share_what_they_begin_with():
    short = [said("user", "q"), said("assistant", "a")]
    longer = [*short, said("user", "r"), said("assistant", "b")]
    found = only("preference", {"chosen": longer, "rejected": short})
    assert (found.messages, len(found.chosen), len(found.rejected)) == (short[:1], 3, 1)


def test_speakers_out_of_turn_are_a_fault():
    with pytest.raises(RowFault, match="do not speak in turn"):
        examples("preference", {"chosen": "\n\nHuman: q\n\nHuman: r", "rejected": "x"})


def test_the_same_answer_twice_has_nothing_to_learn():
    with pytest.raises(EmptyFault, match="chosen and rejected are the same"):
        examples("preference", {"prompt": "q", "chosen": "a", "rejected": "a"})


@pytest.mark.parametrize(
    ("label", "good"), [(True, True), (0, False), ("good", True), ("👎", False), ("1", True)]
)
def test_labels_are_read_in_every_word(label, good):
    found = only("kto", {"prompt": "q", "completion": "a", "label": label})
    assert isinstance(found, Rated)
    assert (turns(found.messages), found.label) == (ASKED, good)


def test_a_label_that_says_nothing_is_a_fault():
    with pytest.raises(RowFault, match="holds 'maybe', which is neither good nor bad"):
        examples("kto", {"prompt": "q", "completion": "a", "label": "maybe"})


# any record

_WORDS = sorted({
    name for cls in GROUP.classes.values() for names in cls.synonyms.values() for name in names
} | {"role", "content", "from", "value", "parts", "text", "replies", "qas", "paragraphs",
     "functionCall", "tool_calls", "function", "name", "arguments", "rank"})  # fmt: skip
_TEXTS = st.sampled_from([
    "", "q", "user", "assistant", "human", "gpt", "model", "{}", "[1]", "\ud83d", "true",
    "<|im_start|>user\nq<|im_end|>", "\n\nHuman: q\n\nAssistant:",
])  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.floats()
_LEAVES = _SCALARS | _TEXTS | st.text(max_size=5)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_WORDS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
_RECORDS = st.dictionaries(st.sampled_from(_WORDS), _VALUES, max_size=6)
FORMATS = sorted(
    name for name, cls in GROUP.classes.items()
    if cls.fits.__func__ is not Dataset.fits.__func__ and not issubclass(cls, ChatExport)
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(record=_RECORDS)
def test_any_record_is_examples_or_a_fault(record):
    for name in FORMATS:
        cls = GROUP.classes[name]
        assert cls.fits(record) in (True, False)
        try:
            found = cls(path="x").examples(record, HERE)
        except RowFault:
            continue
        assert found
        assert all(isinstance(one, Example) for one in found)
        for one in found:
            assert all(isinstance(text, str) for text in one.texts())
            if isinstance(one, Chat):
                assert one.messages[-1]["role"] == "assistant"


_LINES = st.one_of(
    st.text(max_size=30),
    _RECORDS.map(lambda record: json.dumps(record)),
    st.sampled_from([
        "", "<|im_start|>user", "<|im_start|>assistant\na<|im_end|>", "<|im_end|>", "<|endoftext|>",
        '{"message_id": "1", "parent_id": null, "role": "prompter", "text": "q"}',
        '{"message_id": "2", "parent_id": "1", "role": "assistant", "text": "a"}',
        '{"message_id": "1", "parent_id": "2", "role": "prompter", "text": "q"}',
    ]),
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(lines=st.lists(_LINES, max_size=6), raw=st.binary(max_size=8))
def test_rows_of_any_file_add_up(tmp_path_factory, lines, raw):
    folder = tmp_path_factory.mktemp("any")
    for ending in (".txt", ".jsonl"):
        path = folder / f"x{ending}"
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + raw)
        for name in ("chatml", "text", "oasst", "messages", "preference", "kto", "auto"):
            try:
                _, reading = read(path, name)
            except DataError:
                continue
            counted = reading.used + reading.malformed + sum(reading.left.values())
            if reading.chat is None:
                assert reading.rows == counted


def test_a_question_that_nobody_answered_is_left_out_and_not_malformed(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"prompt": reply("q", "prompter")}) + "\n")
    found, reading = read(path, "oasst")
    assert (found, reading.rows, reading.malformed) == ([], 1, 0)
    assert sum(reading.left.values()) == 1


def test_a_message_that_is_there_twice_is_malformed(tmp_path):
    row = {"message_id": "1", "parent_id": None, "role": "prompter", "text": "q"}
    answer = {"message_id": "2", "parent_id": "1", "role": "assistant", "text": "a"}
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (row, answer, row)))
    found, reading = read(path, "oasst")
    assert len(found) == 1
    assert (reading.rows, reading.used, reading.malformed) == (3, 2, 1)
