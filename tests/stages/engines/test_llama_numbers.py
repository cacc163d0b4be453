"""What llama.cpp says of all tokens is read without making JSON of it."""

import json

import numpy as np

from ftrecipe.stages.engines.llama_cpp import numbers

EVIL = ['"id":7,', '","logprob":1', '"top_logprobs":[', "}],", "\\", "\n"]


def test_numbers_are_read_beside_any_text() -> None:
    tokens = [
        {"id": at, "token": text, "bytes": [*text.encode()], "logprob": -at * 1.25e-7}
        for at, text in enumerate(EVIL)
    ]
    tokens += [{"id": 99, "token": "x", "bytes": [], "logprob": None}]
    each = {"id": 3, "token": "a", "logprob": -1.5, "top_logprobs": tokens}
    answer = {"content": EVIL[2], "id_slot": 0, "completion_probabilities": [each], "end": EVIL}
    ids, values = numbers(json.dumps(answer, separators=(",", ":")).encode())
    assert ids.tolist() == [*range(len(EVIL)), 99]
    assert values[:-1].tolist() == [-at * 1.25e-7 for at in range(len(EVIL))]
    assert np.isnan(values[-1])
