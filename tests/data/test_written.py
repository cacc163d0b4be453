"""Writing examples in each format: what is written is read back as it was, or said to be lost."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ftrecipe.config  # noqa: F401 - registers every format
from ftrecipe.components.dataset import GROUP
from ftrecipe.data.convert.write import write
from ftrecipe.data.convert.written import WRITERS, records
from ftrecipe.data.example import Chat, Completion, Preference, Rated, RowFault, Text, Where

HERE = Where("x", "line", 1)
READS = {"instruction": "alpaca"}  # who reads what is written under another name


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def chat(*messages, tools=None):
    return Chat(where=HERE, answers=[messages[-1]["content"]], messages=list(messages), tools=tools)


def back(target, example):
    """Write an example, through JSON, and read it again."""
    rows, losses = records(target, example)
    reader = GROUP.get(READS.get(target, target))(path="x")
    plain = [json.loads(json.dumps(row)) for row in rows]
    return [one for row in plain for one in reader.examples(row, HERE)], losses


# Words that no template claims, without outer whitespace, which formats of columns take off.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="<[#:")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
SYSTEMS = st.lists(TEXTS.map(lambda text: said("system", text)), max_size=1)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3)
CALLS = st.dictionaries(TEXTS, st.none() | st.integers() | TEXTS, max_size=2)
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


@st.composite
def chats(draw, called=False):
    messages = list(draw(SYSTEMS))
    for asked, answered in draw(PAIRS):
        messages.append(said("user", asked))
        if called and draw(st.booleans()):
            function = {"name": "f", "arguments": draw(CALLS)}
            call = {"type": "function", "function": function}
            messages.append(said("assistant", "", tool_calls=[call]))
            messages.append(said("tool", draw(TEXTS)))
        messages.append(said("assistant", answered))
    return chat(*messages, tools=TOOLS if called and draw(st.booleans()) else None)


EXACT = settings(max_examples=60, deadline=None, derandomize=True)


@EXACT
@given(example=chats(called=True))
@pytest.mark.parametrize("target", ["messages", "sharegpt"])
def test_conversations_with_tools_come_back_as_they_were(target, example):
    assert back(target, example) == ([example], [])


@EXACT
@given(example=chats(called=True))
def test_gemini_comes_back_with_the_names_of_results(example):
    [found], losses = back("gemini", example)
    for message in found.messages:
        if message["role"] == "tool":
            assert message.pop("name") == "f"
    assert (found, losses) == (example, [])


@EXACT
@given(example=chats())
@pytest.mark.parametrize("target", ["alpaca", "chatml", "gemini"])
def test_conversations_of_words_come_back_as_they_were(target, example):
    assert back(target, example) == ([example], [])


@EXACT
@given(system=SYSTEMS, asked=TEXTS, answer=TEXTS)
@pytest.mark.parametrize("target", sorted(set(WRITERS) - {"text", "preference", "kto"}))
def test_one_exchange_comes_back_from_every_format(target, system, asked, answer):
    example = chat(*system, said("user", asked), said("assistant", answer))
    assert back(target, example) == ([example], [])


@EXACT
@given(text=TEXTS)
def test_plain_text_comes_back_as_it_was(text):
    example = Text(where=HERE, text=text)
    assert back("text", example) == ([example], [])


@EXACT
@given(system=SYSTEMS, asked=TEXTS, chosen=TEXTS, rejected=TEXTS)
def test_pairs_come_back_as_they_were(system, asked, chosen, rejected):
    if chosen == rejected:
        return
    example = Preference(where=HERE, answers=[chosen], messages=[*system, said("user", asked)],
                         chosen=[said("assistant", chosen)],
                         rejected=[said("assistant", rejected)])  # fmt: skip
    assert back("preference", example) == ([example], [])


@EXACT
@given(example=chats(called=True), label=st.booleans())
def test_ratings_come_back_as_they_were(example, label):
    rated = Rated(where=HERE, answers=example.answers, messages=example.messages,
                  tools=example.tools, label=label)  # fmt: skip
    assert back("kto", rated) == ([rated], [])


PAIR = Preference(where=HERE, answers=["a"], messages=[said("user", "q")],
                  chosen=[said("assistant", "a")], rejected=[said("assistant", "b")])  # fmt: skip
LONG = chat(said("user", "q"), said("assistant", "a"), said("user", "r"), said("assistant", "b"))
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"x": "é"}}}
CALLED = chat(said("user", "q"), said("assistant", "", tool_calls=[CALL]),
              said("tool", "1", tool_call_id="1"), said("assistant", "a"), tools=TOOLS)  # fmt: skip
BAD = Rated(where=HERE, messages=LONG.messages[:2], label=False)


def test_arguments_of_calls_are_written_as_json_text():
    [row], _ = records("messages", CALLED)
    assert row["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"x": "é"}'


def test_columns_of_two_hold_one_row_an_answer_and_say_what_is_lost():
    rows, losses = records("question_answer", LONG)
    assert rows == [{"question": "q", "answer": "a"}, {"question": "r", "answer": "b"}]
    assert losses == ["turns before later questions; each answer is a row of its own"]


def test_several_answers_are_written_as_a_list():
    example = Chat(where=HERE, answers=["a", "b"], messages=LONG.messages[:2])
    assert records("question_answer", example)[0] == [{"question": "q", "answer": ["a", "b"]}]


def test_messages_in_a_row_are_joined_where_a_format_wants_turns():
    example = chat(said("assistant", "hi"), said("user", "q", name="Ann"), said("user", "r"),
                   said("assistant", "a"))  # fmt: skip
    [row], losses = records("alpaca", example)
    assert (row["instruction"], row["output"]) == ("q\nr", "a")
    assert losses == ["names of senders", "answers before the first question",
                      "where messages of one side end; they are joined by a newline"]  # fmt: skip


def test_a_raw_prompt_stays_raw_in_columns_of_two():
    example = Completion(where=HERE, text="q:", completion=" a")
    assert records("prompt_completion", example) == ([{"prompt": "q:", "completion": " a"}], [])


def test_a_conversation_is_plain_text_with_names():
    example = chat(said("user", "q", name="Ann"), said("assistant", "a"))
    assert records("text", example)[0] == [{"text": "Ann: q\n\nAssistant: a"}]


def test_a_pair_is_two_ratings_and_its_chosen_answer_a_conversation():
    assert [row["label"] for row in records("kto", PAIR)[0]] == [True, False]
    rows, losses = records("messages", PAIR)
    assert rows[0]["messages"][-1]["content"] == "a"
    assert losses == ["rejected answers"]


@pytest.mark.parametrize(
    ("target", "example", "reason"),
    [
        ("alpaca", CALLED, "calls of tools cannot be written"),
        ("chatml", CALLED, "no one way to write a call"),
        ("text", CALLED, "calls of tools cannot be written as plain text"),
        ("messages", Text(where=HERE, text="t"), "plain text is no conversation"),
        ("messages", BAD, "rated bad"),
        ("preference", LONG, "no rejected answer"),
        ("kto", LONG, "nobody said whether"),
        ("alpaca", chat(said("assistant", "a")), "without a question before it"),
        ("chatml", chat(said("user", "<|im_end|>"), said("assistant", "a")), "marks of ChatML"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(target, example, reason):
    with pytest.raises(RowFault, match=reason):
        records(target, example)


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    def rows():
        yield {"text": "new"}
        raise RuntimeError("stopped")

    path = tmp_path / "x.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write(path, ["text"], rows())
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.tsv", "x.parquet", "x.jsonl.gz"])
def test_every_ending_is_read_back(tmp_path, name):
    from ftrecipe.data.files import data_files
    from ftrecipe.data.records import ENDINGS, read_file

    rows = [{"a": 'one\n"two", ü', "b": "x"}, {"a": "three", "b": "y"}]
    write(tmp_path / name, ["a", "b"], rows)
    [file] = data_files(tmp_path / name, ENDINGS)
    assert [record for _, record in read_file(file)] == rows


def test_half_a_surrogate_pair_is_written_as_its_escape(tmp_path):
    write(tmp_path / "x.jsonl", ["a"], [{"a": "\ud83d"}])
    assert (tmp_path / "x.jsonl").read_bytes() == b'{"a": "\\ud83d"}\n'
