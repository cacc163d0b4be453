"""What transformers would leave out of a request is refused, in words."""

from typing import Any

import pytest

pytest.importorskip("starlette")

from ftrecipe.stages.serving.refusals import Refused
from ftrecipe.stages.serving.requests import check_chat, check_prompt

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"logprobs": True, "top_logprobs": 2}, "logprobs: transformers has none of it"),
        ({"presence_penalty": 1}, "presence_penalty: transformers has none of it"),
        ({"response_format": {"type": "json_object"}}, "response_format: transformers writes"),
        ({"logit_bias": {"a": 1}}, "logit_bias: should be numbers by the ids of tokens"),
    ],
)
def test_what_transformers_does_not_know_is_refused(asked: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused) as refused:
        check_chat(HI | asked)
    assert why in str(refused.value.detail)
    assert refused.value.param in asked


def test_what_asks_for_nothing_passes() -> None:
    check_chat(HI | {"logprobs": False, "presence_penalty": 0, "response_format": {"type": "text"}})
    check_prompt({"prompt": "A", "echo": False, "best_of": 1, "logprobs": None})


def test_a_bias_in_whole_numbers_is_one_that_transformers_takes() -> None:
    body = HI | {"logit_bias": {"36": -100}}
    check_chat(body)
    assert body["logit_bias"] == {"36": -100.0}
    assert type(body["logit_bias"]["36"]) is float


@pytest.mark.parametrize("asked", [{"echo": True}, {"best_of": 3}])
def test_what_no_server_here_knows_of_texts_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="is not known here"):
        check_prompt({"prompt": "A"} | asked)
