"""What files say of their use is held against what training used, as far as that is known."""

from pathlib import Path
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from ftrecipe.stages.engines import Engine, NotAsked
from ftrecipe.stages.exporting.fidelity.declared import Allowed, declared

PLACE = Path("nowhere")
NOBODY = cast(PreTrainedTokenizerBase, None)


class Saying:
    """An artefact that declares so much, and tells nobody the ids of a text."""

    def __init__(self, **declares: Any) -> None:
        self.declares = declares

    def raw(self, text: str) -> list[int]:
        raise NotAsked(text)


def differing(known: Allowed, **declares: Any) -> list[str]:
    found = declared(cast(Engine, Saying(**declares)), PLACE, known, NOBODY)
    assert found["of"] == len(declares)
    return list(found["differing"])


def test_setting_that_nobody_had_is_another() -> None:
    assert differing({}, temperature=1.5) == ["temperature"]


def test_each_of_several_values_may_be_said() -> None:
    known: Allowed = {"max_position_embeddings": [32768, 4096]}
    assert differing(known, max_position_embeddings=4096) == []
    assert differing(known, max_position_embeddings=2048) == ["max_position_embeddings"]


def test_setting_that_the_config_calls_otherwise_is_not_judged() -> None:
    assert differing({"rms_norm_eps": []}, rms_norm_eps=1e-5) == []


def test_numbers_of_32_bits_are_those_of_64() -> None:
    assert differing({"rms_norm_eps": [1e-5]}, rms_norm_eps=9.999999747378752e-06) == []
    assert differing({"rope_theta": [1e6]}, rope_theta=2e6) == ["rope_theta"]
