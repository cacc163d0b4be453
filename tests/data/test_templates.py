"""Conversations through every template: what is trained on is what the assistant said."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ftrecipe.components.model import Model
from ftrecipe.data.example import Chat, RowFault, Where
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.data.tokens.render import Rendered, Renderer
from ftrecipe.data.tokens.templates import TEMPLATES, Tags
from ftrecipe.data.tokens.tokenize import MASKED, Encoder, Row
from ftrecipe.errors import ConfigError

HERE = Where("x.jsonl", "line", 1)
EOS = {"chatml": "<|im_end|>", "thinking": "<|im_end|>", "opens_thought": "<|im_end|>",
       "qwen_25": "<|im_end|>", "llama_3": "<|eot_id|>"}  # fmt: skip
NO_SYSTEM = {"inst", "gemma"}
NAMES = ["chatml", "thinking", "opens_thought", "eos_at_the_end", "inst", "headings", "llama_3",
         "mistral_3", "gemma", "phi_3", "zephyr", "command_r", "qwen_25",
         *(f"our_{name}" for name in TEMPLATES)]  # fmt: skip
# Two letters at the ends: no template or tokenizer joins them with what is around them.
SAID = st.text(st.sampled_from("abc XYZ.,!?'\"{}%<>|\n\té東京😀0189"), max_size=20).map(
    lambda text: f"ab{text}yz"
)


@pytest.fixture(scope="module")
def made(make_tokenizer, templates) -> Any:
    """Return a function that makes the tokenizer of a template, each once."""
    known: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in known:
            ours = name.removeprefix("our_")
            template = TEMPLATES[ours] if name.startswith("our_") else templates[name]
            known[name] = make_tokenizer(template, eos=EOS.get(name, "</s>"), adds_bos=True)
            if ours == "sender_tags":
                known[name].add_special_tokens({"extra_special_tokens": Tags().tokens()})
        return known[name]

    return of


class ByPrefixes(Renderer):
    """Renders every prefix of every conversation, and learns no layouts."""

    def _layout(self, key: Any, asked: Any) -> None:
        return None


def conversation(said: list[str], system: str | None = None) -> Chat:
    roles = ["user", "assistant"] * len(said)
    first = [] if system is None else [{"role": "system", "content": system}]
    turns = [{"role": r, "content": text} for r, text in zip(roles, said, strict=False)]
    return Chat(where=HERE, messages=[*first, *turns], answers=[said[-1]])


def runs(row: Row, tokenizer: Any, trained: bool) -> list[str]:
    """Return the texts that are trained on, or those that are not."""
    found: list[list[int]] = [[]]
    for token, label in zip(row.input_ids, row.labels, strict=True):
        if (label != MASKED) is trained:
            found[-1].append(token)
        else:
            found.append([])
    return [tokenizer.decode(run) for run in found if run]


def bare(text: str, tokenizer: Any) -> str:
    """Return a trained text without its end tokens and an empty thought."""
    text = text.removeprefix("<think>\n\n</think>\n\n").strip()
    for token in tokenizer.all_special_tokens + list(tokenizer.get_added_vocab()):
        text = text.removesuffix(token).strip()
    return text


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(said=st.lists(SAID, min_size=1, max_size=3), asked=st.lists(SAID, min_size=3, max_size=3),
       system=st.none() | SAID)  # fmt: skip
def test_the_answers_with_their_ends_are_trained_on_and_the_rest_is_context(
    made, name, said, asked, system
):
    tokenizer = made(name)
    system = None if name in NO_SYSTEM else system
    turns = [text for pair in zip(asked, said, strict=False) for text in pair]
    example = conversation(turns, system)
    renderer, encoder = Renderer(tokenizer), Encoder(tokenizer)
    rendered = renderer.rows(example)
    rows = encoder.rows(rendered)
    plainly = Encoder(tokenizer)
    plainly.quick = False
    assert rows == plainly.rows(rendered)
    trained = [run for row in rows for run in runs(row, tokenizer, True)]
    assert [bare(run, tokenizer) for run in trained] == said
    for text, row in zip(rendered, rows, strict=True):
        whole = tokenizer(text.text, add_special_tokens=False)["input_ids"]
        assert row.input_ids in (whole, [*whole[: len(row.input_ids) - 1], encoder.eos])
        assert row.labels[-1 - _tail(row)] in encoder.ends
        assert tokenizer.decode(row.input_ids).count("<s>") <= 1
    context = "".join(run for run in runs(rows[-1], tokenizer, False))
    assert all(text in context for text in asked[: len(said)])
    assert system is None or system in context
    assert not renderer.counts["disagrees"]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(said=st.lists(st.lists(st.sampled_from(
    ["a", " ", "\n", "e\u0301", "\u0301", "😀", "<|im_end|>", "</s>", "<|im_start|>", "assistant\n"]
), min_size=1, max_size=6).map("".join), min_size=2, max_size=4))  # fmt: skip
def test_special_tokens_and_all_offsets_find_the_same_tokens(made, name, said):
    tokenizer = made(name)
    try:
        rendered = Renderer(tokenizer).rows(conversation(said[: len(said) // 2 * 2]))
    except RowFault:
        return
    quickly, plainly = Encoder(tokenizer), Encoder(tokenizer)
    plainly.quick = False
    assert quickly.quick
    assert quickly.rows(rendered) == plainly.rows(rendered)


def test_the_tokens_of_most_templates_are_found_without_offsets(made):
    for name in set(NAMES) - {"inst", "headings", "our_plain", "our_alpaca", "our_question_answer"}:
        encoder = Encoder(made(name))
        encoder.rows(Renderer(made(name)).rows(conversation(["hi", "hello", "so", "yes"])))
        assert encoder.quick, name


def _tail(row: Row) -> int:
    """Return how many tokens stand behind the last trained one."""
    return next(at for at, label in enumerate(reversed(row.labels)) if label != MASKED)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(said=st.lists(st.text(st.sampled_from("ab \n\t.<think>/"), min_size=1, max_size=30),
                     min_size=2, max_size=6), system=st.none() | SAID)  # fmt: skip
def test_a_learned_layout_gives_what_rendering_every_prefix_gives(made, name, said, system):
    example = conversation(said[: len(said) // 2 * 2], None if name in NO_SYSTEM else system)
    tokenizer = made(name)
    assert _text_and_spans(Renderer(tokenizer), example) == _text_and_spans(
        ByPrefixes(tokenizer), example
    )


def _text_and_spans(renderer: Renderer, example: Chat) -> Any:
    try:
        return [(row.text, row.spans) for row in renderer.rows(example)]
    except RowFault as fault:
        return str(fault)


def test_most_templates_are_rendered_once_a_row(made):
    for name in set(NAMES) - {"opens_thought"}:
        renderer = Renderer(made(name))
        renderer.rows(conversation(["hi", "hello"]))
        assert list(map(bool, renderer.layouts.values())) == [True], name


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_each_of_our_templates_ends_an_answer_with_a_token_that_is_trained(made, name):
    tokenizer = made(f"our_{name}")
    [row] = Encoder(tokenizer).rows(Renderer(tokenizer).rows(conversation(["q", "a", "r", "b"])))
    trained = runs(row, tokenizer, True)
    assert len(trained) == 2
    assert all(re.fullmatch(r"[ab](</s>|<\|im_end\|>|<\|endoftext\|>)", run) for run in trained)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_prompt_of_each_of_our_templates_is_what_the_answer_follows(made, name):
    renderer = Renderer(made(f"our_{name}"))
    example = conversation(["q", "a", "r", "b"], system="be kind")
    [row] = renderer.rows(example)
    assert row.text[: row.spans[-1][0]] == renderer.prompt(example)


def rendered(made: Any, name: str, example: Chat) -> Rendered:
    [row] = Renderer(made(name)).rows(example)
    return row


def test_alpaca_is_stanfords_prompt(made):
    row = rendered(made, "our_alpaca", conversation(["Name a color.", "Red."]))
    assert row.text == (
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n### Instruction:\nName a color.\n\n### Response:\nRed.</s>\n\n"
    )


def test_alpaca_has_a_place_for_an_input_of_its_own(made):
    example = conversation(["Translate.", "Rouge."])
    example.messages[0]["input"] = "red"
    assert rendered(made, "our_alpaca", example).text.startswith(
        "Below is an instruction that describes a task, paired with an input that provides further "
        "context. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nTranslate.\n\n### Input:\nred\n\n### Response:\n"
    )


def test_a_system_prompt_takes_the_place_of_alpacas_preamble(made):
    row = rendered(made, "our_alpaca", conversation(["q", "a"], system="be kind"))
    assert row.text.startswith("be kind\n\n### Instruction:\nq\n\n### Response:\n")


def test_question_answer_has_two_headings(made):
    row = rendered(made, "our_question_answer", conversation(["q", "a"]))
    assert row.text == "### Question:\nq\n\n### Answer:\na</s>\n\n"


def test_a_template_that_ignores_the_system_prompt_is_a_fault_that_names_it(make_tokenizer):
    deaf = "{% for m in messages if m.role != 'system' %}{{ m.content }}</s>{% endfor %}"
    with pytest.raises(RowFault, match="loses the text of a system message"):
        Renderer(make_tokenizer(deaf)).rows(conversation(["hi", "hello"], system="be kind"))


def test_a_result_of_a_tool_may_be_written_as_json(made):
    call = {"type": "function", "function": {"name": "search", "arguments": {"q": "x"}}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": 'two "lines"\nof it'},
        {"role": "assistant", "content": "found"},
    ]
    tokenizer = made("mistral_3")
    [row] = Encoder(tokenizer).rows(Renderer(tokenizer).rows(Chat(where=HERE, messages=messages)))
    assert [run.strip() for run in runs(row, tokenizer, True)] == [
        '[TOOL_CALLS] [{"name": "search", "arguments": {"q": "x"}}]</s>',
        "found</s>",
    ]


CALLS = [
    {"type": "function", "function": {"name": "search", "arguments": {"q": "é <x>"}}},
    {"type": "function", "function": {"name": "now", "arguments": {}}},
]
TOOLS = [{"type": "function", "function": {"name": "search"}}]
CALLING = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "look"},
    {"role": "assistant", "content": "", "tool_calls": CALLS},
    {"role": "tool", "content": "one"},
    {"role": "tool", "content": "two"},
    {"role": "assistant", "content": "Once more.", "tool_calls": CALLS[1:]},
    {"role": "tool", "content": "three"},
    {"role": "assistant", "content": "found"},
]


def test_our_chatml_trains_calls_of_tools_and_keeps_their_results_as_context(made):
    tokenizer = made("our_chatml")
    renderer = Renderer(tokenizer)
    example = Chat(where=HERE, messages=CALLING, tools=TOOLS)
    [row] = Encoder(tokenizer).rows(renderer.rows(example))
    now = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call><|im_end|>'
    assert runs(row, tokenizer, True) == [
        '<tool_call>\n{"name": "search", "arguments": {"q": "é <x>"}}\n</tool_call>\n' + now,
        f"Once more.\n{now}",
        "found<|im_end|>",
    ]
    context = "".join(runs(row, tokenizer, False))
    assert "<|im_start|>system\nBe kind.\n\n# Tools\n" in context
    assert '<tools>\n{"type": "function", "function": {"name": "search"}}\n</tools>' in context
    assert (
        "<|im_start|>user\n<tool_response>\none\n</tool_response>\n"
        "<tool_response>\ntwo\n</tool_response><|im_end|>\n" in context
    )
    assert not renderer.counts


def test_the_embedded_model_has_our_chatml():
    own = BUILTIN.joinpath("tiny", "chat_template.jinja").read_text(encoding="utf-8")
    assert own == TEMPLATES["chatml"]


@pytest.mark.parametrize("name", ["plain", "alpaca", "question_answer", "sender_tags"])
def test_a_template_of_ours_without_a_place_for_calls_says_so(made, name):
    messages = [{**m, "content": m["content"] or "I look."} for m in CALLING]
    with pytest.raises(RowFault, match="no place for tool calls"):
        Renderer(made(f"our_{name}")).rows(Chat(where=HERE, messages=messages, tools=TOOLS))


def test_thoughts_that_the_template_drops_are_put_back_behind_its_opening(make_tokenizer):
    drops = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}"
        "<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    )
    tokenizer = make_tokenizer(drops)
    example = conversation(["hi", "<think>\nlet me see\n</think>\n\nhello"])
    [row] = Encoder(tokenizer).rows(Renderer(tokenizer).rows(example))
    assert runs(row, tokenizer, True) == ["let me see\n</think>\n\nhello<|im_end|>"]


def test_marks_that_leave_an_answer_out_are_counted_and_described(make_tokenizer):
    marks = (
        "{% for m in messages %}{{ m.role }}: {% if m.role == 'user' %}{% generation %}"
        "{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}</s>\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    renderer = Renderer(make_tokenizer(marks, eos="</s>"))
    for _ in range(2):
        renderer.rows(conversation(["hi", "hello"]))
    assert renderer.counts["disagrees"] == 2
    assert renderer.disagreement == "'…</s>' is trained on and not marked"


def test_an_end_token_that_an_answer_brings_is_not_written_twice(made):
    tokenizer = made("zephyr")
    renderer = Renderer(tokenizer)
    [row] = Encoder(tokenizer).rows(renderer.rows(conversation(["hi", "hello</s>"])))
    assert runs(row, tokenizer, True) == ["hello</s>"]
    assert renderer.counts["end_tokens"] == 1


def test_everything_is_trained_up_to_the_last_end_token(made):
    tokenizer = made("zephyr")
    renderer = Renderer(tokenizer, TrainOn.everything)
    [row] = Encoder(tokenizer).rows(renderer.rows(conversation(["hi", "hello"])))
    assert runs(row, tokenizer, True) == ["<|user|>\nhi</s>\n<|assistant|>\nhello</s>"]


def test_a_name_that_is_nearly_one_of_ours_is_answered_with_it():
    with pytest.raises(ConfigError, match="did you mean alpaca"):
        Model(chat_template="alpacca").template(None)
