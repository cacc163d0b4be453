"""Engines of transformers and PEFT: loaded as their users load them, and asked as the gate asks."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from faulty import Trained

from ftrecipe.components.eval import Decoding
from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.errors import StageError
from ftrecipe.stages.engines import Engine, Settings, opened
from ftrecipe.stages.engines.torch_model import _unsure

TINY = BUILTIN / "tiny"
QUESTION = [{"role": "user", "content": "When does the museum open?"}]


@pytest.fixture(scope="module")
def tiny() -> Iterator[Engine]:
    with ExitStack() as stack:
        artefact = Artefact("", "transformers", TINY, Closeness.exact)
        yield stack.enter_context(opened(artefact, Settings()))


def test_end_tokens_are_those_that_the_folder_declares(tiny: Engine) -> None:
    assert tiny.ends == {3}


def test_special_tokens_in_a_text_are_read_as_such_and_none_is_added(tiny: Engine) -> None:
    assert 3 in tiny.tokenized("a<|im_end|>b")
    assert 3 not in tiny.tokenized("a b")
    assert tiny.prompt(QUESTION, None)[-1] == tiny.tokenized("assistant\n")[-1]


def test_log_probabilities_of_prompts_of_all_lengths_are_those_of_each_alone(tiny: Engine) -> None:
    prompts = [tiny.tokenized("word " * count) for count in (1, 40, 7)]
    found = tiny.next_logprobs(prompts)
    assert found.shape[0] == 3
    np.testing.assert_allclose(np.exp(found).sum(1), 1, atol=1e-4)
    for row, prompt in enumerate(prompts):
        np.testing.assert_allclose(found[row], tiny.next_logprobs([prompt])[0], atol=1e-4)


def test_stream_gives_in_pieces_what_generation_gives_as_a_whole(tiny: Engine) -> None:
    for decoding in (Decoding(max_new_tokens=30), Decoding(max_new_tokens=30, stop=("the",))):
        (whole,) = tiny.generate([tiny.prompt(QUESTION, None)], decoding)
        pieces = list(tiny.stream(QUESTION, decoding))
        assert "".join(pieces) == whole.text
        assert len(pieces) > 1 or not whole.text


def test_streams_that_take_turns_leave_gradients_as_they_were(tiny: Engine) -> None:
    first, second = (tiny.stream(QUESTION, Decoding(max_new_tokens=30)) for _ in range(2))
    said = next(first) + next(second)
    assert torch.is_grad_enabled()
    assert said + "".join(first) + "".join(second)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("text", "stops", "held"),
    [
        ("whole", (), 0),
        ("half a character \ufffd", (), 2),
        ("a line\n", (), 1),
        ("said <|en", ("<|end|>",), 5),
        ("all <|end|", ("<|end|>",), 7),
    ],
)
def test_what_may_still_change_is_held_back(text: str, stops: tuple[str, ...], held: int) -> None:
    assert _unsure(text, stops) == held


def test_folder_that_holds_no_model_is_told_in_one_line(tmp_path: Path) -> None:
    artefact = Artefact("", "transformers", tmp_path, Closeness.exact)
    with pytest.raises(StageError, match="cannot be loaded"), opened(artefact, Settings()):
        pass


@pytest.mark.slow
def test_adapter_is_put_on_the_base_that_it_names(run: Trained) -> None:
    found = run.judged(run.session.dir.export / "adapter", "peft", Closeness.exact)
    assert found["about"].startswith("peft ")
    assert found["logprobs"]["max"] < 1e-4
    assert found["kl"]["to_base"] > 10 * found["kl"]["to_trained"]
