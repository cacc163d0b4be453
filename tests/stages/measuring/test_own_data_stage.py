"""Data that suites bring: prepared beside the run's, told about, and found again."""

import json
from pathlib import Path
from typing import Any

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError, DataError
from ftrecipe.rundir import read_json
from ftrecipe.stages.measuring import own_data
from ftrecipe.stages.measuring.measure import baseline_key
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.session import Session


class Paper:
    """A screen that remembers what it was told."""

    is_terminal = False

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def progress(self, label: str, total: int | None) -> Any:
        return self

    def __enter__(self) -> "Paper":
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, n: int = 1) -> None: ...


def session(*words: str) -> Any:
    made = plan.make(compose(["+recipe=quickstart", "runs_dir=runs", *words]))
    return Session.open(launch.create(made), Paper())  # type: ignore[arg-type]


def write(name: str, *questions: str) -> str:
    rows = [{"question": text, "answer": "It is so."} for text in questions]
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return name


QA = ("eval=[qa,perplexity]",)


@pytest.fixture
def prepared(here):
    def made(*words: str) -> Any:
        found = session(*QA, *words)
        prepare(found)
        return found

    return made


def test_each_suite_is_asked_about_its_own_data(prepared):
    here = prepared(f"eval.qa.path={write('own.jsonl', 'is it so?', 'really?')}")
    own = own_data.data_of(here, "qa")
    assert [example.question for example in own.examples("validation")] == ["is it so?", "really?"]
    assert own_data.data_of(here, "perplexity") is here.prepared
    assert list(own_data.own_data(here, here.run.eval)) == ["qa"]
    assert "measured  qa: 2 examples of own.jsonl" in here.screen.said


def test_a_baseline_is_void_when_the_suites_own_file_changes(prepared):
    keys = set()
    for questions in (("one?",), ("one?", "two?")):
        here = prepared(f"eval.qa.path={write('own.jsonl', *questions)}")
        data = own_data.data_of(here, "qa").fingerprint
        keys.add(baseline_key("model", data, here.run.eval["qa"]))
        assert read_json(here.dir.prepared)["fingerprint"][:16] == here.prepared.fingerprint
    assert len(keys) == 2


def test_the_runs_own_data_stays_in_the_cache_when_a_suites_file_changes(prepared):
    first = prepared(f"eval.qa.path={write('own.jsonl', 'one?')}")
    second = prepared(f"eval.qa.path={write('own.jsonl', 'two?')}")
    assert first.prepared == second.prepared


def test_a_suites_file_is_part_of_the_lock(prepared):
    here = prepared(f"eval.qa.path={write('own.jsonl', 'one?')}")
    files = {one["key"]: one for one in read_json(here.dir.lock_json)["data"]["files"]}
    assert len(files["eval.qa.path"]["sha256"]) == 64


def test_questions_of_a_suites_file_that_were_trained_on_are_told(prepared):
    asked = write("own.jsonl", "When does the museum open?", "Is it so?")
    here = prepared(f"eval.qa.path={asked}")
    [said] = [text for text in here.screen.warned if "can be seen in training" in text]
    assert said.startswith("eval.qa: 1 question of own.jsonl")


def test_all_that_is_wrong_with_suites_files_is_told_at_once(here):
    Path("text.txt").write_text("A line.\nAnother line.\n", "utf-8")
    Path("bad.jsonl").write_text(
        '{"question": "a?", "answer": "b"}\n' * 3 + '{"question": "a?"}\n', "utf-8"
    )
    with pytest.raises(ConfigError) as error:  # already by the plan
        session(*QA, "eval.qa.path=text.txt", "eval.perplexity.path=bad.jsonl")
    faults = [fault.partition(":")[0] for fault in error.value.faults]
    assert faults[0] == "eval.qa.path"
    assert "eval.perplexity.path" in faults
    assert "has no questions with answers" in error.value.faults[0]


def test_rows_that_are_too_long_are_told_with_the_suites_key(here):
    write("own.jsonl", " ".join(["very"] * 2000))
    with pytest.raises(DataError, match=r"eval\.qa\.path: 1 of 1 rows are longer than"):
        prepare(session(*QA, "eval.qa.path=own.jsonl"))


def test_what_was_prepared_of_a_file_that_is_gone_is_used(prepared):
    here = prepared(f"eval.qa.path={write('own.jsonl', 'one?')}")
    Path("own.jsonl").unlink()
    again = Session.open(here.dir, Paper())  # type: ignore[arg-type]
    prepare(again)
    assert len(own_data.data_of(again, "qa").examples("test")) == 1


def test_prompts_are_prepared_without_an_answer(here):
    found = session("eval=[prompts]", "eval.prompts.prompts=[hello]", "dataset.system=Be kind.")
    prepare(found)
    [example] = own_data.data_of(found, "prompts").examples("test")
    assert example.open
    assert example.messages[0] == {"role": "system", "content": "Be kind."}
    assert "measured  prompts: 1 example of eval.prompts" in found.screen.said


def test_a_prompt_that_is_longer_than_the_model_takes_is_refused(here):
    Path("p.txt").write_text("short\n" + "long " * 3000, "utf-8")
    found = session("eval=[prompts]", "eval.prompts.path=p.txt")
    with pytest.raises(DataError, match=r"p\.txt line 2: has .* tokens, and 1,024 are taken"):
        prepare(found)
