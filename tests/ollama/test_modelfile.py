"""What is written into a Modelfile, and what Ollama's parser reads of it."""

import pytest

from ftrecipe.ollama.modelfile import Modelfile, quoted
from ftrecipe.ollama.names import fault, from_run, full, named


def read(text: str) -> list[tuple[str, str]]:
    """Return the commands of a Modelfile as Ollama's parser finds them, a letter at a time."""
    found, at = [], 0
    while at < len(text):
        name = text[at:].split(" ", 1)[0]
        at += len(name) + 1
        if name == "PARAMETER":
            name = text[at:].split(" ", 1)[0]
            at += len(name) + 1
        value = ""
        while True:
            letter = text[at : at + 1]
            at += 1
            bare = value.strip()
            mark = next((mark for mark in ('"""', '"') if bare.startswith(mark)), "")
            whole = not mark or (len(bare) >= 2 * len(mark) and bare.endswith(mark))
            if letter in ("", "\n", "\r") and (whole or letter == ""):
                assert whole, "unexpected end"
                found.append((name, bare[len(mark) : len(bare) - len(mark)]))
                break
            value += letter
        while text[at : at + 1] in ("\n", "\r"):
            at += 1
    return found


TEXTS = [
    "You are a help desk.", 'Say "hello".', '"quoted"', 'ends with "', "two\nlines", "  spaced  ",
    '\nfirst line empty\n', 'quotes """ within a line\nand another', 'a "\nb', '"', '""', '"""',
    "# no comment\nFROM nothing\nPARAMETER stop x", "tabs\tand\r\nreturns", "数字 🙂", "x " * 3000,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_system_prompt_is_read_as_it_was_trained(text: str) -> None:
    written = Modelfile("m.gguf", system=text, stop=("<|im_end|>",), num_ctx=64, license="mit")
    assert read(written.text) == [
        ("FROM", "./m.gguf"), ("SYSTEM", text), ("stop", "<|im_end|>"), ("num_ctx", "64"),
        ("LICENSE", "mit"),
    ]  # fmt: skip


def test_a_text_that_no_quotes_can_hold_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the system prompt cannot be written in a Modelfile"):
        quoted("system prompt", 'code:\n"""\nx\n"""\nend')


def test_what_nobody_asked_for_is_not_there() -> None:
    assert Modelfile("m.gguf").text == "FROM ./m.gguf\n"
    assert Modelfile("m.gguf").parameters == {}


def test_every_end_token_gets_a_line_of_its_own() -> None:
    written = Modelfile("m.gguf", stop=("</s>", "<|im_end|>"), template="{{ .Prompt }}")
    assert read(written.text)[1:] == [
        ("TEMPLATE", "{{ .Prompt }}"), ("stop", "</s>"), ("stop", "<|im_end|>")
    ]  # fmt: skip


def test_letters_that_ollama_drops_are_told() -> None:
    assert Modelfile("m.gguf", system="a\u00a0b 👩\u200d🚒\n\tc").lost == ["U+00A0", "U+200D"]
    assert Modelfile("m.gguf", system="Ä 数字 🙂\n\tc").lost == []


@pytest.mark.parametrize("name", ["faq", "team/faq:v2", "localhost:5000/x/faq:1", "Faq_1.2"])
def test_names_of_models_are_taken(name: str) -> None:
    assert fault(name) is None


@pytest.mark.parametrize("name", ["", "a b", "-x", "faq:", "a:b:c", "a/b/c/d", "fäq", "x" * 99])
def test_what_is_no_name_is_said_to_be_none(name: str) -> None:
    assert "no name of a model" in (fault(name) or "")


def test_a_tag_that_is_switched_is_not_the_model_s_own() -> None:
    assert "is one that is switched" in (fault("faq:latest") or "")
    assert fault("faq:latest", switched=True) is None


def test_a_name_has_its_tags() -> None:
    assert named("faq").tagged("base") == "faq:base"
    assert (named("faq").tuned, named("team/faq:v2").tuned) == ("tuned", "v2")
    assert (full("host:5000/x/faq"), full("faq:v2")) == ("host:5000/x/faq:latest", "faq:v2")


@pytest.mark.parametrize(
    ("run", "name"),
    [
        ("quickstart", "quickstart"),
        ("Team A/über", "team-a-ber"),
        ("--", "tuned"),
        ("x" * 99, "x" * 80),
    ],
)
def test_a_run_s_name_becomes_one_of_a_model(run: str, name: str) -> None:
    assert from_run(run) == name
    assert fault(name) is None
