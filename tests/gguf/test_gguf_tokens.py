"""llama.cpp makes the same tokens of hard texts as the tokenizer that a file was written from."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import tokenizers_at_hand as at_hand
from hard_texts import TEXTS
from small_models import (
    NEAR,
    LlamaCpp,
    described,
    furthest,
    random_model,
    tiny_tokenizer,
    written,
)

NFC = [text for text in TEXTS if unicodedata.is_normalized("NFC", text)]
MARKED = "नमस्ते"  # combining marks: llama.cpp's "tekken" splits them off


def differing(tokenizer: Any, texts: list[str], folder: Path, **special: Any) -> list[str]:
    """Return the texts of which llama.cpp makes other tokens."""
    model = random_model(
        "llama", vocab_size=len(tokenizer) + 3, hidden_size=32, num_attention_heads=2,
        num_hidden_layers=1, tie_word_embeddings=True,
    )  # fmt: skip
    engine = LlamaCpp(written(described(model, tokenizer, **special), folder))
    return [
        text
        for text in texts
        if engine.tokens(text) != tokenizer.encode(text, add_special_tokens=False)
    ]


def _is_plain(text: str) -> bool:
    """Tell texts without marks and capitals beyond ASCII, where llama.cpp's "tekken" is coarser."""
    beyond = [unicodedata.category(letter) for letter in text if letter > "\x7f"]
    return not {"Lu", "Lt", "Mn", "Mc"} & set(beyond)


@pytest.mark.slow
def test_the_embedded_models_tokens_are_the_same(tmp_path: Path) -> None:
    texts = [*TEXTS, *(f"<|im_start|>user\n{text}<|im_end|>\n" for text in TEXTS)]
    assert differing(tiny_tokenizer(), texts, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", at_hand.STEPS)
def test_each_known_splitting_is_llama_cpps(name: str, tmp_path: Path) -> None:
    texts = [text for text in TEXTS if name != "tekken" or _is_plain(text)]
    tokenizer = at_hand.byte_level(name)
    tokenizer.add_tokens(["<think>"])  # told apart where no special tokens are read, too
    marked = [f"[INST]{text}<think>{text}[INST]" for text in texts]
    assert differing(tokenizer, [*texts, *marked], tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("way", ["legacy", "never"])
def test_characters_are_merged_the_same(way: str, tmp_path: Path) -> None:
    texts = [*TEXTS, *(f"<s>[INST] {text}[INST]{text}</s>" for text in TEXTS)]
    assert differing(at_hand.sentencepiece_like(way), texts, tmp_path) == []


@pytest.mark.slow
def test_a_space_at_the_beginning_alone_is_right_in_prompts(tmp_path: Path) -> None:
    prompts = [f"<s>[INST] {text}[INST]{text}</s>" for text in TEXTS]
    tokenizer = at_hand.sentencepiece_like("first")
    assert differing(tokenizer, prompts, tmp_path, apart=True) == []


@pytest.mark.slow
def test_a_space_at_the_beginning_alone_is_right_in_plain_text(tmp_path: Path) -> None:
    texts = [text for text in TEXTS if not text.startswith(" ") and "<s>" not in text]
    tokenizer = at_hand.sentencepiece_like("first")
    assert differing(tokenizer, texts, tmp_path, apart=False) == []


@pytest.mark.full
@pytest.mark.parametrize(
    "file", ["tokenizer.model.v1", "mistral_instruct_tokenizer_240323.model.v3"]
)
def test_mistrals_sentencepiece_tokens_are_the_same(file: str, tmp_path: Path) -> None:
    prompts = [f"<s>{text}" for text in TEXTS]
    assert differing(at_hand.mistral(file), prompts, tmp_path) == []


@pytest.mark.full
def test_tekkens_tokens_are_the_same(tmp_path: Path) -> None:
    texts = [text for text in TEXTS if MARKED not in text]
    prompts = [f"<s>[INST]{text}" for text in texts]
    assert differing(at_hand.mistral("tekken_240718.json"), [*texts, *prompts], tmp_path) == []


@pytest.mark.full
def test_qwens_tokens_are_the_same(tmp_path: Path) -> None:
    texts = [text for text in NFC if "</s>" not in text]  # which ends all in llama.cpp
    prompts = [f"<|im_start|>user\n{text}<think>\n{text}" for text in texts]
    assert differing(at_hand.qwen(), [*texts, *prompts], tmp_path) == []


@pytest.mark.full
@pytest.mark.parametrize("family", ["qwen3", "mistral"])
def test_a_model_with_its_own_tokenizer_computes_the_same(family: str, tmp_path: Path) -> None:
    tokenizers = {"qwen3": at_hand.qwen, "mistral": lambda: at_hand.mistral("tokenizer.model.v1")}
    tokenizer = tokenizers[family]()
    model = random_model(family, vocab_size=len(tokenizer), head_dim=32)
    file = written(described(model, tokenizer), tmp_path)
    assert furthest(model, file, tokenizer.encode("Where is my order 4711? " * 4)) < NEAR


@pytest.mark.slow
def test_a_template_with_marks_of_generation_is_rendered(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% generation %}{{ m.content }}"
        "{% endgeneration %}<|im_end|>\n{% endfor %}"
    )
    model = random_model("llama")
    engine = LlamaCpp(written(described(model, tokenizer), tmp_path))
    asked = [{"role": "user", "content": "Hello"}]
    assert engine.text(asked) == "<|im_start|>user\nHello<|im_end|>\n"
