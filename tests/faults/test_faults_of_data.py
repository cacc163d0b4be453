"""Faults of data files: told with file and line, before torch is imported or a folder made."""

import json
from pathlib import Path

import pytest
from commanding import FILE_SECONDS, WORKER_SECONDS, leftovers, rows
from conftest import Run

pytestmark = pytest.mark.slow

COLUMNS = ["question", *(f"c{n}" for n in range(199))]
NO_ANSWER = ",".join(COLUMNS) + "\n" + (",".join(["why?"] * 200) + "\n") * 9
BROKEN = rows(600, at_500='{"question": "what?", "answer": ')


@pytest.mark.parametrize(
    ("name", "text", "words", "told"),
    [
        ("gone.jsonl", None, [], ["gone.jsonl does not exist"]),
        ("empty.jsonl", "", [], ["empty.jsonl is empty"]),
        ("empty.csv", "", [], ["empty.csv is empty"]),
        ("x.jsonl", BROKEN, [], ["x.jsonl line 500: broken JSON", "dataset.max_malformed=1"]),
        (
            "x.csv",
            NO_ANSWER,
            ["dataset=question_answer", "dataset.path=x.csv"],
            ["no column for 'answer'", "question, c0, c1", "dataset.columns.answer=<column>"],
        ),
        (
            "x.jsonl",
            rows(60, at_30='{"question": "what?"}'),
            [],
            ["x.jsonl line 30: no column for 'answer'", "dataset.max_malformed=1"],
        ),
        (
            "x.jsonl",
            rows(60, at_30='{"question": "what?", "answer": " "}'),
            [],
            ['x.jsonl line 30: no answer in column "answer"'],
        ),
    ],
    ids=["missing_file", "empty_jsonl", "empty_csv", "broken_json_on_line_500",
         "no_answer_among_200_columns", "missing_answer_field", "empty_answer"],
)  # fmt: skip
def test_a_fault_of_a_data_file_is_refused_with_its_place(
    name: str, text: str | None, words: list[str], told: list[str], run: Run, work: Path
) -> None:
    if text is not None:
        (work / name).write_text(text)
    run("run", *(words or [f"dataset={name}"])).refused(*told, seconds=FILE_SECONDS)
    assert leftovers(work) == []


def test_a_table_of_ten_thousand_columns_is_planned_in_time(run: Run, work: Path) -> None:
    columns = ["question", "answer", *(f"c{n}" for n in range(9_998))]
    lines = [",".join([f"why {n}?", f"since {n}", *["x"] * 9_998]) for n in range(40)]
    (work / "wide.csv").write_text("\n".join([",".join(columns), *lines]))
    said = run("plan", "dataset=wide.csv")
    assert said.code == 0, said.err
    assert "36 training rows" in said.out
    assert said.seconds < FILE_SECONDS
    assert said.peak < 400 * 2**20


def test_ten_thousand_columns_none_of_which_is_known_are_not_all_printed(
    run: Run, work: Path
) -> None:
    columns = ",".join(f"c{n}" for n in range(10_000))
    (work / "wide.csv").write_text(f"{columns}\n{columns}\n")
    said = run("run", "dataset=wide.csv")
    said.refused("fits none of the formats", "and 9976 more", seconds=FILE_SECONDS)
    assert len(said.err) < 2_000


def test_a_line_of_200_mb_is_refused_within_memory_and_time(run: Run, work: Path) -> None:
    with (work / "huge.jsonl").open("w") as file:
        file.write('{"question": "what?", "answer": "')
        for _ in range(200):
            file.write("word " * (2**20 // 5))
        file.write('"}\n')
    said = run("run", "dataset=huge.jsonl")
    (work / "huge.jsonl").unlink()
    said.refused("huge.jsonl row 1: is 209,", "a row may have 16,777,216", seconds=FILE_SECONDS)
    assert said.peak < 900 * 2**20
    assert leftovers(work) == []


def test_an_answer_longer_than_max_length_is_refused_before_weights_are_loaded(
    run: Run, work: Path
) -> None:
    answer = json.dumps({"question": "what?", "answer": "word " * 3_000})
    (work / "long.jsonl").write_text(rows(60, at_30=answer))
    said = run("run", "dataset=long.jsonl")
    said.refused(
        "1 of 60 rows are longer than the 1,024 tokens", "long.jsonl line 30 (3,0",
        "dataset.on_overlong=drop", "data/report.html", seconds=WORKER_SECONDS,
    )  # fmt: skip
    kept = leftovers(work)
    assert [name for name in kept if name.endswith(("data/report.html", "data/report.json"))]
    assert not [name for name in kept if "metrics.json" in name]
