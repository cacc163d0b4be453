import json

import pytest

from ftrecipe.components.eval.calls import calls_in, calls_of, key

TWO = [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {"b": "x"}}]
FORMS = {
    "hermes": '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>\n'
    '<tool_call>\n{"name": "g", "arguments": {"b": "x"}}\n</tool_call>',
    "hermes, words before": 'I will.\n<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'
    '<tool_call>{"name": "g", "arguments": {"b": "x"}}',
    "llama": '<|python_tag|>{"name": "f", "parameters": {"a": 1}}; '
    '{"name": "g", "parameters": {"b": "x"}}',
    "llama, its mark lost": '{"name": "f", "parameters": {"a": 1}}\n'
    '{"type": "function", "name": "g", "parameters": {"b": "x"}}',
    "mistral": '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "aaaaaaaaa"}, '
    '{"name": "g", "arguments": {"b": "x"}, "id": "bbbbbbbbb"}]',
    "mistral, its mark lost": '[{"name": "f", "arguments": {"a": 1}}, '
    '{"name": "g", "arguments": "{\\"b\\": \\"x\\"}"}]',
    "mistral, newer": '[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[CALL_ID]abcdefghi[ARGS]{"b": "x"}',
    "mistral, newer, its marks lost": 'f{"a": 1}g{"b": "x"}',
    "openai": json.dumps([{"type": "function", "function": call} for call in TWO]),
}


@pytest.mark.parametrize("form", FORMS)
def test_calls_are_read_in_every_form_that_models_write(form):
    assert calls_in(FORMS[form]) == TWO


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[]", "{}", "42", '{"name": "Ada"}', '{"a": 1}', '["f", "g"]',
     'Use {"name": "f", "arguments": {}} for that.', '{"name": "f", "arguments": {}} it is',
     '{"name": "f", "arguments": 3}', "[" * 5000],
)  # fmt: skip
def test_what_is_no_call_is_none(text):
    assert calls_in(text) == []


@pytest.mark.parametrize(
    "text", ['<tool_call>\n{"name": "f", "argu', "[TOOL_CALLS]", "<|python_tag|>print(1)"]
)
def test_a_call_that_cannot_be_read_is_one_without_a_name(text):
    assert [call["name"] for call in calls_in(text)] == [None]


def test_openais_messages_hold_arguments_as_objects_or_as_text():
    as_text = {"function": {"name": "f", "arguments": '{"a": 1}'}}
    as_object = {"type": "function", "id": "x", "function": {"name": "f", "arguments": {"a": 1}}}
    assert calls_of({"tool_calls": [as_text, as_object]}) == 2 * TWO[:1]
    assert calls_of({"tool_calls": [{"name": "f"}]}) == [{"name": "f", "arguments": {}}]
    assert calls_of({"content": "hi"}) == []


def test_calls_are_the_same_whatever_the_order_of_keys_and_the_kind_of_number():
    assert key({"name": "f", "arguments": {"a": 1.0, "b": [2]}}) == key(
        {"name": "f", "arguments": {"b": [2.0], "a": 1}}
    )
    assert key({"name": "f", "arguments": {"a": True}}) != key({"name": "f", "arguments": {"a": 1}})
