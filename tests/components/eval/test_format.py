import json
import time

import pytest
from asking import Scripted, question

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.format import Format

TOOLS = [{"type": "function", "function": {"name": "weather"}}]
WEATHER = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Rome", "days": 2}}}],
}
SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"$ref": "#/$defs/name"}},
    "$defs": {"name": {"type": "string", "pattern": "^[A-Z]"}},
}


def judged(suite: Format, answer: str, *expected: str, **more) -> dict:
    return suite.judged(question(1, *(expected or ("",)), **more), Completion(answer, 1, True))


def called(name: str, **arguments) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


@pytest.mark.parametrize(
    ("answer", "strictly", "loosely"),
    [
        ('{"a": 1}', True, True),
        (' [1, 2]\n', True, True),
        ("42", True, True),
        ("null", True, True),
        ('```json\n{"a": 1}\n```', False, True),
        ('Here it is:\n```\n[1]\n```\nDone.', False, True),
        ('The answer is {"a": [1]}, I think.', False, True),
        ("I have 42 of them", False, False),
        ('{"a": 1', False, False),
        ("{'a': 1}", False, False),
        ('{"a": NaN}', False, False),
        ("", False, False),
        ("[" * 100_000, False, False),
    ],
)  # fmt: skip
def test_json_is_all_of_the_answer_or_stands_in_it(answer, strictly, loosely):
    assert judged(Format(json=True), answer)["valid_json"] is strictly
    if len(answer) < 1000:
        assert judged(Format(json=True, strict=False), answer)["valid_json"] is loosely


def test_only_what_was_asked_for_or_can_be_judged_is_measured():
    asked = [question(1, '{"a": 1}'), question(2, "a plain answer")]
    found = Format().measure(Scripted(asked, ['{"a": 2}', "words"])).metrics
    assert found == {"well_formed": 100, "valid_json": 100, "questions": 2}


def test_json_false_holds_no_answer_to_json():
    assert judged(Format(json=False), "words", '{"a": 1}') == {}


def test_an_answer_matches_its_schema_or_says_where_it_does_not():
    suite = Format(schema=SCHEMA)
    assert judged(suite, '{"name": "Ada"}') == {"valid_json": True, "matches_schema": True}
    row = judged(suite, '{"name": 3}')
    assert row["matches_schema"] is False
    assert row["schema_fault"] == "$.name: 3 is not of type 'string'"
    assert judged(suite, "words")["schema_fault"] == "no JSON"


def test_the_schema_may_be_a_file_and_is_part_of_a_baselines_key(tmp_path):
    file = tmp_path / "answer.schema.json"
    file.write_text(json.dumps(SCHEMA))
    suite = Format(schema_path=str(file))
    assert suite.faults() == []
    assert suite.files() == {"schema_path": file}
    assert judged(suite, '{"name": "ada"}')["matches_schema"] is False


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objekt"}, "is no JSON schema: $.type"),
        ({"properties": {"a": {"pattern": "("}}}, "is no JSON schema: $.properties.a.pattern"),
        ({"$ref": "https://example.org/other.json"}, "$ref https://example.org/other.json"),
        ({"properties": {"a": {"$ref": "#/$defs/lost"}}}, "$ref #/$defs/lost means nothing"),
        ({"$ref": "file:///etc/passwd"}, "means nothing"),
    ],
)
def test_a_schema_that_is_none_is_refused_with_its_place(schema, told):
    (fault,) = Format(schema=schema).faults()
    assert fault.startswith("schema: ")
    assert told in fault


@pytest.mark.parametrize(("text", "told"), [("{", "is not JSON"), ("[]", "no JSON object")])
def test_a_file_without_a_schema_is_refused(tmp_path, text, told):
    file = tmp_path / "schema.json"
    file.write_text(text)
    (fault,) = Format(schema_path=str(file)).faults()
    assert f"schema_path={file}" in fault
    assert told in fault


def test_settings_that_contradict_each_other_are_refused(tmp_path):
    assert "leave one" in Format(schema=SCHEMA, schema_path="x.json").faults()[0]
    assert "only JSON can match" in Format(schema=SCHEMA, json=False).faults()[0]
    assert "does not exist" in Format(schema_path=str(tmp_path / "no.json")).faults()[0]


def test_a_schema_of_an_older_draft_is_read_as_it_says():
    old = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}
    assert judged(Format(schema=old), "[3]")["matches_schema"] is False


def test_a_regular_expression_fits_the_whole_answer():
    suite = Format(regex=r"[A-Z]{2}-\d+")
    assert judged(suite, "AB-12")["matches_regex"] is True
    assert judged(suite, "It is AB-12")["matches_regex"] is False


def test_a_broken_regular_expression_is_refused_with_its_place():
    (fault,) = Format(regex="(a").faults()
    assert "regex=(a: is no regular expression" in fault
    assert "position 0" in fault


def test_a_pattern_that_takes_too_long_is_given_up_and_told():
    hopeless, text = r"(a|aa)+\d", "a" * 60
    began = time.monotonic()
    row = judged(Format(regex=hopeless), text)
    assert row == {"matches_regex": False, "too_slow": True}
    within = {"type": "string", "pattern": f"^{hopeless}$"}
    assert "took more than" in judged(Format(schema=within), json.dumps(text))["schema_fault"]
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("answer", "name", "arguments", "both"),
    [
        (called("weather", city="Rome", days=2), True, True, True),
        (called("weather", days=2.0, city="Rome"), True, True, True),
        (called("weather", city="Oslo", days=2), True, False, False),
        (called("forecast", city="Rome", days=2), False, True, False),
        (called("weather", city="Rome", days=2) * 2, False, False, False),
        ("It rains.", False, False, False),
        ('<tool_call>{"name": "weath', False, False, False),
    ],
)
def test_a_call_has_the_right_name_and_the_right_arguments(answer, name, arguments, both):
    row = judged(Format(), answer, reply=WEATHER, tools=TOOLS)
    assert (row["tool_name"], row["tool_arguments"], row["tool_calls"]) == (name, arguments, both)


def test_calls_may_come_in_any_order():
    both = [
        {"function": {"name": name, "arguments": {"n": at}}} for at, name in enumerate(("f", "g"))
    ]
    answer = called("g", n=1) + called("f", n=0)
    assert judged(Format(), answer, reply={"tool_calls": both})["tool_calls"] is True


def test_calls_written_out_in_the_expected_answer_are_expected():
    expected = f"Let me look.\n{called('weather', city='Rome')}"
    assert judged(Format(), called("weather", city="Rome"), expected)["tool_calls"] is True


def test_a_call_where_none_was_expected_is_counted():
    asked = [question(n, "No.", tools=TOOLS) for n in range(2)]
    found = Format().measure(Scripted(asked, ["No.", called("weather")])).metrics
    assert found == {"well_formed": 50, "unasked_calls": 50, "questions": 2}


def test_where_a_call_is_expected_nothing_else_is():
    row = judged(Format(json=True, regex="x"), called("weather"), reply=WEATHER)
    assert "valid_json" not in row
    assert "matches_regex" not in row


def test_data_in_which_nothing_can_be_judged_are_refused():
    (fault,) = Format().unfit([question(1, "words")])
    assert "eval.format.json=true" in fault
    assert Format(regex="x").unfit([question(1, "words")]) == []
    assert Format().unfit([question(1, '{"a": 1}')]) == []


def test_rare_forms_leave_no_resample_undefined():
    asked = [question(0, '{"a": 1}')] + [question(n, "No.", tools=TOOLS) for n in range(1, 30)]
    said = ["{}"] + ["No."] * 29
    good, bad = (Format().measure(Scripted(asked, answers)).rows for answers in (said, ["x"] * 30))
    found = changes(Format(), good, bad, Settings())
    assert all(change.low <= change.high for change in found.values())
