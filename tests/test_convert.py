"""The verb `convert`: any format from any other, counted, and never over a file that is there."""

import json

import pytest


@pytest.fixture
def data(here):
    rows = [{"instruction": f"q{n}", "input": "", "output": f"a{n}"} for n in range(3)]
    (here / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return here


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_file_is_written_and_counted(data, cli):
    said = cli("convert", "dataset=x.jsonl", "--to", "messages", "--out", "y.jsonl")
    assert said.code == 0
    assert said.out.splitlines() == [
        "read       3 rows of x.jsonl (alpaca)", "written    3 rows to y.jsonl (messages)"
    ]  # fmt: skip
    assert rows_of(data / "y.jsonl")[2]["messages"][1] == {"role": "assistant", "content": "a2"}


def test_there_and_back_is_the_same(data, cli):
    for source, target, out in (("x.jsonl", "sharegpt", "y.json"), ("y.json", "gemini", "z.jsonl"),
                                ("z.jsonl", "chatml", "c.txt"), ("c.txt", "alpaca", "e.csv"),
                                ("e.csv", "alpaca", "f.jsonl")):  # fmt: skip
        assert cli("convert", f"dataset={source}", "--to", target, "--out", out).code == 0
    assert rows_of(data / "f.jsonl") == rows_of(data / "x.jsonl")


def test_an_existing_file_is_kept_unless_forced(data, cli):
    words = ["convert", "dataset=x.jsonl", "--to", "messages", "--out", "x.jsonl"]
    before = (data / "x.jsonl").read_text()
    said = cli(*words)
    assert (said.code, (data / "x.jsonl").read_text()) == (2, before)
    assert "x.jsonl is there already; add --force" in said.err
    assert cli(*words, "--force").code == 0
    assert "messages" in rows_of(data / "x.jsonl")[0]


def test_malformed_rows_write_nothing_until_allowed(data, cli):
    with (data / "x.jsonl").open("a") as file:
        file.write('{"instruction": "q"}\n')
    words = ["convert", "dataset=x.jsonl", "--to", "text", "--out", "y.jsonl"]
    said = cli(*words)
    assert said.code == 2
    assert "x.jsonl line 4: no column for 'output'" in said.err
    assert not (data / "y.jsonl").exists()
    said = cli(*words, "dataset.max_malformed=1")
    assert said.code == 0
    assert "malformed  1 row" in said.out


def test_what_is_lost_and_what_does_not_fit_is_said(data, cli):
    call = {"function": {"name": "f", "arguments": "{}"}}
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = [{"messages": [*turns, *turns]},
            {"messages": [turns[0], {"role": "assistant", "tool_calls": [call]}]}]  # fmt: skip
    (data / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = cli("convert", "dataset=m.jsonl", "--to", "question_answer", "--out", "y.jsonl")
    assert said.out.splitlines()[1:] == [
        "not fit    1 example, the first m.jsonl line 2: calls of tools cannot be written as "
        "questions and answers",
        "lost       turns before later questions; each answer is a row of its own (1 example)",
        "written    2 rows to y.jsonl (question_answer)",
    ]


def test_a_target_that_nothing_fits_is_refused(data, cli):
    said = cli("convert", "dataset=x.jsonl", "--to", "preference", "--out", "y.jsonl")
    assert said.code == 2
    assert said.err == "error: nothing can be written as preference\n"
    assert "read       3 rows of x.jsonl" in said.out
    assert not (data / "y.jsonl").exists()


def test_a_wrong_column_is_told_once_and_nothing_is_said_of_leaving_all_rows_out(data, cli):
    said = cli("convert", "dataset=x.jsonl", "dataset.columns.output=outptu", "--to", "messages",
               "--out", "y.jsonl")  # fmt: skip
    assert said.code == 2
    assert said.err == (
        "error: x.jsonl: no column 'outptu' (dataset.columns.output); did you mean output? "
        "columns: instruction, input, output (all 3 rows)\n"
    )


def test_names_that_openai_refuses_are_mended_and_told_once(data, cli):
    turns = [{"role": "user", "content": "q", "name": "Ann B<x"}]
    rows = [{"messages": [*turns, {"role": "assistant", "content": "a"}]}] * 2
    (data / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = cli("convert", "dataset=m.jsonl", "--to", "messages", "--out", "y.jsonl")
    assert rows_of(data / "y.jsonl")[0]["messages"][0]["name"] == "Ann_B_x"
    assert said.out.count("in names, which OpenAI refuses; they are written as _ (2 examples)") == 1


def test_converting_needs_a_dataset(data, cli):
    said = cli("convert", "--to", "messages", "--out", "y.jsonl")
    assert (said.code, said.err) == (2, "error: dataset is missing; add dataset=FILE\n")


def test_a_path_alone_is_read_as_what_the_file_is(data, cli):
    said = cli("convert", "dataset.path=x.jsonl", "--to", "messages", "--out", "y.jsonl")
    assert said.code == 0
    assert "read       3 rows of x.jsonl (alpaca)" in said.out


def test_all_faults_of_the_flags_are_told(data, cli):
    said = cli("convert", "dataset=x.jsonl", "--to", "mesages", "--out", "y.docx")
    assert said.code == 2
    assert "did you mean messages?" in said.err
    assert "--out y.docx: cannot write that" in said.err
    assert "--to: what should it be?" in cli("convert", "dataset=x.jsonl", "--to").err
    assert "-to is not a flag here" in cli("convert", "-to", "x").err


def test_data_that_cannot_be_trained_on_can_be_converted(data, cli):
    (data / "p.jsonl").write_text(
        json.dumps({"prompt": "q", "chosen": "a", "rejected": "b"}) + "\n"
    )
    assert cli("convert", "dataset=p.jsonl", "--to", "kto", "--out", "k.parquet").code == 0
    said = cli("convert", "dataset=k.parquet", "--to", "messages", "--out", "y.jsonl")
    assert "an answer that was rated bad is none to learn from" in said.out
    assert [row["messages"][1]["content"] for row in rows_of(data / "y.jsonl")] == ["a"]


def test_all_sources_of_a_mix_are_written(data, cli):
    sources = "dataset.sources={a: {path: x.jsonl}, b: {path: x.jsonl, max_samples: 1}}"
    assert cli("convert", "dataset=mix", sources, "--to", "alpaca", "--out", "y.jsonl").code == 0
    assert [row["instruction"] for row in rows_of(data / "y.jsonl")] == ["q0", "q1", "q2", "q0"]


def test_converting_imports_nothing_heavy(data, process):
    words = ["convert", "dataset=x.jsonl", "--to", "messages", "--out", "y.jsonl"]
    look = (
        "import sys; from ftrecipe.__main__ import main; "
        f"assert main({words!r}) == 0; print(sorted(sys.modules))"
    )
    loaded = process("-c", look).stdout
    assert "ftrecipe.data.convert.written" in loaded
    assert not any(
        f"'{name}'" in loaded for name in ("torch", "transformers", "datasets", "pyarrow")
    )


def test_a_place_where_no_file_can_be_written_is_said(data, cli):
    (data / "folder").mkdir()
    for out, why in (("/proc/y.jsonl", "cannot be written"), ("folder", "is a folder")):
        said = cli("convert", "dataset=x.jsonl", "--to", "messages", "--out", out)
        assert (said.code, said.err.startswith(f"error: --out {out}: {why}")) == (2, True)
