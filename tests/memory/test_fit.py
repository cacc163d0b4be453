"""Whether a run fits: refused before it starts, with changes that are true, and overruled."""

import json

import pytest
from answers import Cli

from ftrecipe import devices, plan
from ftrecipe.amounts import GIB
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.fit import Fit, fit
from ftrecipe.needs import longest_row
from ftrecipe.settle import settle

DATA = ["dataset=question_answer", "dataset.path=org/of_unknown_length"]
FAQ = ["dataset=question_answer", "dataset.path=builtin:faq/train.jsonl"]
MISTRAL = [*DATA, "model=mistral_7b", "trainer.max_length=1024", "hardware.precision=bf16"]
LORA = [*MISTRAL, "peft=lora", "hardware=gpu_1x16gb"]


def fitted(*words: str) -> Fit:
    run = settle(compose(list(words)).run).run
    return fit(run, longest_row(run))


def refused(*words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        plan.make(compose(list(words)))
    (fault,) = caught.value.faults
    return fault


def ways(fault: str) -> dict[str, float]:
    """The advised words, each with the GiB that it would come to."""
    advice = fault.partition("it would fit with ")[2].partition(". If there is more")[0]
    parts = [way.split(" → ") for way in advice.split("; or ")]
    return {words: float(size.split()[0]) for words, size in parts}


def test_a_run_that_cannot_fit_is_refused_with_changes_that_make_it_fit() -> None:
    advised = ways(refused(*LORA))
    assert "quantization=nf4" in advised
    for words, size in advised.items():
        needed = fitted(*LORA, *words.split()).needed
        assert needed is not None
        assert needed.account.peak / GIB == pytest.approx(size, rel=0.01)
        assert size < 16


def test_what_is_advised_is_never_what_a_rule_forbids() -> None:
    advised = ways(refused(*MISTRAL, "peft=prefix_tuning", "hardware=gpu_1x16gb"))
    assert advised
    assert not any("gradient_checkpointing" in words for words in advised)


def test_who_knows_of_more_memory_says_so_and_starts() -> None:
    assert "hardware.memory_gb=" in refused(*LORA)
    made = plan.make(compose([*LORA, "hardware.memory_gb=200"]))
    assert made.memory is not None
    assert made.memory.fits


def test_a_run_of_unknown_length_is_refused_only_if_short_rows_do_not_fit_either() -> None:
    line = [*DATA, "model=smollm2_1_7b", "hardware=gpu_1x16gb", "hardware.precision=bf16",
            "trainer.gradient_checkpointing=false", "trainer.per_device_train_batch_size=32",
            "eval=[]"]  # fmt: skip
    made = plan.make(compose(line))
    assert made.memory is not None
    assert made.memory.fits is False
    assert "it would fit" in refused(*line, "trainer.max_length=1024")
    assert "it would fit" in refused(*line, "peft=full")


def test_a_run_of_short_rows_is_not_refused_for_the_rows_that_it_could_have() -> None:
    line = ["model=qwen2_5_0_5b", "hardware=gpu_1x16gb", "trainer.per_device_train_batch_size=64"]
    line += ["trainer.max_length=8192", "eval=[]"]
    assert "64 rows x 8,192 tokens" in refused(*DATA, *line)
    made = plan.make(compose([*FAQ, *line]))
    assert made.memory is not None
    assert made.memory.fits
    assert made.memory.longest.least < 42 <= made.memory.longest.tokens  # the tokenizer makes 42


def test_a_suite_is_reckoned_with_the_rows_that_there_are() -> None:
    line = ["model=qwen2_5_0_5b", "hardware=gpu_1x16gb", "eval=[perplexity]"]
    shares = "dataset.split={train: 0.9, validation: 0, test: 0.1}"
    said = [[*FAQ, *line, shares], [*DATA, *line, "trainer.max_length=42"]]
    moments = []
    for words in said:
        found = plan.make(compose(words)).memory
        assert found
        assert found.needed
        moments.append(found.needed.account.moments["measuring"])
    few, many = moments
    assert few < many - GIB  # 20 rows, and as many as a batch may hold


def test_shorter_rows_are_only_advised_where_long_ones_are_cut() -> None:
    line = [*DATA, "model=qwen2_5_0_5b", "hardware=gpu_1x16gb", "trainer.max_length=8192"]
    line += ["trainer.per_device_train_batch_size=64"]
    assert "trainer.max_length" not in refused(*line)
    assert "trainer.max_length=1024" in refused(*line, "dataset.on_overlong=drop")


def test_an_unknown_architecture_is_said_and_not_refused(cli: Cli, faq: str) -> None:
    said = cli("plan", f"dataset.path={faq}", "dataset=question_answer", "model.path=org/unknown",
               "hardware=gpu_1x16gb", "peft=full")  # fmt: skip
    assert said.code == 0
    assert "this architecture is not known to the memory plan" in said.out


def test_a_cpu_is_held_against_the_memory_free_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = [*MISTRAL, "peft=lora", "hardware=cpu"]
    monkeypatch.setattr(devices, "free_memory", lambda: 8.0)
    assert "8 GiB (free on this machine)" in refused(*line)
    made = plan.make(compose(line), here=False)
    assert made.memory is not None
    assert made.memory.fits is None


def test_the_plan_holds_the_account_as_json(cli: Cli, faq: str) -> None:
    said = cli("plan", "--json", f"dataset.path={faq}", "dataset=question_answer",
               "model=llama3_2_1b", "hardware=gpu_1x24gb")  # fmt: skip
    memory = json.loads(said.out)["memory"]
    assert memory["fits"]
    assert memory["peak"] == max(memory["moments"].values())
    assert 2.4e9 < memory["lines"]["weights"] < 2.6e9


AUTO = ["trainer.auto_batch_size=true", "trainer.global_batch_size=64"]


def test_the_largest_batch_that_fits_keeps_the_global_batch() -> None:
    line = [*MISTRAL, "peft=lora", "quantization=nf4", "hardware=gpu_1x16gb",
            "trainer.gradient_checkpointing=true"]  # fmt: skip
    trainer = settle(compose([*line, *AUTO]).run).run.trainer
    rows = trainer.per_device_train_batch_size
    assert rows * trainer.gradient_accumulation_steps == 64
    assert fitted(*line, f"trainer.per_device_train_batch_size={rows}").fits
    assert fitted(*line, f"trainer.per_device_train_batch_size={2 * rows}").fits is False


def test_a_batch_cannot_be_chosen_without_knowing_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "free_memory", lambda: None)
    with pytest.raises(ConfigError, match="memory is not known"):
        settle(compose([*DATA, "hardware=cpu", *AUTO]).run)


def test_a_batch_cannot_be_chosen_for_an_unknown_model() -> None:
    line = [*DATA, "model.path=org/unknown", "hardware=gpu_1x16gb"]
    with pytest.raises(ConfigError, match="what this model is made of is not known"):
        settle(compose([*line, *AUTO]).run)
