"""The texts whose tokenisation every artefact has to agree on."""

import unicodedata

import pytest
from answers import ROOT
from tokenizers import normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from ftrecipe.config import Fidelity
from ftrecipe.stages.exporting.fidelity.asked import Asked
from ftrecipe.stages.exporting.fidelity.texts import COUNT


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """The embedded model's."""
    return AutoTokenizer.from_pretrained(ROOT / "ftrecipe/builtin/tiny")


def decomposed(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The texts that are asked in which a letter and its accent stand apart."""
    asked = Asked(Fidelity(), tokenizer, "test", [[2, 5, 6]], []).texts
    assert len(asked) == COUNT
    return [text for text in asked if unicodedata.normalize("NFC", text) != text]


def test_letters_apart_from_their_accents_are_asked(tokenizer: PreTrainedTokenizerFast) -> None:
    assert decomposed(tokenizer)


def test_a_tokenizer_that_composes_letters_is_asked_composed_ones(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    assert decomposed(tokenizer) == []


def test_a_tokenizer_that_changes_more_than_accents_is_asked_the_texts_as_they_are(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Prepend("▁")]
    )
    assert decomposed(tokenizer)
