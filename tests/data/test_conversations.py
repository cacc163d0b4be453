"""A chat's entries become conversations: merged, cut at silences, with somebody who is learned."""

import datetime

import pytest

from ftrecipe.data.conversations import Shape, Turn, answered, chats, conversations
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import Chat, Where

NOON = datetime.datetime(2026, 1, 1, 12)
HOURS_6 = datetime.timedelta(hours=6)


def say(sender: str | None, text: str, hours: float = 0, chat: str = "") -> Entry:
    time = NOON + datetime.timedelta(hours=hours)
    return Entry(Where("chat.txt", "line", 1), time, sender, text, Kind.message, False, chat)


def talk(
    *entries: Entry, assistant: str | None = None, context: int | None = None,
    gap: datetime.timedelta | None = HOURS_6,
) -> list[Chat]:  # fmt: skip
    shape = Shape(gap, assistant, context)
    found = enumerate(conversations(entries, shape, lambda entry, why: None), 1)
    return [
        chat
        for number, turns in found
        for chat in chats(answered(turns, assistant)[0], shape, number)
    ]


def said(chat: Chat) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in chat.messages]


def test_consecutive_messages_of_one_sender_are_one_turn():
    [chat] = talk(say("Ann", "hi"), say("Ann", "there?"), say("Bob", "yes"), assistant="Bob")
    assert said(chat) == [("user", "hi\nthere?"), ("assistant", "yes")]
    assert chat.rows == 3


def test_a_long_silence_begins_a_new_conversation():
    rows = [say("Ann", "hi"), say("Bob", "hello"), say("Ann", "new day", 24), say("Bob", "yes", 24)]
    first, second = talk(*rows, assistant="Bob")
    assert said(second) == [("user", "new day"), ("assistant", "yes")]
    assert first.group != second.group


def test_without_a_gap_a_chat_is_one_conversation():
    rows = [say("Ann", "hi"), say("Bob", "hello", 500)]
    assert len(talk(*rows, assistant="Bob", gap=None)) == 1


def test_two_channels_are_not_mixed():
    rows = [say("Ann", "a?", 0, "x"), say("Cem", "c?", 0, "y"), say("Bob", "a!", 0, "x"),
            say("Bob", "c!", 0, "y")]  # fmt: skip
    assert [said(chat)[0][1] for chat in talk(*rows, assistant="Bob")] == ["a?", "c?"]


def test_what_follows_the_last_answer_is_left():
    shape = Shape(None, "Bob", None)
    entries = [say("Ann", "hi"), say("Bob", "yes"), say("Ann", "bye")]
    [turns] = conversations(entries, shape, lambda entry, why: None)
    kept, rest = answered(turns, "Bob")
    assert [turn.text for turn in kept] == ["hi", "yes"]
    assert [turn.text for turn in rest] == ["bye"]


def test_an_opening_that_answers_nobody_is_left():
    shape = Shape(None, "Bob", None)
    entries = [say("Bob", "psst"), say("Ann", "what?"), say("Bob", "nothing")]
    [turns] = conversations(entries, shape, lambda entry, why: None)
    kept, rest = answered(turns, "Bob")
    assert [turn.text for turn in kept] == ["what?", "nothing"]
    assert [turn.text for turn in rest] == ["psst"]


def test_a_window_gives_one_example_an_answer_with_the_others_as_context():
    rows = [say("Ann", "1?"), say("Bob", "1!"), say("Ann", "2?"), say("Bob", "2!")]
    first, second = talk(*rows, assistant="Bob", context=3)
    assert said(first) == [("user", "1?"), ("assistant", "1!")]
    assert [m.get("weight") for m in second.messages] == [None, 0, None, None]
    assert first.group == second.group


def test_a_window_never_begins_with_an_answer():
    rows = [say("Ann", "1?"), say("Bob", "1!"), say("Ann", "2?"), say("Bob", "2!")]
    assert said(talk(*rows, assistant="Bob", context=2)[1])[0] == ("user", "2?")


def test_several_members_are_named_in_one_question():
    rows = [say("Ann", "tea?"), say("Cem", "or coffee?"), say("Bob", "tea")]
    [chat] = talk(*rows, assistant="Bob")
    assert said(chat) == [("user", "Ann: tea?\nCem: or coffee?"), ("assistant", "tea")]


def test_with_no_assistant_everybody_is_learned():
    [chat] = talk(say("Ann", "hi"), say("Bob", "yes"), say("Ann", "bye"))
    assert chat.everyone
    assert [message["name"] for message in chat.messages] == ["Ann", "Bob", "Ann"]


def test_with_no_assistant_a_window_cuts_the_conversation_into_pieces():
    rows = [say("Ann" if i % 2 else "Bob", str(i)) for i in range(7)]
    assert [len(chat.messages) for chat in talk(*rows, context=2)] == [3, 3, 1]


@pytest.mark.parametrize(
    ("entry", "why"),
    [(say(None, "Ann joined"), "nobody said it"), (say("Ann", " "), "nothing was said")],
)
def test_what_belongs_to_no_conversation_is_told(entry: Entry, why: str):
    told: list[tuple[Entry, str]] = []
    shape = Shape(None, None, None)
    assert list(conversations([entry], shape, lambda *left: told.append(left))) == []
    assert told == [(entry, why)]


def test_a_turn_joins_its_messages_by_newlines():
    turn = Turn(Where("a", "line", 1), "Ann", ["one", "two"], None)
    assert turn.text == "one\ntwo"
