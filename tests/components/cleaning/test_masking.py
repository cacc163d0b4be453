"""What each mask hides and what looks alike and stays."""

import re
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning.emails import Emails
from ftrecipe.components.cleaning.masking import Action
from ftrecipe.components.cleaning.personal_data import Library, PersonalData
from ftrecipe.components.cleaning.phones import Phones
from ftrecipe.components.cleaning.urls import Urls
from ftrecipe.data.cleaning import Cleaning, Quarantine, hider
from ftrecipe.data.example import Chat, Preference, Text, Where

HERE = Where("x", "line", 1)
KEY = "sk-abcdefghijklmnopqrstuv0123"


def run(step, *examples):
    cleaning = Cleaning.of([step], Quarantine(None, step.mask))
    return list(cleaning.examples(examples)), cleaning.report()[0]


def text(value):
    return Text(where=HERE, text=value)


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        (Urls(), "see https://a.b/c?d=1. And", "see <URL>. And"),
        (Urls(), "(http://x.y/z), WWW.foo.com!", "(<URL>), <URL>!"),
        (Urls(), "[x](https://en.org/wiki/A_(b)) t.me/alice", "[x](<URL>) <URL>"),
        (Urls(tag="[link]"), "ftp://a/b", "[link]"),
        (Emails(), "a.b+c@ex-ample.co.uk, 'x@y.org'", "<EMAIL>, '<EMAIL>'"),
        (Emails(), "alice (at) example (dot) com", "<EMAIL>"),
        (Emails(), "müller@köln.de", "<EMAIL>"),
        (Phones(), "call +49 170 1234567 or +1 (415) 555-2671", "call <PHONE> or <PHONE>"),
        (Phones(), "0049 170 1234567, 00 44 20 7946 0958.", "<PHONE>, <PHONE>."),
        (Phones(), "+٩٧١٥٠١٢٣٤٥٦٧ or ＋４９ １７０ １２３４５６７", "<PHONE> or <PHONE>"),
        (Phones(), "0000 1234 5678 9012, 0049 170 1234567", "0000 1234 5678 9012, <PHONE>"),
        (PersonalData(), "password=Secr3tPass! ok", "password=<SECRET> ok"),
        (Phones(), "(202) 555-0143, 202-555-0143", "<PHONE>, <PHONE>"),
        (Phones(), "Tel.: 030 12345678", "Tel.: <PHONE>"),
        (Phones(), "0171 2345678, (030) 123 45 67", "<PHONE>, <PHONE>"),
        (Phones(), "um 0171/2345678 15:30", "um <PHONE> 15:30"),
        (PersonalData(), "36 574 261 809, 36574261809", "<ID>, <ID>"),
        (PersonalData(), "2 55 08 14 168 025 38, 943 476 5919, 2341 2341 2346", "<ID>, <ID>, <ID>"),
        (PersonalData(), "Mein Passwort ist Geheim123.", "Mein Passwort ist <SECRET>."),
        (Phones(region="DE"), "0170 1234567 ist meine", "<PHONE> ist meine"),
        (PersonalData(), "4111 1111 1111 1111, 378282246310005", "<CARD>, <CARD>"),
        (PersonalData(), "DE89 3704 0044 0532 0130 00 BIC", "<IBAN> BIC"),
        (PersonalData(), "gb29nwbk60161331926819.", "<IBAN>."),
        (PersonalData(), "192.168.0.1 2001:db8::8a2e:370:7334", "<IP> <IP>"),
        (PersonalData(), "00:1A:2B:3C:4D:5E 00-1a-2b-3c-4d-5e", "<IP> <IP>"),
        (PersonalData(), "SSN 078-05-1120, CPF 529.982.247-25", "SSN <ID>, CPF <ID>"),
        (PersonalData(), "DNI 12345678Z, NIE X1234567L", "DNI <ID>, NIE <ID>"),
        (PersonalData(), f"AKIAIOSFODNN7EXAMPLE {KEY}", "<SECRET> <SECRET>"),
        (PersonalData(), "ghp_" + "a1" * 18 + " xoxb-1234567890-ab", "<SECRET> <SECRET>"),
        (PersonalData(), "password=hunter2, pwd: 's3cr3t!'",
         "password=<SECRET>, pwd: '<SECRET>'"),
        (PersonalData(), '{"api_key": "abcdefgh"}', '{"api_key": "<SECRET>"}'),
        (PersonalData(), "postgres://bob:pw@host/db", "postgres://<SECRET>@host/db"),
        (PersonalData(), "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_-1", "<SECRET>"),
        (PersonalData(), "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.",
         "<SECRET>."),
        (PersonalData(), "a@b.org or +49 170 1234567", "<EMAIL> or <PHONE>"),
        (PersonalData(tags={"email": "[mail]"}), "a@b.org", "[mail]"),
    ],
)  # fmt: skip
def test_it_hides(step, before, after):
    [cleaned], report = run(step, text(before))
    assert cleaned.texts() == [after]
    assert (report["changed"], report["dropped"]) == (1, 0)


@pytest.mark.parametrize(
    "value",
    [
        "in 2024-01-02 at 12:30:45, 1999-2000",
        "version 10.2.3.4, v1.2.3, 1.2.3-beta.4",
        "$1,234,567.89 and 1 000 000 000 of 3.14159265358979",
        "0171 2,5 und 050 99 EUR, 01.02.2024 0930, 0123 4567 8901 2345",
        "Das Passwort ist ungültig, dein Passwort ist falsch…",
        "36 574 261 808, 943 476 5918, 2341 2341 2347",
        "order 123-456-7890, order #4155552671, 1700000000000",
        "2+3456789=3456791",
        "4111 1111 1111 1112, 1234 5678 9012 3456",
        "DE00 3704 0044 0532 0130 00",
        "978-3-16-148410-0",
        "127.0.0.1, 999.1.1.1, std::vector<a::b>, ::1",
        "password: required, login(password=password), password = input('x')",
        "the password is correct; your secret: keep smiling",
        "get an api key: https:example",
        "@alice a@b x/y a.py and/or",
        "000-12-3456 529.982.247-26 12345678A",
    ],
)
def test_it_leaves_what_only_looks_alike(value):
    for step in (Urls(), Emails(), Phones(), PersonalData()):
        assert step.mask(value) == value
        kept, report = run(step, text(value))
        assert kept == [text(value)]
        assert report["changed"] == 0


def test_remove_leaves_no_tag_and_drop_no_row():
    [cleaned], _ = run(Emails(action=Action.remove), text("to a@b.org now"))
    assert cleaned.texts() == ["to  now"]
    kept, report = run(Emails(action=Action.drop), text("to a@b.org now"), text("fine"))
    assert kept == [text("fine")]
    assert (report["dropped"], report["reasons"]) == (1, {"holds email": 1})
    assert "a@b.org" not in str(report)


def test_every_kind_that_a_row_holds_is_counted_and_the_row_once():
    _, report = run(PersonalData(), text("a@b.org, +49 170 1234567"), text("c@d.org"))
    assert report["changed"] == 2
    assert report["reasons"] == {"email": 2, "phone": 1}


def test_names_and_the_arguments_of_tools_are_masked_too():
    calls = [{"function": {"name": "send", "arguments": '{"to": "a@b.org"}'}},
             {"function": {"name": "send", "arguments": {"to": ["c@d.org"]}}}]  # fmt: skip
    messages = [
        {"role": "user", "name": "+49 170 1234567", "content": "write"},
        {"role": "assistant", "content": "", "tool_calls": calls},
    ]
    chat = Chat(where=HERE, messages=messages, answers=["", "e@f.org"])
    [cleaned], _ = run(PersonalData(), chat)
    assert cleaned.messages[0]["name"] == "<PHONE>"
    assert [call["function"]["arguments"] for call in cleaned.messages[1]["tool_calls"]] == [
        '{"to": "<EMAIL>"}', {"to": ["<EMAIL>"]}]  # fmt: skip
    assert cleaned.answers == ["", "<EMAIL>"]
    assert chat.messages is messages
    assert calls[1]["function"]["arguments"] == {"to": ["c@d.org"]}


def test_numbers_that_may_be_national_are_told_where_no_region_is_set():
    maybe = [text("01712345678"), text("06 12 34 56 78, 1700000000000, 12345678")]
    for step, told in ((Phones(), 2), (PersonalData(), 2), (Phones(region="DE"), 0)):
        cleaning = Cleaning.of([step], Quarantine(None, step.mask))
        list(cleaning.examples(maybe))
        assert sum(cleaning.notes().values()) == told
        assert all(f"cleaning.{step.name()}.region" in note for note in cleaning.notes())


def test_both_answers_of_a_preference_are_masked():
    said = [{"role": "assistant", "content": "a@b.org"}]
    pair = Preference(where=HERE, messages=[], chosen=said, rejected=said)
    [cleaned], _ = run(Emails(), pair)
    assert cleaned.texts() == ["<EMAIL>", "<EMAIL>"]


def test_nonsense_settings_are_told():
    for step in (Urls(), Emails(), Phones(region="DE"), PersonalData()):
        assert step.faults() == []
    [fault] = Phones(region="USA").faults()
    assert fault.startswith("region=USA: ")
    assert "did you mean US?" in fault
    [fault] = Emails(tag="x@example.org").faults()
    assert "tag=x@example.org" in fault
    [fault] = PersonalData(kinds=["emial"]).faults()
    assert "did you mean email?" in fault


def test_a_library_that_is_not_installed_is_told_with_its_package():
    faults = PersonalData(library=Library.presidio).faults()
    if find_spec("presidio_analyzer") is None:
        assert len(faults) == 1
        assert "pip install presidio-analyzer" in faults[0]
    else:
        assert faults == []


PIECES = [
    "a@b.org", "+49 170 1234567", "4111111111111111", "http://", "www.x.y", "password=", KEY, "::",
    "1.2.3.4", "DE89370400440532013000", "-----BEGIN PRIVATE KEY-----", "\ud800", "(at)", " ",
    "<EMAIL>", "'", "Bearer ",
]  # fmt: skip
PIECE = st.sampled_from(PIECES) | st.text(st.characters(codec=None), max_size=4)
ANY = st.lists(PIECE).map("".join)
STEPS = [Urls(), Emails(), Phones(), Phones(region="US"), PersonalData()]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ANY, st.sampled_from(STEPS))
def test_masking_twice_changes_nothing_more(value, step):
    once = step.mask(value)
    assert step.mask(once) == once


def test_a_sample_tells_its_tags_and_nothing_that_another_step_hides():
    steps = [Emails(), PersonalData(kinds=["secret"])]
    cleaning = Cleaning.of(steps, Quarantine(None, hider(steps)))
    list(cleaning.examples([text("ask bob@example.org: password is Geheim123 ok")]))
    for step, tag in zip(cleaning.report(), ("<EMAIL>", "<SECRET>"), strict=True):
        [[sample]] = step["samples"].values()
        assert sample["tags"] == [tag]
        assert not {"bob", "Geheim123"} & set(re.findall(r"\w+", str(sample)))
