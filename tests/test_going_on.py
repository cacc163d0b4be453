"""Runs that go on from others, and what of their tunes can be exported: told before any work."""

from pathlib import Path

import pytest

from ftrecipe import launch, plan
from ftrecipe.components.peft.lora import Lora
from ftrecipe.compose import compose
from ftrecipe.config import GROUPS
from ftrecipe.errors import RuleError
from ftrecipe.memory.architecture import read
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.continued import Earlier

TINY = {"path": "builtin:tiny", "revision": None, "sha256": ""}


def tuned(faq: str, *words: str) -> RunDir:
    """Return a run that has left an adapter."""
    rundir = launch.create(plan.make(compose([f"dataset={faq}", "export=[]", *words])))
    rundir.adapter.mkdir()
    write_json(rundir.base, TINY)
    return rundir


def refused(*words: str) -> str:
    with pytest.raises(RuleError) as found:
        compose(list(words))
    return str(found.value)


@pytest.fixture
def first(faq: str) -> RunDir:
    return tuned(faq)


@pytest.fixture
def merged(faq: str, first: RunDir) -> RunDir:
    return tuned(faq, f"model.from_run={first.path}", "model.from_run_as=merged")


def test_an_adapter_for_a_merged_base_is_no_export(faq: str, first: RunDir) -> None:
    words = [f"dataset={faq}", f"model.from_run={first.path}"]
    said = refused(*words, "model.from_run_as=merged", "export=[adapter,merged]")
    assert f"with the tune of {first.path} merged in" in said
    assert "export=merged" not in said.split("export=adapter")[0]
    compose([*words, "model.from_run_as=merged", "export=[merged]"])
    compose([*words, "export=[adapter,merged]"])


@pytest.mark.parametrize("way", ["adapter", "merged"])
def test_an_adapter_for_a_merged_base_is_not_gone_on_from(
    way: str, faq: str, first: RunDir, merged: RunDir
) -> None:
    said = refused(
        f"dataset={faq}", f"model.from_run={merged.path}", f"model.from_run_as={way}", "export=[]"
    )
    assert f"the tune of {first.path} merged in, which would be lost" in said
    assert f"model.path={merged.export / 'merged'}" in said


def test_the_base_of_a_run_that_went_on_is_that_of_the_first(
    faq: str, first: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tuned(faq, f"model.from_run={first.path}")
    assert read_json(second.run)["config"]["model"]["path"] is None
    monkeypatch.setattr("ftrecipe.stages.continued.base_fingerprint", lambda model: "")
    asked = compose([f"dataset={faq}", f"model.from_run={second.path}", "export=[]"]).run.model
    base = Earlier(str(second.path)).base(asked)
    assert (base.path, base.from_run) == ("builtin:tiny", None)


def test_biases_for_layers_without_one_cannot_be_merged(faq: str) -> None:
    words = [f"dataset={faq}", "model=tiny", "peft=lora", "peft.extra.lora_bias=true"]
    said = refused(*words, "export=[adapter,merged]")
    assert "this model has no bias in down_proj" in said
    assert said.endswith("use export=adapter")
    compose([*words, "export=[adapter]"])


def test_biases_for_layers_with_one_can() -> None:
    small = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    sizes = small | {"intermediate_size": 96, "vocab_size": 99, "num_key_value_heads": 2}
    architecture = read({"model_type": "qwen2", **sizes})
    assert architecture is not None
    method = GROUPS["peft"].get("lora")(target_modules=["q_proj"], extra={"lora_bias": True})
    assert isinstance(method, Lora)
    assert list(method.unmerged(architecture)) == []
    method.target_modules = ["q_proj", "o_proj"]
    assert "o_proj" in next(iter(method.unmerged(architecture)))


def test_a_folder_of_a_whole_model_is_a_base_like_any(faq: str, tmp_path: Path) -> None:
    words = [f"dataset={faq}", "export=[]"]
    earlier = RunDir(tmp_path / "whole")
    earlier.model.mkdir(parents=True)
    model = compose([*words, "model=tiny"]).run.model
    model.from_run, model.from_run_as = str(earlier.path), type(model.from_run_as).merged
    assert model.merged_before is None
