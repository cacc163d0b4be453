"""Every method and quantization goes through every stage on the tiny model, two steps each."""

import importlib
from pathlib import Path

import jsonschema
import pytest
import torch

from ftrecipe import launch, plan
from ftrecipe.components.peft import GROUP
from ftrecipe.compose import compose
from ftrecipe.door.words import options
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

pytestmark = pytest.mark.slow

SCHEMAS = Path(launch.__file__).parent / "schemas"
SMALL = [
    "recipe=quickstart", "trainer.max_steps=2", "trainer.logging_steps=1", "eval=[perplexity]",
    "eval.perplexity.max_samples=8", "model.dtype=float32", "hardware=cpu",
]  # fmt: skip


def run_stages(words: list[str], runs_dir: Path) -> Session:
    """Run all stages in this process, so that torch is imported once for all tests."""
    made = plan.make(compose([*SMALL, *words, f"runs_dir={runs_dir}"]))
    rundir = launch.create(made)
    session = Session.open(rundir, Screen(None))
    for stage in made.stages:
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    return session


def log_probabilities(model: torch.nn.Module) -> torch.Tensor:
    """Return next-token log-probabilities [1, length, vocabulary] for a fixed input.

    Computed as in training: for inference bitsandbytes repacks 4-bit weights on a CPU and then
    multiplies them with less precision. No method here has dropout switched on.
    """
    ids = torch.arange(5, 45).unsqueeze(0)
    model.train()
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.float()
    return logits[:, -40:].log_softmax(-1).detach()


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def exports_for(method: str) -> list[str]:
    facts = compose([*SMALL, f"peft={method}", "export=[]"]).run.peft
    if not facts.mergeable:
        return ["export=[adapter]"]
    targets = "merged" if facts.trains_base else "adapter,merged"
    return [f"export=[{targets}]", "export.merged.dtype=float32"]


@pytest.mark.parametrize("method", options("peft"))
def test_method_changes_weights_loads_back_and_merges(method: str, runs_dir: Path) -> None:
    words = [f"peft={method}", *exports_for(method), "trainer.learning_rate=1e-2"]
    session = run_stages([*words, *(["peft.r=64"] if method == "vera" else [])], runs_dir)
    trained = log_probabilities(session.models.tuned)
    fresh = Session.open(session.dir, Screen(None))
    start = log_probabilities(fresh.models.start)
    assert (trained - start).abs().max() > 1e-4, "training changed nothing"
    reloaded = Session.open(session.dir, Screen(None)).models.tuned
    torch.testing.assert_close(log_probabilities(reloaded), trained, atol=2e-4, rtol=0)
    merged = session.dir.export / "merged"
    assert merged.is_dir() == ("merged" in session.run.export)
    if merged.is_dir():
        from transformers import AutoModelForCausalLM

        plain = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
        torch.testing.assert_close(log_probabilities(plain), trained, atol=2e-3, rtol=0)


@pytest.mark.parametrize("quantization", options("quantization"))
def test_lora_trains_on_every_quantization(quantization: str, runs_dir: Path) -> None:
    words = [
        f"quantization={quantization}",
        "export=[adapter,merged]",
        "trainer.learning_rate=1e-2",
    ]
    session = run_stages(words, runs_dir)
    trained = log_probabilities(session.models.tuned)
    start = log_probabilities(Session.open(session.dir, Screen(None)).models.start)
    assert (trained - start).abs().max() > 1e-4, "training changed nothing"
    reloaded = Session.open(session.dir, Screen(None)).models.tuned
    torch.testing.assert_close(log_probabilities(reloaded), trained, atol=2e-4, rtol=0)
    if session.run.quantization.bits == 4:
        merge = read_json(session.dir.export / "merged" / "gate.json")["merge"]
        assert merge["kept"] == "dequantized"
        assert merge["into"]["dequantized"]["max_dlogp"] < 1e-3 < merge["into"]["base"]["max_dlogp"]


@pytest.fixture(scope="module")
def whole(runs_dir: Path) -> RunDir:
    """One run with every suite and a checkpoint each step."""
    suites = "eval=[qa,perplexity,generation,forgetting]"
    small = [f"eval.{name}.max_samples=4" for name in ("qa", "generation", "forgetting")]
    extra = ["export=[adapter]", "trainer.save_steps=1", "trainer.eval_steps=1", *small]
    return run_stages([suites, *extra], runs_dir).dir


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("run.json", "run"), ("status.json", "status"), ("metrics.json", "metrics"),
        ("base.json", "base"), ("lock.json", "lock"), ("data/prepared.json", "prepared"),
        ("data/report.json", "data_report"), ("checkpoints/checkpoint-2/whole.json", "checkpoint"),
        ("export/adapter/gate.json", "export_gate"),
    ],
)  # fmt: skip
def test_run_writes_json_that_its_schema_describes(whole: RunDir, file: str, schema: str) -> None:
    jsonschema.validate(read_json(whole.path / file), read_json(SCHEMAS / f"{schema}.json"))


def test_history_has_a_described_line_for_every_logged_step(whole: RunDir) -> None:
    import json

    lines = [json.loads(line) for line in whole.history.read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, read_json(SCHEMAS / "history.json"))
    assert [line["step"] for line in lines if "loss" in line] == [1, 2]
    assert [line["step"] for line in lines if "eval_loss" in line] == [1, 2]


def test_run_leaves_every_file_that_its_plan_names(whole: RunDir) -> None:
    made = plan.make(compose(["recipe=" + str(whole.recipe)]))
    missing = [
        name
        for name in made.files
        if "<" not in name and not (whole.path / name.rstrip("/")).exists() and name != "log.txt"
    ]
    assert missing == []
    assert sorted(p.name for p in whole.checkpoints.iterdir()) == ["checkpoint-1", "checkpoint-2"]


def test_added_special_token_trains_exactly_its_row(runs_dir: Path) -> None:
    words = ["model.special_tokens=[<|fact|>]", "export=[merged]", "trainer.learning_rate=1e-2"]
    session = run_stages(words, runs_dir)
    token = session.tokenizer.convert_tokens_to_ids("<|fact|>")
    assert session.tokenizer("a<|fact|>b")["input_ids"].count(token) == 1
    tuned = session.models.tuned
    trained = [name for name, weight in tuned.named_parameters() if weight.requires_grad]
    assert not any(name.endswith("embed_tokens.weight") for name in trained)
    rows = [w for name, w in tuned.named_parameters() if "trainable_tokens_delta" in name]
    assert rows
    assert all(row.shape[0] == 1 for row in rows)


@pytest.mark.parametrize("how", ["adapter", "merged"])
def test_run_goes_on_from_an_earlier_tune(how: str, whole: RunDir, runs_dir: Path) -> None:
    words = [f"model.from_run={whole.path}", f"model.from_run_as={how}", "export=[merged]"]
    session = run_stages([*words, "trainer.learning_rate=1e-2"], runs_dir)
    earlier = log_probabilities(Session.open(whole, Screen(None)).models.tuned)
    fresh = Session.open(session.dir, Screen(None))
    torch.testing.assert_close(log_probabilities(fresh.models.start), earlier, atol=2e-4, rtol=0)
    again = Session.open(session.dir, Screen(None)).models.tuned
    trained = log_probabilities(session.models.tuned)
    torch.testing.assert_close(log_probabilities(again), trained, atol=2e-4, rtol=0)


def test_run_refuses_to_go_on_from_a_tune_of_another_base(whole: RunDir, runs_dir: Path) -> None:
    import shutil

    from ftrecipe.errors import ConfigError
    from ftrecipe.rundir import write_json

    copy = RunDir(runs_dir / "other_base")
    shutil.copytree(whole.path, copy.path)
    base = read_json(copy.base)
    write_json(copy.base, {"path": base["path"], "revision": None, "sha256": "0" * 64})
    with pytest.raises(ConfigError, match="no longer the model that was tuned"):
        run_stages([f"model.from_run={copy.path}", "export=[]"], runs_dir)


@pytest.mark.parametrize(
    ("method", "quantization"),
    [
        (method, quantization)
        for quantization, bits in (("nf4", 4), ("int8", 8))
        for method, kind in GROUP.classes.items()
        if bits in kind.allows_bits and method != "lora"
    ],
)
def test_method_trains_on_every_quantization_that_it_allows(
    method: str, quantization: str, runs_dir: Path
) -> None:
    words = [f"peft={method}", f"quantization={quantization}", "export=[]"]
    small = ["peft.r=64"] if method == "vera" else []
    session = run_stages([*words, *small, "trainer.learning_rate=1e-2"], runs_dir)
    trained = log_probabilities(session.models.tuned)
    start = log_probabilities(Session.open(session.dir, Screen(None)).models.start)
    assert (trained - start).abs().max() > 1e-4, "training changed nothing"
