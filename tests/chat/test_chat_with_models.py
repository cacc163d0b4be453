"""Chats with a real adapter on the embedded model, in this process."""

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from talking import Paper, asked, tuned_run

from ftrecipe.components.eval import Decoding
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir
from ftrecipe.stages.chat.answering import fitted
from ftrecipe.stages.chat.chat import Chat
from ftrecipe.stages.chat.commands import do
from ftrecipe.stages.chat.voices import Voice, voices
from ftrecipe.talk.asked import Asked

pytestmark = pytest.mark.slow

SHORT = Decoding(max_new_tokens=12)
HI = [{"role": "user", "content": "Where can I park?"}]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[RunDir]:
    folder = tmp_path_factory.mktemp("runs")
    return [tuned_run(folder, 1), tuned_run(folder, 2)]


def loaded(what: Asked, held: ExitStack) -> list[Voice]:
    return voices(what, Paper().screen(), held)


@pytest.fixture(scope="module")
def apart(runs) -> list[str]:
    """What each says that is loaded by itself: two tuned models, and their base."""
    texts = []
    for run in runs:
        with ExitStack() as held:
            (voice,) = loaded(asked(run), held)
            texts.append(said(voice))
    with ExitStack() as held:
        what = asked(runs[0])
        speaker = replace(what.tuned, what=None)
        (voice,) = loaded(replace(what, tuned=speaker), held)
        return [*texts, said(voice)]


def said(voice: Voice) -> str:
    return "".join(voice.stream(HI, SHORT))


def test_all_three_say_different_things(apart):
    assert len(set(apart)) == 3


def test_base_and_tune_share_weights_and_say_what_they_say_alone(runs, apart):
    with ExitStack() as held:
        tuned, base = loaded(asked(runs[0], "base"), held)
        assert tuned.engine is base.engine
        writing = [voice.stream(HI, SHORT) for voice in (tuned, base)]
        texts = ["", ""]
        for _ in range(12):  # a piece of one, a piece of the other
            for at, stream in enumerate(writing):
                texts[at] += next(stream, "")
        assert texts == [apart[0], apart[2]]


def test_two_runs_of_one_base_share_its_weights(runs, apart):
    with ExitStack() as held:
        first, second = loaded(asked(runs[0], runs[1]), held)
        assert first.engine.model is second.engine.model  # type: ignore[attr-defined]
        assert [said(second), said(first), said(second)] == [apart[1], apart[0], apart[1]]


@pytest.fixture(scope="module")
def voice(runs) -> Voice:
    return loaded(asked(runs[0]), ExitStack())[0]


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "log.jsonl"


def chat(runs, voice: Voice, paper: Paper, **more) -> Chat:
    return Chat(asked(runs[0], decoding=SHORT, **more), paper, [voice])


def questions(log: Path) -> list[list[str]]:
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return [[m["content"] for m in row["messages"] if m["role"] == "user"] for row in rows]


def test_every_turn_is_in_the_log_at_once_and_a_reset_begins_a_row(runs, voice, log):
    talk = chat(runs, voice, Paper(), log=str(log))
    talk.ask("One?")
    assert questions(log) == [["One?"]]
    talk.ask("Two?")
    do(talk, "/reset")
    talk.ask("Three?")
    assert questions(log) == [["One?", "Two?"], ["Three?"]]
    do(talk, "/undo")
    assert questions(log) == [["One?", "Two?"]]


def test_a_retry_takes_the_place_of_the_last_answer(runs, voice, log):
    talk = chat(runs, voice, Paper(), log=str(log))
    do(talk, "/set temperature 5")
    talk.ask("One?")
    before = talk.last.text
    do(talk, "/retry")
    assert talk.last.text != before
    (row,) = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [m["content"] for m in row["messages"]] == ["One?", talk.last.text]


def test_an_answer_at_temperature_0_is_the_same_again(runs, voice):
    talk, paper = chat(runs, voice, paper := Paper()), paper
    talk.ask("One?")
    do(talk, "/reset")
    talk.ask("One?")
    first, second = paper.said.split("\n\n")
    assert first == second


def test_the_oldest_turns_are_left_out_with_a_word(runs, voice):
    paper = Paper()
    talk = chat(runs, voice, paper, context=96)
    for at in range(5):
        talk.ask(f"Question number {at}, of some length?")
    assert "no longer fit into the 96 tokens" in paper.notices.getvalue()
    assert len(talk.said.turns) == 5


def test_a_short_answer_needs_no_more_room_than_it_may_take(runs, voice):
    question = "Where can I park?"
    said = chat(runs, voice, Paper()).said
    room = voice.length(said.messages(voice.name, question)) + SHORT.max_new_tokens
    assert fitted(voice, said, question, SHORT, room).decoding == SHORT
    with pytest.raises(ConfigError, match="ask something shorter"):
        fitted(voice, said, question, SHORT, room - 1)


def test_a_question_that_is_too_long_is_told_and_not_kept(runs, voice):
    talk = chat(runs, voice, Paper(), context=96)
    with pytest.raises(ConfigError, match="ask something shorter"):
        talk.ask("word " * 200)
    assert talk.said.turns == []


def test_ctrl_c_stops_the_answer_and_not_the_chat(runs, voice, log):
    seen: list[str] = []

    def stop(text: str) -> None:
        seen.append(text)
        if len(seen) == 3:
            signal.raise_signal(signal.SIGINT)

    paper = Paper(after=stop)
    talk = chat(runs, voice, paper, log=str(log))
    talk.decoding = replace(SHORT, max_new_tokens=400, temperature=5.0)
    talk.ask("Tell me all.")
    assert "stopped" in paper.notices.getvalue()
    assert 0 < voice.tokens(talk.last.text) < 50
    (row,) = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert row["messages"][1]["rating"] == "down"  # nothing to learn from
    talk.ask("And now?")
    assert len(talk.said.turns) == 2


def test_a_system_prompt_begins_another_conversation(runs, voice, log):
    talk = chat(runs, voice, Paper(), log=str(log), system="Be kind.")
    talk.ask("One?")
    do(talk, "/system Be brief.")
    talk.ask("One?")
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [row["system"] for row in rows] == ["Be kind.", "Be brief."]


def test_a_question_is_older_than_its_answer(runs, voice):
    slow = Paper(after=lambda text: time.sleep(0.1))  # the log tells seconds
    talk = chat(runs, voice, slow)
    talk.ask("One?")
    (turn,) = talk.said.turns
    assert turn.time < talk.last.time


def test_a_model_of_texts_continues_what_is_typed(runs, voice):
    written: list[str] = []
    paper = Paper(after=written.append)
    chat(runs, voice, paper, raw=True).ask("Once upon a time")
    ids = voice.engine.tokenized("Once upon a time")
    assert paper.said == voice.engine.generate([ids], SHORT)[0].text
    assert len(written) > 3  # piece by piece


def test_a_text_that_is_too_long_to_continue_is_told(runs, voice):
    with pytest.raises(ConfigError, match="ask something shorter"):
        chat(runs, voice, Paper(), raw=True, context=96).ask("word " * 200)
