"""Members of a chat get pseudonyms everywhere, and the assistant is found all the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ftrecipe.components.cleaning.boilerplate import Boilerplate
from ftrecipe.components.cleaning.personal_data import PersonalData
from ftrecipe.components.cleaning.phones import Phones
from ftrecipe.components.cleaning.pseudonyms import Pseudonyms, Style
from ftrecipe.components.dataset.chat_export import ChatExport
from ftrecipe.data.cleaning import Cleaning, Quarantine, hider
from ftrecipe.data.corpus import gather
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import Where
from ftrecipe.errors import DataError

SAID = [
    (None, "Alice Smith added Bob"),
    ("Bob Jones", "Is Alice there? @Alice SMITH, Alicel"),
    ("Alice Smith", "yes bob. Jones, will he come?"),
    ("Will", "Will is here"),
    ("+49 170 1234567", "me too"),
    ("Bob Jones", "@491701234567 +49 (170) 123-4567!"),
]


def entries(said=SAID):
    for number, (sender, text) in enumerate(said, 1):
        kind = Kind.system if sender is None else Kind.message
        yield Entry(Where("chat.txt", "line", number), None, sender, text, kind)


def renamed(said, step=None):
    cleaning = Cleaning.of([step or Pseudonyms()], Quarantine(None))
    return [(entry.sender, entry.text) for entry in cleaning.entries(entries(said))]


def test_senders_and_mentions_are_replaced_also_before_the_member_writes():
    assert renamed(SAID) == [
        (None, "Person 2 added Person 1"),
        ("Person 1", "Is Person 2 there? Person 2, Alicel"),
        ("Person 2", "yes Person 1. Person 1, will he come?"),
        ("Person 3", "Person 3 is here"),
        ("Person 4", "me too"),
        ("Person 1", "Person 4 Person 4!"),
    ]


def test_names_without_spaces_around_them_are_found():
    assert renamed([("张伟", "我"), ("Bo", "我和张伟去")])[1] == ("Person 2", "我和Person 1去")


def test_a_member_called_like_a_pseudonym_stays_and_nobody_gets_that_number():
    assert [sender for sender, _ in renamed([("Ann", ""), ("Person 1", "")])] == [
        "Person 2", "Person 1"]  # fmt: skip


def test_two_members_never_share_a_pseudonym():
    said = [(f"Member {letter}", "hello") for letter in "abcdefghijkl"]
    assert len({sender for sender, _ in renamed(said)}) == 12


def test_a_hashed_pseudonym_depends_on_name_and_key_alone():
    def ann(key, said):
        step = Pseudonyms(Style.hashed, key=key)
        renamed(said, step)
        return step.alias("Ann")

    one = ann("k", [("Ann", "")])
    assert one == ann("k", [("Bob", ""), ("Ann", "")])
    assert one != ann("l", [("Ann", "")])
    assert one.startswith("Person ")


def test_hashing_without_a_key_is_a_fault():
    assert Pseudonyms().faults() == []
    [fault] = Pseudonyms(style=Style.hashed).faults()
    assert fault.startswith("key is not set")


def test_a_row_dropped_before_it_shows_no_name():
    step = Pseudonyms()
    cleaning = Cleaning.of([Boilerplate(), step], Quarantine(None, hider([step])))
    assert len(list(cleaning.entries(entries()))) == 5
    [dropped] = cleaning.report()[0]["samples"]["notice of the app"]
    assert json.loads(dropped["before"])["text"] == "Person 2 added Person 1"
    report = cleaning.report()[1]
    assert report["reasons"] == {"sender": 5, "mention": 4}
    assert report["changed"] == 5
    assert not {"Alice", "Bob", "170"} & set(str(report).replace("'", " ").split())


@dataclass
class Export(ChatExport):
    """A chat that is written in this file."""

    def name(self):
        return "export"

    def endings(self):
        return (".txt",)

    def entries(self, files) -> Iterator:
        return ((entry.where, entry) for entry in entries())


@pytest.fixture
def chat(tmp_path):
    path = tmp_path / "chat.txt"
    path.write_text("as above")
    return str(path)


def test_the_assistant_is_chosen_by_the_real_name(chat, tmp_path):
    out = tmp_path / "quarantine.jsonl"
    corpus = gather(Export(path=chat, assistant="Alice Smith"), [Pseudonyms()], 0, out)
    [(_, example)] = list(corpus.rows)
    corpus.quarantine.close()
    assert [(m["role"], m["name"]) for m in example.messages] == [
        ("user", "Person 1"), ("assistant", "Person 2")]  # fmt: skip
    report = corpus.readings[0].report()
    assert report["messages_per_sender"] == {
        "Person 1": 2, "Person 2": 1, "Person 3": 1, "Person 4": 1}  # fmt: skip
    for secret in ("Alice Smith", "Bob", "170"):
        assert secret not in out.read_text() + str(report)


def test_numbers_of_members_that_a_mask_hides_are_not_in_the_report(chat):
    corpus = gather(Export(path=chat, assistant="Alice Smith"), [Phones()], 0)
    assert len(list(corpus.rows)) == 1
    senders = corpus.readings[0].report()["messages_per_sender"]
    assert senders == {"Bob Jones": 2, "Alice Smith": 1, "Will": 1, "<PHONE>": 1}


def test_an_assistant_that_nobody_is_called_is_told_with_the_real_names(chat):
    corpus = gather(Export(path=chat, assistant="Alice Smit"), [Pseudonyms()], 0)
    with pytest.raises(DataError, match="did you mean Alice Smith"):
        corpus.refuse()


def test_a_name_within_an_address_leaves_an_address_for_a_later_step():
    said = [
        ("Ben Maier", "hi"),
        ("Anna", "ben.maier@web.de https://x.de/ben?u=anna t.me/ben (ben)"),
    ]
    [_, (_, text)] = renamed(said)
    assert text == "person1.maier@web.de https://x.de/person1?u=person2 t.me/person1 (Person 1)"
    assert PersonalData(kinds=["email", "url"]).mask(text) == "<EMAIL> <URL> <URL> (Person 1)"


def test_genitives_and_compounds_of_names_keep_their_endings():
    said = [("Anna", ""), ("Jürgen Maier", ""), ("Anna-Lena", ""), ("Jean", ""), ("Hans", ""),
            ("Han", "Annas Anna's Anna’s Jürgens Jürgen Maiers Anna-Berg")]  # fmt: skip
    assert renamed(said)[-1][1] == (
        "Person 1s Person 1's Person 1’s Person 2s Person 2s Person 1-Berg"
    )
    said[-1] = ("Han", "Anna-Lenas Anna-Lena jeans Annast Hans")
    assert renamed(said)[-1][1] == "Person 3s Person 3 jeans Annast Person 5"


def test_a_file_named_after_a_member_is_noted_once():
    for file, noted in (("Chat_mit_Bob.txt", 1), ("chat.txt", 0)):
        cleaning = Cleaning.of([Pseudonyms()], Quarantine(None))
        own = [entry._replace(where=Where(file, "line", 1)) for entry in entries()]
        list(cleaning.entries(own))
        assert sum(cleaning.notes().values()) == noted
