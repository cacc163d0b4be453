"""What the command line of a chat says that cannot be done is told before any model loads."""

import json
from pathlib import Path

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.talk.asked import Asked
from ftrecipe.verbs import chat as verb


@pytest.fixture
def run(here) -> RunDir:
    """A run as training leaves it, without its weights."""
    return made("first")


def made(name: str, *words: str, recipe: str = "recipe=quickstart") -> RunDir:
    made = plan.make(compose([recipe, "hardware=cpu", *words]))
    rundir = launch.create(made, Path("runs/quickstart") / name)
    write_json(rundir.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    rundir.adapter.mkdir()
    (rundir.adapter / "adapter_config.json").write_text("{}")
    return rundir


@pytest.fixture
def started(monkeypatch) -> list[Asked]:
    """What workers would have been asked."""
    seen: list[Asked] = []

    def start(asked: Asked) -> int:
        seen.append(Asked.of(asked.text()))
        return 0

    monkeypatch.setattr(verb, "_talk", start)
    return seen


def test_all_that_is_wrong_is_told_at_once(cli, run):
    said = cli("chat", str(run.path), "--with", "gguf", "--log", "no/where.jsonl",
               "temprature=1", "top_p=3", "context=7")  # fmt: skip
    assert said.code == 2
    assert len(said.faults) == 5
    assert "did you mean temperature" in said.err
    assert "top_p=3: should be a number above 0 to 1" in said.err
    assert "known: trained" in said.err
    assert not (run.path / "log.txt").exists()


def test_a_run_that_has_trained_nothing_is_told_how_to_go_on(cli, run):
    (run.adapter / "adapter_config.json").unlink()
    run.adapter.rmdir()
    said = cli("chat", str(run.path))
    assert said.code == 2
    assert "nothing is trained there yet" in said.err
    assert f"resume {run.path.absolute()}" in said.err


def test_an_unknown_flag_is_answered_with_the_one_that_was_meant(cli, run):
    assert "did you mean --compare?" in cli("chat", str(run.path), "--comapre", "base").err


def test_a_chat_needs_a_run(cli):
    assert "chat needs a run" in cli("chat").err


def test_a_base_that_is_gone_is_told(cli, run):
    boundary = read_json(run.run)
    boundary["config"]["model"]["path"] = "./gone"
    run.run.write_text(json.dumps(boundary))
    said = cli("chat", str(run.path))
    assert "model.path=./gone" in said.err
    assert "there is no such folder" in said.err


def test_a_log_of_another_kind_is_refused(cli, run, here):
    (here / "notes.jsonl").write_text('{"question": "a", "answer": "b"}\n')
    said = cli("chat", str(run.path), "--log", "notes.jsonl")
    assert said.code == 2
    assert "notes.jsonl line 1 is no row of a chat log" in said.err


def test_a_run_of_texts_has_no_log(cli, here):
    (here / "text.txt").write_text("One text.\n\nAnother.\n")
    run = made("texts", "dataset.path=text.txt", "eval=[]", recipe="dataset=text")
    assert "continues texts" in cli("chat", str(run.path), "--log", "log.jsonl").err


def test_a_run_is_not_compared_with_itself(cli, run):
    said = cli("chat", str(run.path), "--compare", str(run.path))
    assert "is the run itself" in said.err


def test_what_is_asked_of_the_worker_survives_its_command_line(cli, run, started, here):
    other = made("second")
    said = cli("chat", str(run.path), "--compare", str(other.path), "--log", "talk.jsonl",
               "--system", 'Say "no".', "temperature=0.5", "--ask=Why?", "--json")  # fmt: skip
    assert (said.code, said.err) == (0, "")
    (asked,) = started
    assert asked.other is not None
    assert (asked.tuned.name, asked.other.name) == ("tuned", "quickstart/second")
    assert asked.tuned.what is not None
    assert asked.tuned.what.path == run.adapter.absolute()
    assert asked.log == str(here / "talk.jsonl")
    assert (asked.system, asked.ask, asked.as_json) == ('Say "no".', "Why?", True)
    assert (asked.decoding.temperature, asked.decoding.max_new_tokens) == (0.5, 512)
    assert asked.context == 1024  # of the embedded model


def test_the_system_prompt_is_the_one_that_was_trained(cli, here, started):
    run = made("third", "dataset.system=Be brief.")
    cli("chat", str(run.path))
    assert started[0].system == "Be brief."


def test_help_tells_of_flags_and_settings(cli):
    said = cli("chat", "--help")
    assert all(word in said.out for word in ("--with", "--compare", "--log", "--ask", "top_p"))
