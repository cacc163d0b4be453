"""What a trainer trains on: other data is refused for a run, and may be looked at."""

import json

import pytest

from ftrecipe.compose import compose
from ftrecipe.errors import RuleError


@pytest.fixture
def pairs(here):
    (here / "p.jsonl").write_text(json.dumps({"prompt": "q", "chosen": "a", "rejected": "b"}))
    return ["dataset=preference", "dataset.path=p.jsonl"]


def test_preference_pairs_are_not_trained_on_by_supervised_fine_tuning(pairs):
    with pytest.raises(RuleError) as error:
        compose(pairs)
    assert str(error.value) == (
        "trainer=sft trains on chats, raw completions or plain text; dataset=preference yields "
        "preference pairs: look at it with check, or keep its good answers with convert --to "
        "messages --out FILE and train on those"
    )


def test_a_mix_is_refused_for_one_of_its_sources(pairs):
    with pytest.raises(RuleError, match="dataset=preference yields preference pairs"):
        compose(["dataset=mix", "dataset.sources.a.path=p.jsonl"])


def test_an_audit_takes_every_kind_of_data(pairs):
    assert compose(pairs, audit_only=True).run.dataset.produces() == "preference"


def test_a_file_chooses_its_own_format(pairs):
    asked = compose(["dataset=p.jsonl"], audit_only=True)
    assert asked.choices["dataset"] == "preference"
