"""Each format: what its rows become, the column names it knows, and its faults."""

import importlib
import json
import pkgutil

import pytest

import ftrecipe.components.dataset as package
from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.sniff import recognize
from ftrecipe.data.example import Chat, Completion, Preference, RowFault, Text, Where
from ftrecipe.data.split import Split, SplitBy
from ftrecipe.errors import DataError

for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"{package.__name__}.{module.name}")

HERE = Where("x", "line", 1)


def examples(name, record, **settings):
    return GROUP.get(name)(path="x", **settings).examples(record, HERE)


def turns(example):
    assert isinstance(example, Chat)
    return [(message["role"], message["content"]) for message in example.messages]


def only(name, record, **settings):
    [example] = examples(name, record, **settings)
    return turns(example)


def said(role, content):
    return {"role": role, "content": content}


ASKED = [("user", "q"), ("assistant", "a")]


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("alpaca", {"instruction": "q", "input": "", "output": "a"}),
        ("alpaca", {"instruction": "q", "response": " a\n"}),
        ("alpaca", {"Instruction": "q", "input": None, "Output": "a"}),
        ("prompt_completion", {"prompt": "q", "completion": " a"}),
        ("prompt_completion", {"prompt": "q", "response": "a"}),
        ("question_answer", {"question": "q", "answer": "a"}),
        ("question_answer", {"Question": "q", " Answer ": "a"}),
        ("messages", {"messages": [said("user", "q"), said("assistant", "a")]}),
        (
            "messages",
            {"messages": [said("user", [{"type": "text", "text": "q"}]), said("assistant", "a")]},
        ),
        (
            "sharegpt",
            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        ),
    ],
)
def test_a_question_and_its_answer_become_a_conversation(name, record):
    assert only(name, record) == ASKED


def test_alpaca_puts_the_input_below_the_instruction():
    record = {"instruction": "add", "input": "1, 2", "output": "3"}
    assert only("alpaca", record)[0] == ("user", "add\n\n1, 2")


def test_alpaca_reads_a_system_column():
    record = {"instruction": "q", "output": "a", "system": "be kind"}
    assert only("alpaca", record) == [("system", "be kind"), *ASKED]


def test_the_configured_system_prompt_comes_first():
    assert only("question_answer", {"question": "q", "answer": "a"}, system="be kind") == [
        ("system", "be kind"),
        *ASKED,
    ]


def test_a_rows_own_system_prompt_is_kept():
    own = {"messages": [{"role": "system", "content": "mine"}, {"role": "user", "content": "q"},
                        {"role": "assistant", "content": "a"}]}  # fmt: skip
    assert only("messages", own, system="be kind")[0] == ("system", "mine")


def test_a_rows_own_system_prompt_may_be_a_list_of_texts():
    said = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    record = {"system": [{"text": "Be "}, {"text": "brief."}], "messages": said}
    assert only("messages", record)[0] == ("system", "Be brief.")


def test_a_template_forms_the_question():
    record = {"topic": "cats", "n": 3, "answer": "a"}
    asked = only("question_answer", record, template="Say {n} things on {topic} {{now}}")
    assert asked == [("user", "Say 3 things on cats {now}"), ("assistant", "a")]


def test_a_template_with_an_unknown_hole_names_the_columns():
    with pytest.raises(RowFault, match=r"asks for \{topics\}; columns: topic, answer"):
        only("question_answer", {"topic": "x", "answer": "a"}, template="{topics}")


def test_columns_are_mapped_by_configuration():
    record = {"q": "q", "a": "a", "answer": "not this"}
    assert only("question_answer", record, columns={"question": "q", "answer": "a"}) == ASKED


def test_a_mapping_to_a_missing_column_names_those_present():
    with pytest.raises(RowFault, match=r"no column 'b' \(dataset.columns.answer\); columns: q, a"):
        only("question_answer", {"q": "q", "a": "a"}, columns={"question": "q", "answer": "b"})


def test_a_missing_column_names_those_present_and_the_override():
    with pytest.raises(RowFault) as fault:
        only("question_answer", {"question": "q", "said": "a"})
    assert str(fault.value) == (
        "no column for 'answer'; columns: question, said; set dataset.columns.answer=<column>"
    )


@pytest.mark.parametrize("empty", ["", "  ", None, []])
def test_a_row_without_an_answer_is_a_fault(empty):
    with pytest.raises(RowFault, match=r'^no answer in column "answer"$'):
        only("question_answer", {"question": "q", "answer": empty})


def test_several_answers_are_all_accepted_and_the_first_is_trained_on():
    [example] = examples("question_answer", {"question": "q", "answers": ["a", "b"]})
    assert turns(example) == ASKED
    assert example.answers == ["a", "b"]


def test_squad_answers_are_understood():
    record = {"question": "q", "answers": {"text": ["a", "b"], "answer_start": [1, 2]}}
    assert examples("question_answer", record)[0].answers == ["a", "b"]


def test_each_wording_of_a_question_is_an_example():
    for questions in (["q", "Q2"], [["q", "Q2"]]):
        found = examples("question_answer", {"questions": questions, "answer": "a"})
        assert [turns(example)[0][1] for example in found] == ["q", "Q2"]


def test_a_cell_that_holds_a_list_is_not_text():
    with pytest.raises(RowFault, match='column "output" holds a list, not text'):
        only("alpaca", {"instruction": "q", "output": ["a"]})


def test_half_a_surrogate_pair_is_a_fault():
    with pytest.raises(RowFault, match="half of a surrogate pair"):
        only("alpaca", json.loads('{"instruction": "q", "output": "\\ud83d"}'))


def test_prompt_completion_can_be_raw():
    [example] = examples("prompt_completion", {"prompt": "q:", "completion": " a"}, chat=False)
    assert example == Completion(where=HERE, answers=["a"], text="q:", completion=" a")


def test_a_raw_prompt_leaves_its_last_space_to_the_completion():
    [example] = examples("prompt_completion", {"prompt": "q: ", "completion": "a"}, chat=False)
    assert isinstance(example, Completion)
    assert (example.text, example.completion) == ("q:", " a")


def test_what_a_format_produces_follows_its_settings():
    cls = GROUP.get("prompt_completion")
    assert (cls().produces(), cls(chat=False).produces()) == ("chat", "completion")


def test_text_is_kept_as_it_is():
    [example] = examples("text", {"text": " one\n"})
    assert example == Text(where=HERE, text=" one\n")


def test_messages_keep_tools_and_calls():
    call = {"type": "function", "function": {"name": "f", "arguments": {}}}
    record = {
        "messages": [
            {"role": "user", "content": "q", "name": None},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "1", "tool_call_id": "x"},
            {"role": "assistant", "content": "a"},
        ],
        "tools": json.dumps([{"name": "f"}]),
    }
    [example] = examples("messages", record)
    assert isinstance(example, Chat)
    assert example.messages[1] == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert example.messages[2]["tool_call_id"] == "x"
    assert example.tools == [{"type": "function", "function": {"name": "f"}}]
    assert "name" not in example.messages[0]


@pytest.mark.parametrize("calls", ["f", ["f"], [{"function": "f"}], [{}], {"name": "f"}])
def test_tool_calls_without_a_function_are_a_fault(calls):
    with pytest.raises(RowFault, match="tool_calls is not a list of calls"):
        only("messages", {"messages": [{"role": "assistant", "content": "", "tool_calls": calls}]})


def test_what_comes_after_the_last_answer_is_cut():
    record = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"},
                                {"from": "human", "value": "thanks"}]}  # fmt: skip
    assert only("sharegpt", record) == ASKED


def test_a_conversation_without_an_answer_names_its_roles():
    with pytest.raises(RowFault, match=r"no message of the role assistant \(roles: user\)"):
        only("messages", {"messages": [{"role": "user", "content": "q"}]})


def test_an_unknown_role_is_a_fault_with_the_nearest():
    with pytest.raises(RowFault, match="'assistent'; did you mean assistant"):
        only("messages", {"messages": [{"role": "assistent", "content": "q"}]})


def test_an_empty_answer_in_a_conversation_is_a_fault():
    record = {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": ""}]}
    with pytest.raises(RowFault, match="an answer of the assistant is empty"):
        only("sharegpt", record)


def test_sharegpt_function_calls_become_tool_calls():
    record = {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
            {"from": "observation", "value": "1"},
            {"from": "gpt", "value": "a"},
        ],
        "tools": "[]",
    }
    [example] = examples("sharegpt", record)
    assert isinstance(example, Chat)
    assert [message["role"] for message in example.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert example.messages[1]["tool_calls"][0]["function"]["name"] == "f"


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("alpaca", {"instruction": "q", "input": "", "output": "a"}),
        ("messages", {"messages": [{"role": "user", "content": "q"}]}),
        ("messages", {"conversations": [{"role": "user", "content": "q"}]}),
        ("sharegpt", {"id": 1, "conversations": [{"from": "human", "value": "q"}]}),
        ("prompt_completion", {"prompt": "q", "completion": "a"}),
        ("question_answer", {"Question": "q", "Answer": "a", "source": "x"}),
        ("text", {"text": "t", "url": "u"}),
    ],
)
def test_a_files_format_is_known_by_its_content(tmp_path, name, record):
    path = tmp_path / "x.jsonl"
    path.write_text(f"{json.dumps(record)}\n" * 3 + "broken\n")
    assert recognize(path).name == name


def test_a_txt_file_is_text(tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    assert recognize(tmp_path / "x.txt").name == "text"


def test_two_formats_that_fit_are_both_named(tmp_path):
    (tmp_path / "x.csv").write_text("instruction,question,answer\n1,2,3\n")
    with pytest.raises(DataError, match=r"x.csv fits alpaca and question_answer; add dataset="):
        recognize(tmp_path / "x.csv")


@pytest.mark.parametrize("record", [{"a": 1}, {"role": "user", "content": "q"}])
def test_a_file_that_fits_nothing_names_its_columns(tmp_path, record):
    (tmp_path / "x.jsonl").write_text(json.dumps(record))
    with pytest.raises(DataError, match=rf"fits none of .*columns: {', '.join(record)}\)"):
        recognize(tmp_path / "x.jsonl")


def test_a_table_of_two_texts_is_answered_with_the_whole_command(tmp_path):
    (tmp_path / "a b.csv").write_text("Foo Bar,Baz\nwho is it,it is she\nand who,he\n")
    with pytest.raises(DataError) as error:
        recognize(tmp_path / "a b.csv")
    assert str(error.value).endswith(
        f"write dataset=question_answer 'dataset.path={tmp_path}/a b.csv' "
        "'dataset.columns.question=Foo Bar' dataset.columns.answer=Baz"
    )


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ("Frage,Antwort", "question_answer"),
        ("pregunta,respuesta", "question_answer"),
        ("question,réponse", "question_answer"),
        ("domanda,risposta", "question_answer"),
        ("Вопрос,Ответ", "question_answer"),
        ("问题,答案", "question_answer"),
        ("質問,回答", "question_answer"),
        ("prompt,Antwort", "prompt_completion"),
        ("输入,输出", "prompt_completion"),
    ],
)
def test_columns_of_other_languages_are_known(tmp_path, columns, name):
    (tmp_path / "x.csv").write_text(f"{columns}\nwhat,that\n", "utf-8")
    assert recognize(tmp_path / "x.csv").name == name
    record = dict(zip(columns.split(","), ("what", "that"), strict=True))
    assert only(name, record) == [("user", "what"), ("assistant", "that")]


def test_a_json_file_cut_off_is_told_with_its_place(tmp_path):
    (tmp_path / "x.json").write_text('[{"question": "a",\n "answ')
    with pytest.raises(DataError, match=r"x\.json row 1: broken JSON: .*line 2, column 2"):
        recognize(tmp_path / "x.json")


def test_two_outputs_of_an_instruction_are_the_better_and_the_worse(tmp_path):
    record = {"instruction": "do", "input": "it", "output": ["good", "bad"]}
    (tmp_path / "x.json").write_text(json.dumps([record]))
    assert recognize(tmp_path / "x.json").name == "preference"
    [pair] = examples("preference", record)
    assert isinstance(pair, Preference)
    assert pair.messages[0]["content"] == "do\n\nit"
    assert (pair.chosen[0]["content"], pair.rejected[0]["content"]) == ("good", "bad")


def test_chats_cannot_be_split_by_a_column_and_are_not_on_the_hub(tmp_path):
    (tmp_path / "chat.txt").write_text("15.01.24, 10:00 - Ann: hi\n")
    split = Split(by=SplitBy.group, column="user")
    [fault] = GROUP.get("whatsapp")(path=str(tmp_path / "chat.txt"), split=split).faults()
    assert fault == (
        "dataset.split.by=group: chats have no columns; conversations always stay together"
    )
    [fault] = GROUP.get("telegram")(path="org/name").faults()
    assert "org/name is no file here; telegram reads exported files" in fault


def test_all_faults_of_the_settings_are_told_at_once(tmp_path):
    (tmp_path / "faq.csv").write_text("")
    cls = GROUP.get("question_answer")
    columns = {"anser": "x"}
    faults = cls(path=str(tmp_path / "fag.csv"), columns=columns).faults()
    assert "did you mean faq.csv?" in faults[0]
    assert "dataset.columns.anser" in faults[1]
    assert "did you mean answer?" in faults[1]
    assert cls().faults() == ["dataset.path is not set; add dataset.path=<file or hub id>"]


def test_a_template_for_whole_messages_is_refused(tmp_path):
    faults = GROUP.get("messages")(path=str(tmp_path), template="{x}").faults()
    assert faults == ["dataset.template has no meaning for a format of whole messages"]


def test_every_format_has_a_yaml_that_composes_with_its_class():
    from pathlib import Path

    from omegaconf import OmegaConf

    conf = Path(__file__).parents[3] / "conf" / "dataset"
    for name, cls in GROUP.classes.items():
        lines = (conf / f"{name}.yaml").read_text().splitlines()
        assert lines[0].startswith("# ")
        assert len(lines) <= 15
        settings = OmegaConf.to_container(OmegaConf.load(conf / f"{name}.yaml"))
        assert isinstance(settings, dict)
        assert settings.pop("defaults") == [f"{name}_schema", "_self_"]
        built = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(cls), settings))
        assert built == cls()
