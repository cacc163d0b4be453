"""Earlier runs answer this run's questions as they answered their own, and leave no trace."""

import importlib
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.results import read
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.measuring.earlier import earlier_runs
from ftrecipe.stages.measuring.lending import lent, may_borrow
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

pytestmark = pytest.mark.slow

SMALL = [
    "recipe=quickstart", "trainer.max_steps=4", "trainer.logging_steps=1", "export=[]",
    "eval=[perplexity,qa]", "eval.qa.max_samples=6", "eval.qa.max_new_tokens=8",
    "eval.perplexity.max_samples=12", "model.dtype=float32", "hardware=cpu",
    "trainer.learning_rate=0.01",
]  # fmt: skip


def started(words: list[str]) -> tuple[Session, list[str]]:
    made = plan.make(compose([*SMALL, *words]))
    return Session.open(launch.create(made), Screen(None)), made.stages


def run(words: list[str]) -> Session:
    session, stages = started(words)
    for stage in stages:
        if stage != "report":
            getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    write_json(session.dir.status, {
        "stage": None, "state": "finished", "started": None, "ended": None, "error": None,
        "done": ["prepare", "train"],
    })  # fmt: skip
    return session


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("earlier") / "runs"


@pytest.fixture(scope="module")
def before(runs_dir) -> Session:
    return run([f"runs_dir={runs_dir}"])


@pytest.fixture(scope="module")
def loads() -> list[str]:
    """The folders that weights were read from, in order."""
    return []


@pytest.fixture(scope="module", autouse=True)
def _counted(loads):
    whole = transformers.AutoModelForCausalLM.from_pretrained

    def counting(source, *args, **kwargs):
        loads.append(str(source))
        return whole(source, *args, **kwargs)

    transformers.AutoModelForCausalLM.from_pretrained = counting  # type: ignore[method-assign]
    yield
    transformers.AutoModelForCausalLM.from_pretrained = whole  # type: ignore[method-assign]


@pytest.fixture(scope="module")
def against(runs_dir, before, loads) -> Session:
    """A run like the one before, held against it, with a cache of its own."""
    loads.clear()
    return run([f"runs_dir={runs_dir.parent / 'again'}", f"compare.against=[{before.dir.path}]"])


def name(session: Session) -> str:
    return "/".join(session.dir.path.parts[-2:])


def test_an_earlier_run_says_what_it_said_itself(before, against):
    found = read_json(against.dir.metrics)["baselines"][name(before)]
    own = read_json(before.dir.metrics)["tuned"]
    assert found["qa"] == own["qa"]
    assert found["perplexity"]["loss"] == pytest.approx(own["perplexity"]["loss"], rel=1e-6)
    assert own["qa"] != read_json(before.dir.metrics)["base"]["qa"] or own["perplexity"] != {}


def test_each_example_shows_what_the_earlier_run_made_of_it(before, against):
    rows = read(against.dir, "qa")
    assert [row["answer"] for row in rows[name(before)]] == [
        row["answer"] for row in read(before.dir, "qa")["tuned"]
    ]
    assert set(rows) == {name(before), "base", "tuned"}


def test_a_whole_run_reads_the_base_once_also_with_an_earlier_adapter(against, loads):
    assert against.models.tuned is not None
    assert len(loads) == 1


def test_what_is_trained_is_the_same_to_the_last_bit(before, against):
    """Putting an adapter on the base and taking it off leaves the training as it was."""
    one = load_file(before.dir.adapter / "adapter_model.safetensors")
    two = load_file(against.dir.adapter / "adapter_model.safetensors")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert read_json(before.dir.metrics)["base"] == read_json(against.dir.metrics)["base"], (
        "the base was measured as it is"
    )


def test_a_lent_base_is_as_it_was(before):
    base = before.models.load_start().train()
    weights = {key: value.clone() for key, value in base.state_dict().items()}
    flags = {key: value.requires_grad for key, value in base.named_parameters()}
    modules = {key: type(value) for key, value in base.named_modules()}
    noted = set(vars(base))
    ids = torch.arange(5, 25).unsqueeze(0)
    with torch.no_grad():
        said = base(input_ids=ids).logits
    with lent(base, before.dir.adapter) as tuned, torch.no_grad():
        assert not torch.equal(tuned(input_ids=ids).logits, said)
    assert {key: value.requires_grad for key, value in base.named_parameters()} == flags
    assert {key: type(value) for key, value in base.named_modules()} == modules
    assert set(vars(base)) == noted
    assert base.training
    assert all(torch.equal(value, weights[key]) for key, value in base.state_dict().items())
    with torch.no_grad():
        assert torch.equal(base(input_ids=ids).logits, said)


def test_a_second_time_it_is_known(before, against, loads):
    again, _ = started([
        f"runs_dir={against.dir.path.parents[1]}", f"compare.against=[{before.dir.path}]",
    ])  # fmt: skip
    loads.clear()
    for stage in ("prepare", "baseline"):
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(again)
    assert loads == []
    assert name(before) in read_json(again.dir.metrics)["baselines"]


def asked(session: Session, words: list[str]) -> dict:
    """Return what the baselines of a run against `session` are, without training it."""
    held, _ = started([
        f"runs_dir={session.dir.path.parents[1]}", f"compare.against=[{session.dir.path}]", *words,
    ])  # fmt: skip
    for stage in ("prepare", "baseline"):
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(held)
    return read_json(held.dir.metrics)["baselines"][name(session)]


def test_another_template_is_asked_the_same_questions_in_its_own_tokens(before, runs_dir):
    found = asked(before, ["model.chat_template=plain"])
    own = read_json(before.dir.metrics)["tuned"]
    assert found["qa"] == own["qa"]
    assert "bits_per_byte" in found["perplexity"]
    assert not {"loss", "perplexity", "token_accuracy"} & found["perplexity"].keys()
    assert found["perplexity"]["bits_per_byte"] == pytest.approx(
        own["perplexity"]["bits_per_byte"], rel=1e-6
    )


@pytest.mark.parametrize("method", ["full", "pissa", "prompt_tuning"])
def test_any_method_can_be_held_against(method, runs_dir):
    session = run([f"runs_dir={runs_dir}", f"peft={method}", "trainer.learning_rate=0.001"])
    own = read_json(session.dir.metrics)["tuned"]
    found = asked(session, [])
    assert found["qa"] == own["qa"]
    assert found["perplexity"]["loss"] == pytest.approx(own["perplexity"]["loss"], rel=1e-4)


def test_a_quantized_base_is_lent_too(runs_dir):
    pytest.importorskip("bitsandbytes")
    session = run([f"runs_dir={runs_dir}", "quantization=nf4"])
    assert (
        asked(session, ["quantization=nf4"])["qa"] == read_json(session.dir.metrics)["tuned"]["qa"]
    )


def test_a_whole_model_needs_its_base_no_more(runs_dir, tmp_path):
    base = tmp_path / "base"
    shutil.copytree(Path(launch.__file__).parent / "builtin" / "tiny", base)
    session = run([
        f"runs_dir={runs_dir}", "peft=full", f"model.path={base}", "trainer.learning_rate=0.001",
    ])  # fmt: skip
    shutil.rmtree(base)
    assert asked(session, [])["qa"] == read_json(session.dir.metrics)["tuned"]["qa"]


def test_a_run_that_went_on_from_another_is_put_together_again(before, runs_dir):
    session = run([
        f"runs_dir={runs_dir}", f"model.from_run={before.dir.path}", "model.from_run_as=merged",
    ])  # fmt: skip
    own = read_json(session.dir.metrics)["tuned"]
    assert not may_borrow(session.models, before.models)
    assert asked(session, [])["qa"] == own["qa"]


def test_a_base_that_has_changed_is_told(before, runs_dir, tmp_path):
    copy = RunDir(tmp_path / "recipe" / "changed")
    shutil.copytree(before.dir.path, copy.path)
    known = read_json(copy.base)
    known.pop("schema_version")
    write_json(copy.base, known | {"sha256": "0" * 64})
    held, _ = started([f"runs_dir={runs_dir}", f"compare.against=[{copy.path}]"])
    with pytest.raises(ConfigError, match="is no longer the model that was tuned"):
        list(earlier_runs(held))


def test_a_run_is_not_held_against_itself(before):
    held = Session.open(before.dir, Screen(None))
    held.run.compare.against = [str(before.dir.path)]
    with pytest.raises(ConfigError, match="this is the run itself"):
        list(earlier_runs(held))
