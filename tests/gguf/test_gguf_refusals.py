"""What of a model has no place in a GGUF file is told before a weight is read, with what to do."""

import json
from typing import Any

import pytest
from answers import ROOT

from ftrecipe.errors import ConfigError
from ftrecipe.gguf.families import family_of
from ftrecipe.gguf.kinds import faults
from ftrecipe.gguf.pretokenizer import DIGIT, GPT2, QWEN2, TEKKEN, name_of
from ftrecipe.gguf.rotary import rotary_of
from ftrecipe.gguf.special import framed
from ftrecipe.gguf.tokenizer import vocabulary_of

TINY = json.loads((ROOT / "ftrecipe/builtin/tiny/tokenizer.json").read_text("utf-8"))
LLAMA = {"model_type": "llama", "hidden_act": "silu"}


def split(pattern: str, **more: Any) -> dict[str, Any]:
    """Return a pre-tokenizer that splits by a pattern, then turns text into bytes."""
    by = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    return {"type": "Sequence", "pretokenizers": [by | more, to_bytes]}


def tokenizer(pre: dict[str, Any] | None, **model: Any) -> dict[str, Any]:
    """Return a tokenizer.json with another pre-tokenizer and other settings of its model."""
    return TINY | {"pre_tokenizer": pre, "model": TINY["model"] | model}


def test_an_unknown_family_is_told_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match=r"models of the kind gpt2 .*llama_cpp.*known: llama"):
        family_of({"model_type": "gpt2"})


def test_values_that_llama_cpp_does_not_read_are_told_together() -> None:
    odd = {"hidden_act": "gelu", "partial_rotary_factor": 0.5, "quantization_config": {"bits": 4}}
    with pytest.raises(ConfigError, match=r"hidden_act='gelu', partial.*=0.5, quantized weights"):
        family_of(LLAMA | odd)


def test_layers_without_positions_other_than_llama_cpps_are_refused() -> None:
    smol = {"model_type": "smollm3", "no_rope_layers": [1, 1, 1, 0, 1]}
    assert family_of(smol).architecture == "smollm3"
    with pytest.raises(ConfigError, match=r"no place for no_rope_layers other than 0 at every 4th"):
        family_of(smol | {"no_rope_layers": [1, 1, 0, 1, 1]})


def test_types_are_checked_by_name() -> None:
    assert faults(["f16", "q8_0"]) == []
    unknown, twice = faults(["q4_km", "f16", "f16"])
    assert "did you mean q4_k_m?" in unknown
    assert twice.startswith("names f16 twice")


@pytest.mark.parametrize("kind", ["dynamic", "longrope", "proportional"])
def test_an_unknown_stretching_of_positions_is_refused(kind: str) -> None:
    said = {"rope_parameters": {"rope_type": kind, "factor": 2.0}, "max_position_embeddings": 64}
    with pytest.raises(ConfigError, match=f"rope_type='{kind}'"):
        rotary_of(said, 32)


def test_old_and_new_configs_say_the_same_of_positions() -> None:
    old = {"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}}
    new = {"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}}
    length = {"max_position_embeddings": 64}
    assert rotary_of(old | length, 32) == rotary_of(new | length, 32)


def test_yarn_with_settings_that_llama_cpp_lacks_is_refused() -> None:
    said = {"rope_type": "yarn", "factor": 4.0, "mscale": 0.7}
    with pytest.raises(ConfigError, match=r"yarn with mscale=0\.7"):
        rotary_of({"rope_parameters": said, "max_position_embeddings": 64}, 32)


def test_a_splitting_is_known_by_what_it_does() -> None:
    digits = {"type": "Digits", "individual_digits": True}
    by_words = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    steps = {"type": "Sequence", "pretokenizers": [digits, by_words]}
    same = {"type": "Sequence", "pretokenizers": [split(DIGIT), split(GPT2)]}
    assert name_of(tokenizer(steps)) == name_of(tokenizer(same)) == "smollm"
    assert name_of(tokenizer(by_words)) == "gpt-2"
    assert name_of(tokenizer(split(QWEN2))) == "qwen2"
    assert name_of(tokenizer(split(QWEN2, behavior="Removed", invert=True))) == "qwen2"
    assert name_of(tokenizer(split(TEKKEN), ignore_merges=True)) == "tekken"


@pytest.mark.parametrize(
    ("pre", "said"),
    [
        (split(r"\s+"), r"'\\\\s\+'"),
        (split(QWEN2, behavior="Removed"), "<Split>"),
        ({"type": "Whitespace"}, "<Whitespace>"),
        ({"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}, "<ByteLevel>"),
        (None, "none of the pre-tokenizers"),
    ],
)
def test_an_unknown_splitting_is_never_written_as_a_default(
    pre: dict[str, Any] | None, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        name_of(tokenizer(pre))


def test_a_splitting_is_refused_where_merges_are_taken_otherwise() -> None:
    with pytest.raises(ConfigError, match="'s qwen2 does, but with ignore_merges=true"):
        name_of(tokenizer(split(QWEN2), ignore_merges=True))


def test_rows_without_a_token_are_unused() -> None:
    found = vocabulary_of(TINY, 2051, apart=True)
    assert found.tokens[-1] == "[PAD2050]"
    assert [kind.name for kind in found.types[-4:]] == ["NORMAL", "UNUSED", "UNUSED", "UNUSED"]


def test_more_tokens_than_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="2,048 tokens, and the model 2,000 rows"):
        vocabulary_of(TINY, 2000, apart=True)


def test_two_tokens_of_one_text_are_refused() -> None:
    twice = {"id": 2048, "content": "a", "special": False, "normalized": False}
    with pytest.raises(ConfigError, match="two tokens of one text, 'a'"):
        vocabulary_of(TINY | {"added_tokens": [*TINY["added_tokens"], twice]}, 2049, apart=True)


def test_an_added_token_that_takes_spaces_along_is_refused() -> None:
    taking = {"id": 2048, "content": "<x>", "special": True, "rstrip": True}
    with pytest.raises(ConfigError, match=r"'<x>' act on the text beside them"):
        vocabulary_of(TINY | {"added_tokens": [*TINY["added_tokens"], taking]}, 2049, apart=True)


def test_a_tokenizer_that_changes_text_first_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"changes text first \(Lowercase\)"):
        vocabulary_of(TINY | {"normalizer": {"type": "Lowercase"}}, 2048, apart=True)


def test_merges_that_are_no_sentencepieces_are_refused() -> None:
    bytes_ = [f"<0x{number:02X}>" for number in range(256)]
    vocab = {
        text: number for number, text in enumerate([*bytes_, "a", "b", "c", "ab", "bc", "abc"])
    }
    model = {"vocab": vocab, "merges": [["a", "b"], ["b", "c"], ["ab", "c"]], "byte_fallback": True}
    with pytest.raises(ConfigError, match="1 pairs left out"):
        vocabulary_of(tokenizer(None, **model), 262, apart=True)


def test_tokens_around_a_text_are_read_from_the_post_processor() -> None:
    single = [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]
    step = {"type": "TemplateProcessing", "single": single, "special_tokens": {"<s>": {"ids": [1]}}}
    steps = {"type": "Sequence", "processors": [{"type": "ByteLevel"}, step]}
    assert framed({"post_processor": steps}) == ([1], [])
    assert framed({"post_processor": None}) == ([], [])
