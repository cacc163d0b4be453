"""What a template writes for the expected calls of tools scores 100 %, whatever its form."""

from pathlib import Path

import pytest
from random_llama import random_llama
from transformers import AutoTokenizer

import ftrecipe
from ftrecipe.components.eval.format import Format
from ftrecipe.data.prepared import EvalExample
from ftrecipe.stages.measuring.replies import Replies
from ftrecipe.stages.measuring.stopping import Stops

TINY = Path(ftrecipe.__file__).parent / "builtin" / "tiny"
TURN = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}<|im_start|>assistant\n"
    "ANSWER<|im_end|>{% else %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "{{ message['content'] }}{% if message['tool_calls'] %}<|python_tag|>"
    "{% for call in message['tool_calls'] %}{{ '; ' if not loop.first }}"
    "{\"name\": \"{{ call['function']['name'] }}\", "
    "\"parameters\": {{ call['function']['arguments'] | tojson }}}{% endfor %}{% endif %}"
)
MISTRAL = (
    "{{ message['content'] }}{% if message['tool_calls'] %}[TOOL_CALLS] ["
    "{% for call in message['tool_calls'] %}{{ ', ' if not loop.first }}"
    "{\"name\": \"{{ call['function']['name'] }}\", "
    '"arguments": {{ call[\'function\'][\'arguments\'] | tojson }}, "id": "abcdefghi"}'
    "{% endfor %}]{% endif %}"
)
NEWER_MISTRAL = (
    "{{ message['content'] }}{% for call in message['tool_calls'] or [] %}[TOOL_CALLS]"
    "{{ call['function']['name'] }}[ARGS]{{ call['function']['arguments'] | tojson }}{% endfor %}"
)
TEMPLATES = {
    "hermes": (None, []),
    "llama": (LLAMA, ["<|python_tag|>"]),
    "mistral": (MISTRAL, ["[TOOL_CALLS]"]),
    "newer mistral": (NEWER_MISTRAL, ["[TOOL_CALLS]", "[ARGS]"]),
}
CALLS = [
    {"type": "function", "function": {"name": "weather", "arguments": {"city": "Köln", "n": [1]}}},
    {"type": "function", "function": {"name": "time.now", "arguments": {}}},
]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]


@pytest.mark.parametrize("form", TEMPLATES)
@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("calls", [CALLS[:1], CALLS])
@pytest.mark.parametrize("words", ["", "I will look it up."])
def test_expected_calls_are_read_back(form, special, calls, words):
    answer, marks = TEMPLATES[form]
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    if answer is not None:
        tokenizer.chat_template = TURN.replace("ANSWER", answer)
    tokenizer.add_tokens(marks, special_tokens=special)
    reply = {"role": "assistant", "content": words, "tool_calls": calls}
    asked = [{"role": "user", "content": "What is it like?"}]
    example = EvalExample([1], "", "", [words], "row 1", asked, TOOLS, reply)
    ids, labels = Replies(tokenizer).labeled(example, words)
    written = [token for token, label in zip(ids, labels, strict=True) if label != -100]
    said = Stops(random_llama(), tokenizer, ()).completion(written)
    row = Format().judged(example, said)
    assert said.ended
    assert (row["tool_name"], row["tool_arguments"], row["tool_calls"]) == (True, True, True)
