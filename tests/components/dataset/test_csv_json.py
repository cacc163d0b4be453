"""Tables with JSON, nearly JSON or Python literals in their cells."""

import csv
from pathlib import Path

import pytest

from ftrecipe.components.dataset import Dataset
from ftrecipe.components.dataset.csv_json import CsvJson
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.example import Chat, RowFault
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.data.records.literals import container, flattened, looks_contained

MOVIES = Path(__file__).parents[4] / "shared/data/csv-python-literals/movies_metadata_1044.csv"
TURNS = "[{'role': 'user', 'content': \"it's?\"}, {'role': 'assistant', 'content': 'yes'}]"
SHAREGPT = '[{"from": "human", "value": "a?"}, {"from": "gpt", "value": "b"}]'


def table(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def read(dataset: Dataset) -> tuple[Reading, list[Chat]]:
    assert dataset.path
    reading = Reading(dataset.path)
    found = list(read_examples(dataset, reading, Cleaning.of([], None)))
    assert all(isinstance(example, Chat) for example in found)
    assert reading.rows == reading.used + reading.malformed
    return reading, [example for example in found if isinstance(example, Chat)]


def said(dataset: Dataset) -> list[list[str]]:
    return [[message["content"] for message in chat.messages] for chat in read(dataset)[1]]


@pytest.mark.parametrize(("column", "cell", "texts"), [
    ("messages", TURNS, ["it's?", "yes"]),
    ("conversations", SHAREGPT, ["a?", "b"]),
    ("messages", f'{{"messages": {SHAREGPT}, "id": 7}}', ["a?", "b"]),
    ("messages", SHAREGPT[:-1], ["a?", "b"]),
])  # fmt: skip
def test_a_column_of_messages_is_a_conversation(tmp_path, column, cell, texts):
    path = table(tmp_path / "x.csv", ["id", column], [1, cell])
    assert said(CsvJson(path=str(path))) == [texts]


def test_a_template_asks_with_lists_as_text_and_fields_by_name(tmp_path):
    path = table(tmp_path / "x.csv", ["title", "genres", "tags", "about"],
                 ["Heat", "[{'id': 80, 'name': 'Crime'}, {'id': 18, 'name': 'Drama'}]",
                  '["long", "loud"]', "{'lead': {'name': 'Al'}}"])  # fmt: skip
    dataset = CsvJson(path=str(path), template="{title}: {genres.name} ({tags})",
                      columns={"answer": "about.lead.name"})  # fmt: skip
    assert said(dataset) == [["Heat: Crime, Drama (long, loud)", "Al"]]
    dataset = CsvJson(path=str(path), columns={"question": "title", "answer": "genres"})
    assert said(dataset) == [["Heat", '[{"id": 80, "name": "Crime"}, {"id": 18, "name": "Drama"}]']]


def test_a_cell_that_is_not_used_may_be_broken(tmp_path):
    path = table(tmp_path / "x.csv", ["question", "answer", "rest"], ["a?", "b", '{"cut": "of'])
    assert said(CsvJson(path=str(path))) == [["a?", "b"]]


def test_a_cell_that_cannot_be_read_makes_its_row_malformed(tmp_path):
    path = table(tmp_path / "x.csv", ["question", "answer"], ["a?", '["one", "cut of'],
                 ["b?", "[]"], ["c?", "['x', 'y']"], ["d?", "[Laughs] fine"])  # fmt: skip
    reading, chats = read(CsvJson(path=str(path)))
    assert [chat.messages[-1]["content"] for chat in chats] == ["x, y", "[Laughs] fine"]
    assert reading.malformed == 2
    assert reading.first
    assert reading.first["line"] == 2
    assert 'column "answer": neither JSON nor Python literals' in reading.first["reason"]
    assert reading.notes == ['column "answer" was read as Python literals (1 rows)']


def test_a_column_that_is_nowhere_is_named(tmp_path):
    path = table(tmp_path / "x.csv", ["question", "answer"], ["a?", "{'x': 1}"])
    reading, _ = read(CsvJson(path=str(path), columns={"answer": "reply.y"}))
    assert (
        "no column 'reply.y' (dataset.columns.answer); columns: question, answer"
        in reading.shown[0]
    )


def test_only_a_table_with_messages_in_its_cells_fits():
    assert CsvJson.fits({"messages": TURNS})
    assert not CsvJson.fits({"messages": [{"role": "user", "content": "a"}]})
    assert not CsvJson.fits({"question": "[1, 2]", "answer": "b"})


@pytest.mark.parametrize(("text", "value", "how"), [
    ('{"a": [1, null]}', {"a": [1, None]}, "JSON"),
    ("{'a': (1, None), 2: True}", {"a": [1, None], "2": True}, "Python literals"),
    ('{"a": true, }', {"a": True}, "mended JSON"),
    ("['a', 'b'", ["a", "b"], "mended JSON"),
    ("['a' 'b']", ["a", "b"], "mended JSON"),
    ("{'a': 'it's', 'b': 1}", {"a": "it's", "b": 1}, "mended JSON"),
    ('{“a”: “b”}', {"a": "b"}, "mended JSON"),
    ('{"a": "two\nlines"}', {"a": "two\nlines"}, "mended JSON"),
])  # fmt: skip
def test_a_cell_is_read_as_json_literals_or_what_is_clear(text, value, how):
    assert container(text) == (value, how)


@pytest.mark.parametrize("text", [
    '["cut of', "[1, 2", '["a": "b"]', '{"a": 1, "b"}', '{"a": 1}}', '["a"] and more',
    "['don't', 'can't']", "{'a': b'x'}", "[" * 2000, '{"a": "x" /* note */}',
])  # fmt: skip
def test_what_may_mean_several_things_is_refused(text):
    with pytest.raises(RowFault):
        container(text)


@pytest.mark.parametrize("text", ["[Laughs] well", "{name} said", "[", "(1, 2)", "text [1]", ""])
def test_a_sentence_is_no_list(text):
    assert not looks_contained(text)


def test_fields_that_are_missing_in_some_objects_are_left_out():
    flat = flattened({"g": [{"n": "a"}, {"m": 1}, {"n": "b", "m": None}]})
    assert (flat["g.n"], flat["g.m"]) == ("a, b", "1")


@pytest.mark.skipif(not MOVIES.is_file(), reason="the real table is not here")
def test_the_literals_of_a_real_table_are_read():
    asked = CsvJson(path=str(MOVIES), template="{title} ({spoken_languages.name})",
                    columns={"answer": "genres.name"}, max_malformed=50)  # fmt: skip
    reading, chats = read(asked)
    assert reading.rows == 1044
    assert [m["content"] for m in chats[0].messages] == [
        "Toy Story (English)",
        "Animation, Comedy, Family",
    ]
    assert set(reading.reasons) <= {"no answer"}
    assert len(chats) > 1000


def test_columns_that_another_tokenizer_left_are_dropped_and_said(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"question": "a?", "answer": "b", "input_ids": [1, 2], "labels": [3]}\n' * 2)
    reading, _ = read(QuestionAnswer(path=str(path)))
    assert reading.used == 2
    assert reading.notes == ["columns that another tokenizer left are not used: input_ids, labels"]


def test_the_encoding_may_be_said_and_a_wrong_name_is_a_fault(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("question,answer\nа?,б\n".encode("cp866"))
    dataset = QuestionAnswer(path=str(path), encoding="cp866")
    assert said(dataset) == [["а?", "б"]]
    assert dataset.faults() == []
    [fault] = QuestionAnswer(path=str(path), encoding="cp86").faults()
    assert "dataset.encoding=cp86: no encoding of this name; did you mean cp866?" in fault
