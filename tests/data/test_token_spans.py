"""Which tokens a span of characters has, for every kind of tokenizer, without all offsets."""

from bisect import bisect_left, bisect_right
from functools import cache
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.data.example import Where
from ftrecipe.data.tokens.render import Rendered
from ftrecipe.data.tokens.tokenize import MASKED, Encoder, tokens_of

HERE = Where("x.jsonl", "line", 1)
WORDS = ["the answer to what", "hello there, don't stop", "naïve 東京 привет", "a  b\n\nc"] * 3
KINDS = ["byte_level", "byte_level_trimmed", "metaspace", "unigram", "word_piece", "words"]
TEXTS = st.text(
    st.sampled_from("ab heTlo.,!?\n\t  '0189<>éß東京привет😀👩\u200d🚀\u0301\u00a0\x01"),
    max_size=60,
)


@cache
def tokenizer_of(kind: str) -> Any:
    """Return a small tokenizer of one kind, trained on a few words."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers
    from tokenizers import pre_tokenizers as pre
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>", "<|end|>"]
    known: dict[str, Any] = {"special_tokens": special, "show_progress": False}
    if kind.startswith("byte_level"):
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        if kind == "byte_level_trimmed":
            made.post_processor = processors.ByteLevel(trim_offsets=True)
        alphabet = pre.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, **known)
    elif kind == "metaspace":
        made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
        made.pre_tokenizer = pre.Metaspace(prepend_scheme="first")
        trainer = trainers.BpeTrainer(vocab_size=120, **known)
    elif kind == "unigram":
        made = Tokenizer(models.Unigram())
        made.normalizer = normalizers.Sequence(
            [normalizers.NFKC(), normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        trainer = trainers.UnigramTrainer(vocab_size=80, unk_token="<unk>", **known)
    elif kind == "word_piece":
        made = Tokenizer(models.WordPiece(unk_token="<unk>"))
        made.normalizer = normalizers.BertNormalizer()
        made.pre_tokenizer = pre.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=120, **known)
    else:
        made = Tokenizer(models.WordLevel(unk_token="<unk>"))
        made.pre_tokenizer = pre.Whitespace()
        trainer = trainers.WordLevelTrainer(vocab_size=80, **known)
    made.train_from_iterator(WORDS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")


def by_all_offsets(offsets: list[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int]:
    """Return the tokens of a span as all offsets give them."""
    start, end = span
    first = bisect_right(offsets, start, key=itemgetter(1))
    return first, bisect_left(offsets, end, key=itemgetter(0))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(parts=st.lists(st.one_of(TEXTS, st.just("<|end|>")), min_size=2, max_size=5), data=st.data())
def test_a_span_has_the_tokens_that_all_offsets_say(kind, parts, data):
    text = "".join(parts)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    encoded = tokenizer_of(kind).backend_tokenizer.encode(text, add_special_tokens=False)
    if start == end:
        return
    first, stop = tokens_of(encoded, (start, end), len(text), len(encoded.ids))
    expected_first, expected_stop = by_all_offsets(encoded.offsets, (start, end))
    assert list(range(first, stop)) == list(range(expected_first, expected_stop))


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_the_tokenizers_own(kind):
    tokenizer = tokenizer_of(kind)
    for text in (*WORDS, "😀 hello<|end|> there"):
        [row] = Encoder(tokenizer).rows([Rendered(HERE, text, [(0, len(text))])])
        assert row.input_ids[:-1] == tokenizer(text, add_special_tokens=False)["input_ids"]
        assert row.input_ids[-1] == tokenizer.eos_token_id


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(parts=st.lists(st.one_of(TEXTS, st.just("<|end|>"), st.just("</s>\n")), max_size=5))
def test_a_row_of_which_all_is_trained_on_is_the_same_alone_and_beside_others(kind, parts):
    text = "".join(parts)
    whole = Rendered(HERE, text, [(0, len(text.rstrip()))])
    encoder = Encoder(tokenizer_of(kind))
    [alone] = encoder.rows([whole])
    masked = Rendered(HERE, "what hello", [(5, 10)])
    assert encoder.rows([whole, masked])[0] == alone


def test_truncation_and_padding_that_a_tokenizer_was_saved_with_are_not_ours():
    tokenizer = tokenizer_of("byte_level")
    tokenizer.backend_tokenizer.enable_truncation(3)
    tokenizer.backend_tokenizer.enable_padding(length=50)
    [row] = Encoder(tokenizer).rows([Rendered(HERE, "hello there</s>", [(5, 15)])])
    assert tokenizer.decode(row.input_ids) == "hello there</s>"


def test_the_count_of_trained_tokens_is_that_of_the_labels():
    encoder = Encoder(tokenizer_of("byte_level"))
    texts = [
        Rendered(HERE, "what? hello there", [(0, 5), (6, 11)], raw=raw) for raw in (True, False)
    ]
    for row in encoder.rows(texts):
        assert row.supervised == len(row.labels) - row.labels.count(MASKED)


def test_a_long_run_of_characters_without_tokens_is_stepped_over():
    encoder = Encoder(tokenizer_of("word_piece"))
    text = "what" + " " * 500 + "hello"
    [row] = encoder.rows([Rendered(HERE, text, [(5, len(text))])])
    trained = [token for token in row.labels if token != MASKED]
    assert encoder.tokenizer.convert_ids_to_tokens(trained)[-1] == "</s>"
    assert row.labels[0] == MASKED
    assert len(trained) == len(encoder.backend.encode("hello", add_special_tokens=False).ids) + 1
