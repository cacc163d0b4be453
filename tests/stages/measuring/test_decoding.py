from dataclasses import replace

import pytest
import torch
from random_llama import TEMPLATE, random_llama, random_prompts, random_tokenizer
from transformers import TopKLogitsWarper, TopPLogitsWarper

from ftrecipe.components.eval import AnswerEval, Decoding
from ftrecipe.components.eval.qa import Qa
from ftrecipe.stages.measuring.choosing import Chooser
from ftrecipe.stages.measuring.generation import generate

GREEDY = Decoding(max_new_tokens=12)
HOT = Decoding(max_new_tokens=8, temperature=1.5, seed=3)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tokenizer():
    return random_tokenizer(TEMPLATE)


@pytest.fixture(scope="module")
def model():
    return random_llama()


@pytest.mark.parametrize("more", [{}, {"top_k": 5}, {"top_p": 0.8}, {"repetition_penalty": 1.3}])
def test_sampled_answers_do_not_depend_on_the_batch(model, tokenizer, more):
    prompts, hot = random_prompts(16), replace(HOT, **more)
    together = generate(model, tokenizer, prompts, hot)
    assert together == generate(model, tokenizer, prompts, hot, batch_size=1)
    assert together[3:] == generate(model, tokenizer, prompts[3:], hot, batch_size=5)


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 0.0}, {"temperature": 1e-30}])
def test_what_leaves_one_token_is_greedy(model, tokenizer, narrow):
    prompts = random_prompts(8)
    drawn = generate(model, tokenizer, prompts, replace(GREEDY, **({"temperature": 1.5} | narrow)))
    assert drawn == generate(model, tokenizer, prompts, GREEDY)


def drawn(logits: torch.Tensor, decoding: Decoding, times: int) -> torch.Tensor:
    """Return how often each token is chosen from the same logits, by dice of many prompts."""
    prompts = [[at] for at in range(times)]
    chooser = Chooser(decoding, prompts, CPU)
    chosen = chooser.choose(logits.expand(times, -1), list(range(times)), 0)
    return torch.bincount(chosen, minlength=len(logits)) / times


def test_tokens_are_drawn_as_often_as_they_are_likely():
    logits = torch.tensor([0.0, 2.0, -1.0, 1.0])
    often = drawn(logits, Decoding(max_new_tokens=1, temperature=2.0), 20_000)
    assert often.tolist() == pytest.approx((logits / 2).softmax(-1).tolist(), abs=0.012)


@pytest.mark.parametrize(
    ("more", "warper"),
    [({"top_k": 3}, TopKLogitsWarper(3)), ({"top_p": 0.7}, TopPLogitsWarper(0.7))],
)
def test_tokens_are_drawn_from_those_that_transformers_keeps(more, warper):
    logits = torch.randn(12, generator=torch.Generator().manual_seed(1))
    often = drawn(logits, Decoding(max_new_tokens=1, temperature=1.0, **more), 20_000)
    kept = warper(torch.zeros(1, 1), logits.unsqueeze(0).clone())[0].softmax(-1)
    assert often.tolist() == pytest.approx(kept.tolist(), abs=0.015)


def test_the_repetition_penalty_is_that_of_transformers(model, tokenizer):
    prompts = random_prompts(5)
    ours = generate(model, tokenizer, prompts, replace(GREEDY, repetition_penalty=1.7))
    for prompt, said in zip(prompts, ours, strict=True):
        ids = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, repetition_penalty=1.7
        )
        theirs = tokenizer.decode(ids[0, len(prompt) :], skip_special_tokens=True)
        assert said.text == theirs.strip()
    assert ours != generate(model, tokenizer, prompts, GREEDY)


def test_a_stop_text_ends_an_answer_and_is_no_part_of_it(model, tokenizer):
    prompts = random_prompts(10)
    free = generate(model, tokenizer, prompts, GREEDY)
    words = free[0].text.split()
    stop = f"{words[3]} {words[4]}"
    stopped = generate(model, tokenizer, prompts, replace(GREEDY, stop=(stop, "nowhere")))
    assert stopped[0].text == " ".join(words[:3])
    assert stopped[0].ended
    assert stopped[0].tokens == 5
    assert stopped[1:] == [said for said in free[1:] if stop not in said.text], (
        "the others go on as they did"
    )


def test_a_stop_text_that_begins_within_a_token_is_found(model, tokenizer):
    (free,) = generate(model, tokenizer, random_prompts(1), GREEDY)
    words = free.text.split()
    stop = f"{words[5][1:]} {words[6]}"
    (said,) = generate(model, tokenizer, random_prompts(1), replace(GREEDY, stop=(stop,)))
    assert said.text == free.text[: free.text.index(stop)].strip()


def test_a_special_token_may_be_a_stop_text():
    tokenizer, model = random_tokenizer(), random_llama()
    prompts = random_prompts(1)
    (free,) = generate(model, tokenizer, prompts, GREEDY)
    word = free.text.split()[4]
    tokenizer.add_special_tokens({"extra_special_tokens": [word]})
    (said,) = generate(model, tokenizer, prompts, replace(GREEDY, stop=(word,)))
    assert (said.tokens, said.ended) == (4, True)


def test_a_suite_hands_its_decoding_on_whole():
    suite = Qa(temperature=0.5, top_p=0.9, top_k=7, repetition_penalty=1.2, stop=["\n"], seed=4)
    assert suite.decoding() == Decoding(64, 0.5, 4, 0.9, 7, 1.2, ("\n",))
    assert isinstance(suite, AnswerEval)


def test_the_default_is_greedy():
    assert Qa().decoding() == Decoding()
    assert Decoding().temperature == 0
