"""Text that already carries a template: recognized, taken apart, or left alone."""

import pytest

from ftrecipe.data.tokens.wrapped import already, tidied, unwrapped, without_beginning, without_end

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes "
    "the request.\n\n### Instruction:\nq\n\n### Response:\n"
)
WRAPPED = [
    ("ChatML", "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n", "a<|im_end|>"),
    ("ChatML", "<|im_start|>user\nq<|im_end|>", "a"),
    ("Llama 2 [INST]", "<s>[INST] q [/INST]", " a </s>"),
    (
        "Llama 3",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "a<|eot_id|>",
    ),
    ("Gemma", "<start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n", "a<end_of_turn>"),
    ("<|user|>", "<|user|>\nq</s>\n<|assistant|>\n", "a"),
    ("### Instruction", ALPACA, "a"),
    ("### Question", "### Question:\nq\n\n### Answer:", "a"),
    ("### Human", "### Human: q ### Assistant:", " a"),
    ("Human: / Assistant:", "\n\nHuman: q\n\nAssistant:", " a"),
    ("USER: / ASSISTANT:", "USER: q ASSISTANT:", " a</s>"),
]


def turns(messages):
    return [(message["role"], message["content"]) for message in messages]


@pytest.mark.parametrize(("name", "prompt", "answer"), WRAPPED)
def test_a_template_is_recognized_and_taken_apart(name, prompt, answer):
    assert already(prompt) == name
    assert turns(unwrapped(prompt, answer)) == [("user", "q"), ("assistant", "a")]


@pytest.mark.parametrize(
    "prompt",
    ["What does [INST] mean?", "Explain ### Instruction: to me", "Human: is it?\nNo.", "plain",
     "a ### Response:\nb", "USER: said the manual", "x <b>bold</b>"],
)  # fmt: skip
def test_words_about_templates_are_no_template(prompt):
    assert already(prompt) is None


def test_a_system_prompt_inside_of_the_first_question_is_found():
    found = unwrapped("<s>[INST] <<SYS>>\nbe kind\n<</SYS>>\n\nq [/INST]", " a </s>")
    assert turns(found) == [("system", "be kind"), ("user", "q"), ("assistant", "a")]


def test_an_input_is_put_below_its_instruction():
    prompt = "### Instruction:\nadd\n\n### Input:\n1, 2\n\n### Response:\n"
    assert turns(unwrapped(prompt, "3"))[0] == ("user", "add\n\n1, 2")


def test_several_turns_are_taken_apart():
    found = unwrapped("\n\nHuman: q\n\nAssistant: a\n\nHuman: r\n\nAssistant:", " b")
    assert [content for _, content in turns(found)] == ["q", "a", "r", "b"]


@pytest.mark.parametrize(
    "prompt",
    ["<|im_start|>critic\nq<|im_end|>\n<|im_start|>assistant\n", "<|im_end|> q <|im_start|>user",
     "<|im_start|>user\nq<|im_end|>\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n"],
)  # fmt: skip
def test_what_does_not_parse_whole_is_not_taken_apart(prompt):
    assert already(prompt)
    assert unwrapped(prompt, "a") is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [("a</s>", "a"), ("a <|endoftext|>\n", "a"), ("a<|im_end|></s>", "a"), ("a \n", "a \n"),
     ("strike <s>this</s>", "strike <s>this</s>"), ("</s>", "")],
)  # fmt: skip
def test_end_tokens_are_taken_off_and_html_stays(text, bare):
    assert without_end(text) == bare


def test_beginning_tokens_are_taken_off_and_html_stays():
    assert without_beginning("<s> a") == "a"
    assert without_beginning("<s>old</s> new") == "<s>old</s> new"


def test_a_wrapped_question_of_a_conversation_is_taken_apart_and_noted():
    asked = {"role": "user", "content": "### Question:\nq\n\n### Answer:"}
    said = {"role": "assistant", "content": "a</s>"}
    messages, notes = tidied([asked, said])
    assert turns(messages) == [("user", "q"), ("assistant", "a")]
    assert notes == (
        "end tokens after answers were taken off",
        "the template ### Question was taken apart",
    )


def test_a_conversation_without_marks_is_the_very_same():
    messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    found, notes = tidied(messages)
    assert (found, notes) == (messages, ())


@pytest.mark.parametrize(("name", "prompt", "answer"), WRAPPED)
def test_a_prompt_whose_last_line_end_is_lost_is_taken_apart_all_the_same(name, prompt, answer):
    assert turns(unwrapped(prompt.strip(), answer)) == [("user", "q"), ("assistant", "a")]
