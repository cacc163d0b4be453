"""Which tokens are trained on, whatever the chat template."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from ftrecipe.data.example import Chat, Completion, RowFault, Text, Where
from ftrecipe.data.tokens.masks import TrainOn, Unsupervised
from ftrecipe.data.tokens.render import Renderer
from ftrecipe.data.tokens.tokenize import MASKED, Encoder

TRL = find_spec("trl")
REAL = (
    sorted((Path(TRL.origin).parent / "chat_templates").glob("*.jinja"))
    if TRL and TRL.origin
    else []
)
REAL = [path for path in REAL if not path.stem.endswith("_training")]
FOR_PICTURES = {"idefics3", "llava_next", "smolvlm"}  # content is a list of parts, never a text

HERE = Where("x.jsonl", "line", 1)


def chat(*turns, tools=None):
    """Return a conversation of alternating user and assistant turns; `sys:` starts a system one."""
    roles = ["user", "assistant"]
    messages = []
    if turns[0].startswith("sys:"):
        messages.append({"role": "system", "content": turns[0][4:]})
        turns = turns[1:]
    messages += [{"role": roles[i % 2], "content": text} for i, text in enumerate(turns)]
    return Chat(where=HERE, messages=messages, tools=tools, answers=[turns[-1]])


def encode(tokenizer, example, train_on=TrainOn.answers):
    """Return the renderer's counts, and of each row: its whole text, and the trained texts."""
    renderer = Renderer(tokenizer, train_on)
    found = []
    for row in Encoder(tokenizer).rows(renderer.rows(example)):
        assert len(row.input_ids) == len(row.labels)
        runs = [[]]
        for token, label in zip(row.input_ids, row.labels, strict=True):
            if label == MASKED:
                runs.append([])
            else:
                assert label == token
                runs[-1].append(token)
        trained = [tokenizer.decode(run) for run in runs if run]
        found.append((tokenizer.decode(row.input_ids), trained))
    return renderer.counts, found


def test_every_answer_of_a_conversation_is_trained_on_up_to_its_end_token(tokenizer):
    _, [(_, trained)] = encode(tokenizer, chat("hi", "hello", "what?", "the answer"))
    assert trained == ["hello<|im_end|>", "the answer<|im_end|>"]


def test_the_newline_after_the_end_token_is_context(tokenizer):
    _, [(text, trained)] = encode(tokenizer, chat("hi", "hello"))
    assert text.endswith("<|im_end|>\n")
    assert trained == ["hello<|im_end|>"]


def test_a_system_prompt_is_context(tokenizer):
    _, [(text, trained)] = encode(tokenizer, chat("sys:be kind", "hi", "hello"))
    assert "be kind" in text
    assert trained == ["hello<|im_end|>"]


def test_an_opening_by_the_assistant_is_trained_on_without_its_header(tokenizer):
    messages = [{"role": "assistant", "content": "welcome"}]
    _, [(_, trained)] = encode(tokenizer, Chat(where=HERE, messages=messages))
    assert trained == ["welcome<|im_end|>"]


def test_an_answer_that_repeats_the_question_is_masked_in_the_question(tokenizer):
    _, [(_, trained)] = encode(tokenizer, chat("echo", "echo", "echo", "echo"))
    assert trained == ["echo<|im_end|>", "echo<|im_end|>"]


def test_answers_of_many_bytes_a_character_are_masked_exactly(tokenizer):
    _, [(_, trained)] = encode(tokenizer, chat("¿qué? 😀", "é€😀 привет"))
    assert trained == ["é€😀 привет<|im_end|>"]


def test_all_is_trained_on_when_asked_for(tokenizer):
    _, [(_, trained)] = encode(tokenizer, chat("hi", "hello"), TrainOn.everything)
    assert trained == ["<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>"]


def test_a_template_that_rewrites_history_gives_one_row_an_answer(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["thinking"])
    counts, rows = encode(tokenizer, chat("hi", "hello", "more", "there"))
    assert counts["unrolled"] == 1
    first, second = rows
    assert first[1] == ["<think>\n\n</think>\n\nhello<|im_end|>"]
    assert second[1] == ["<think>\n\n</think>\n\nthere<|im_end|>"]
    assert "assistant\nhello<|im_end|>" in second[0]


def test_a_template_that_rewrites_history_gives_one_row_for_one_answer(make_tokenizer, templates):
    counts, rows = encode(make_tokenizer(templates["thinking"]), chat("hi", "hello"))
    assert len(rows) == 1
    assert not counts["unrolled"]


def test_an_answer_is_put_after_the_generation_prompt_the_model_will_see(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["opens_thought"])
    counts, [(text, trained)] = encode(tokenizer, chat("hi", "hello"))
    assert counts["spliced"] == 1
    assert text.endswith("assistant\n<think>\nhello<|im_end|>\n")
    assert trained == ["hello<|im_end|>"]


def test_an_eos_after_the_last_turn_only_is_trained_on(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["eos_at_the_end"], eos="</s>")
    counts, [(_, trained)] = encode(tokenizer, chat("hi", "hello", "more", "there"))
    assert not counts["unrolled"]
    assert trained == ["hello<|im_end|>", "there<|im_end|>\n</s>"]


def test_the_templates_own_bos_is_not_doubled(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["inst"], eos="</s>", adds_bos=True)
    _, [(text, trained)] = encode(tokenizer, chat("hi", "hello", "more", "there"))
    assert text.count("<s>") == 1
    assert text.startswith("<s>[INST]")
    assert trained == [" hello</s>", " there</s>"]


def test_eos_is_added_where_the_template_has_no_end_token(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["headings"], eos="</s>")
    _, [(text, trained)] = encode(tokenizer, chat("hi", "hello"))
    assert text.endswith("hello</s>")
    assert trained == ["hello</s>"]


def test_a_conversation_the_template_refuses_is_a_fault(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["inst"], eos="</s>")
    with pytest.raises(RowFault, match=r"the chat template refuses .* no system role here"):
        Renderer(tokenizer).rows(chat("sys:be kind", "hi", "hello"))


def test_tool_calls_that_the_template_ignores_are_a_fault(tokenizer):
    call = {"type": "function", "function": {"name": "search", "arguments": {}}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
    ]
    with pytest.raises(RowFault, match="no place for tool calls"):
        Renderer(tokenizer).rows(Chat(where=HERE, messages=messages))


def test_tools_reach_the_template(make_tokenizer, templates):
    shows = "{% if tools %}TOOLS {{ tools | tojson }}\n{% endif %}" + templates["chatml"]
    tool = {"type": "function", "function": {"name": "search", "parameters": {}}}
    example = chat("hi", "hello", tools=[tool])
    _, [(text, trained)] = encode(make_tokenizer(shows), example)
    assert text.startswith("TOOLS")
    assert "search" in text
    assert trained == ["hello<|im_end|>"]


@pytest.mark.parametrize("adds_bos", [True, False])
def test_plain_text_is_all_trained_on_with_bos_by_habit_and_eos(make_tokenizer, adds_bos):
    tokenizer = make_tokenizer(eos="</s>", adds_bos=adds_bos)
    _, [(text, trained)] = encode(tokenizer, Text(where=HERE, text="hello there"))
    assert text == ("<s>" if adds_bos else "") + "hello there</s>"
    assert trained == [text]


def test_text_that_starts_with_bos_gets_no_second_one(make_tokenizer):
    tokenizer = make_tokenizer(eos="</s>", adds_bos=True)
    _, [(text, _)] = encode(tokenizer, Text(where=HERE, text="<s>hello"))
    assert text == "<s>hello</s>"


def test_a_raw_completion_masks_the_prompt_and_its_bos(make_tokenizer):
    tokenizer = make_tokenizer(eos="</s>", adds_bos=True)
    example = Completion(where=HERE, text="Q: hi\nA:", completion=" hello")
    _, [(text, trained)] = encode(tokenizer, example)
    assert text == "<s>Q: hi\nA: hello</s>"
    assert trained == [" hello</s>"]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_templates_train_on_the_answers_and_on_nothing_that_was_asked(make_tokenizer, path):
    tokenizer = make_tokenizer(path.read_text(encoding="utf-8"), eos="</s>", adds_bos=True)
    example = chat("QUESTION0", "ANSWER0", "QUESTION1", "ANSWER1")
    if path.stem in FOR_PICTURES:
        with pytest.raises(RowFault, match=r"loses the text|refuses this conversation"):
            Renderer(tokenizer).rows(example)
        return
    _, rows = encode(tokenizer, example)
    trained = "".join(run for _, runs in rows for run in runs)
    assert trained.count("ANSWER0") == trained.count("ANSWER1") == 1
    assert "QUESTION" not in trained
    assert all(text.count("<s>") <= 1 for text, _ in rows)


def test_an_answer_that_the_template_loses_is_a_fault(make_tokenizer, templates):
    deaf = "{% if m.role == 'user' %}{{ m.content }}{% else %}{{ m.text }}{% endif %}"
    tokenizer = make_tokenizer(templates["chatml"].replace("{{ m.content }}", deaf))
    with pytest.raises(RowFault, match="loses the text of an answer"):
        Renderer(tokenizer).rows(chat("hi", "hello"))


def test_a_question_that_the_template_loses_is_a_fault(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["chatml"].replace("{{ m.content }}", "{{ m.text }}"))
    with pytest.raises(RowFault, match="loses the text of a user message"):
        Renderer(tokenizer).rows(chat("😀", "hello"))


def weighted(*weights):
    """Return a conversation whose answers have these weights; None for no weight."""
    example = chat(*(text for i in range(len(weights)) for text in (f"q{i}", f"a{i}")))
    for message, weight in zip(example.messages[1::2], weights, strict=True):
        if weight is not None:
            message["weight"] = weight
    return example


def test_only_the_last_answer_is_trained_on_when_asked_for(tokenizer):
    example = chat("hi", "hello", "what?", "the answer")
    _, [(text, trained)] = encode(tokenizer, example, TrainOn.last_answer)
    assert "hello<|im_end|>" in text
    assert trained == ["the answer<|im_end|>"]


def test_the_last_answer_alone_needs_no_row_for_each_answer(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["thinking"])
    example = chat("hi", "hello", "more", "there")
    counts, [(_, trained)] = encode(tokenizer, example, TrainOn.last_answer)
    assert not counts
    assert trained == ["<think>\n\n</think>\n\nthere<|im_end|>"]


@pytest.mark.parametrize(("weights", "expected"), [
    ((0, None), ["a1<|im_end|>"]),
    ((1, 0), ["a0<|im_end|>"]),
    ((1.0, True), ["a0<|im_end|>", "a1<|im_end|>"]),
])  # fmt: skip
def test_an_answer_of_weight_zero_is_context(tokenizer, weights, expected):
    _, [(text, trained)] = encode(tokenizer, weighted(*weights))
    assert "a0" in text
    assert trained == expected


@pytest.mark.parametrize("weight", [0.5, 2, -1, "1"])
def test_another_weight_is_a_fault(tokenizer, weight):
    with pytest.raises(RowFault, match=rf"^weight {weight}: only 0 and 1 are supported$"):
        Renderer(tokenizer).rows(weighted(1, weight))


@pytest.mark.parametrize(("weights", "train_on"), [
    ((0, 0), TrainOn.answers),
    ((1, 0), TrainOn.last_answer),
])  # fmt: skip
def test_a_conversation_without_a_trained_answer_is_unsupervised(tokenizer, weights, train_on):
    with pytest.raises(Unsupervised, match="weight 0: no token of it would be trained on"):
        Renderer(tokenizer, train_on).rows(weighted(*weights))


def test_all_of_a_raw_completion_is_trained_on_when_asked_for(make_tokenizer):
    tokenizer = make_tokenizer(eos="</s>", adds_bos=True)
    example = Completion(where=HERE, text="Q: hi\nA:", completion=" hello")
    _, [(_, trained)] = encode(tokenizer, example, TrainOn.everything)
    assert trained == ["<s>Q: hi\nA: hello</s>"]


def test_a_system_prompt_and_the_bos_are_the_head_of_a_row(make_tokenizer, templates):
    tokenizer = make_tokenizer(templates["llama_3"], eos="<|eot_id|>")
    encoder, renderer = Encoder(tokenizer), Renderer(tokenizer)
    [apart] = encoder.rows(renderer.rows(chat("sys:be kind", "hi", "hello")))
    head = "<s><|start_header_id|>system<|end_header_id|>\n\nbe kind<|eot_id|>"
    assert tokenizer.decode(apart.input_ids[: apart.head]) == head
    [without] = encoder.rows(renderer.rows(chat("hi", "hello")))
    assert without.head == 1


TRAINING = sorted(REAL[0].parent.glob("*_training.jinja")) if REAL else []
TRAINING = [path for path in TRAINING if path.stem.removesuffix("_training") not in FOR_PICTURES]


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_the_marks_of_real_templates_agree_with_what_is_trained_on(make_tokenizer, path):
    tokenizer = make_tokenizer(path.read_text(encoding="utf-8"), eos="</s>", adds_bos=True)
    for example in (
        chat("QUESTION0", "ANSWER0", "QUESTION1", "ANSWER1"),
        chat("QUESTION0", "<think>\nso\n</think>\n\nANSWER0"),
    ):
        renderer = Renderer(tokenizer)
        renderer.rows(example)
        assert renderer.disagreement is None
