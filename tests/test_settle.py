"""What is settled for a run: which strategy fits and why, and how a global batch comes about."""

import pytest

from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.settle import Settled, room, settle

FULL = ["peft=full", "dataset.path=builtin:faq/train.jsonl", "hardware.precision=bf16"]


def settled(*line: str) -> Settled:
    return settle(compose(["dataset=question_answer", *FULL, *line]).run)


def strategy(*line: str) -> str:
    return type(settled(*line).run.strategy).__name__


def refused(*line: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settled(*line)
    return "\n".join(caught.value.faults)


@pytest.mark.parametrize(
    ("model", "hardware", "expected"),
    [
        ("mistral_7b", "gpu_1x80gb", "Single"),
        ("smollm2_1_7b", "gpu_8x80gb", "Ddp"),  # 16 bytes a weight: 27 of 80
        ("mistral_7b", "gpu_8x80gb", "Zero2"),  # 116 of 80; 14.5 and an eighth of 101.5
        ("qwen3_8b", "gpu_2x24gb", "Zero3Offload"),  # half of 131 is above 24
    ],
)
def test_auto_takes_the_first_strategy_that_fits(model: str, hardware: str, expected: str) -> None:
    assert strategy(f"model={model}", f"hardware={hardware}", "strategy=auto") == expected


def test_what_every_strategy_lacks_is_said_once() -> None:
    said = refused("model=mistral_7b", "hardware=nodes_2x8x80gb", "peft=lora", "quantization=nf4")
    assert said.splitlines() == [said]
    assert said.startswith("hardware.main_process_ip is not set")


def test_auto_says_which_and_why() -> None:
    notes = settled("model=mistral_7b", "hardware=gpu_8x80gb").notes
    (note,) = notes
    chosen, _, too_big = note.partition(" GiB a device (too big: ddp ")
    assert chosen.startswith("strategy  zero2: ")
    assert chosen.endswith(" of 80")
    assert float(too_big.split()[0]) > 80 > float(chosen.split()[2])


def test_auto_passes_over_what_cannot_divide_quantized_weights() -> None:
    run = compose([
        "dataset=question_answer", "dataset.path=builtin:faq/train.jsonl", "model.path=org/big",
        "model.parameters_b=70", "quantization=nf4", "hardware=gpu_2x24gb",
    ]).run  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        settle(run)
    (fault,) = caught.value.faults
    assert "nothing fits 2 devices with 24 GiB each" in fault
    assert "zero3 " not in fault


def test_auto_of_a_model_of_unknown_size_divides_what_it_trains() -> None:
    assert strategy("model.path=org/unknown", "hardware=gpu_8x80gb") == "Zero3"


def test_an_embedded_models_weights_are_counted() -> None:
    run = settled("model=tiny", "hardware=gpu_2x24gb", "strategy=ddp").run
    assert run.model.parameters is not None
    assert 3.0e6 < run.model.parameters < 3.3e6
    fits, said = room(run)
    assert fits
    assert said.endswith("of 24 GiB a device")


def test_a_global_batch_is_made_of_accumulation_steps() -> None:
    run = settled("hardware=gpu_8x80gb", "trainer.per_device_train_batch_size=4",
                  "trainer.global_batch_size=128").run  # fmt: skip
    assert run.trainer.gradient_accumulation_steps == 4
    assert run.trainer.rows_per_step(run.world_size) == 128


def test_the_same_recipe_keeps_its_batch_on_other_hardware() -> None:
    line = ["trainer.per_device_train_batch_size=4", "trainer.global_batch_size=128"]
    steps = [
        settled(f"hardware={name}", *line).run.trainer.gradient_accumulation_steps
        for name in ("cpu", "cpu_2", "gpu_8x80gb")
    ]
    assert steps == [32, 16, 4]


def test_a_batch_that_does_not_divide_is_refused_with_one_that_does() -> None:
    assert refused("hardware=gpu_8x80gb", "trainer.global_batch_size=24") == (
        "trainer.global_batch_size=24 does not divide into 8 processes x "
        "trainer.per_device_train_batch_size=8; use trainer.global_batch_size=64, or "
        "trainer.per_device_train_batch_size=3"
    )
    said = refused("hardware=gpu_8x80gb", "trainer.global_batch_size=100")
    assert said.endswith("use trainer.global_batch_size=128")


def test_two_answers_to_the_accumulation_are_refused() -> None:
    line = ["trainer.global_batch_size=32", "trainer.gradient_accumulation_steps=3"]
    assert "means 4 accumulation steps here" in refused("hardware=cpu", *line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["hardware=gpu_8x80gb", "strategy=single"], "this hardware has 8 devices"),
        (["hardware=gpu_1x80gb", "strategy=ddp"], "there is one; use strategy=single"),
        (["hardware=cpu_2", "strategy=fsdp"], "becomes plain DDP in accelerate, silently"),
        (["hardware=cpu_2", "strategy=zero3_offload"], "no GPU was found; use zero3"),
        (["hardware=nodes_2x8x80gb"], "hardware.main_process_ip is not set"),
        (["hardware=cpu_2", "strategy=zero2", "strategy.deepspeed.zero_optimisation.stage=2"],
         "strategy.deepspeed.zero_optimisation: there is no such key; did you mean "
         "zero_optimization?"),
        (["hardware=cpu_2", "strategy=zero2", "strategy.deepspeed.zero_optimization.overlap=true"],
         "strategy.deepspeed.zero_optimization.overlap: there is no such key; did you mean "
         "overlap_comm?"),
        (["hardware=cpu_2", "strategy=zero2", "strategy.deepspeed.gradient_clipping=3"],
         "follows from trainer and hardware"),
        (["hardware=cpu_2", "strategy=zero3", "strategy.deepspeed.zero_optimization.stage=2"],
         "use strategy=zero2"),
        (["hardware=gpu_2x24gb", "strategy=fsdp", "strategy.fsdp.fsdp_version=1"], "only 2 is"),
        (["hardware=gpu_2x24gb", "strategy=fsdp", "strategy.fsdp.fsdp_offload=true"],
         "did you mean fsdp_offload_params?"),
        (["hardware=gpu_2x24gb", "peft=lora", "quantization=nf4", "strategy=fsdp"],
         "use quantization.storage=bfloat16"),
        (["hardware=auto", "strategy=zero3_offload"], "no GPU was found; use zero3"),
        (["hardware.num_machines=2"], "hardware=auto cannot look at other machines"),
        (["hardware=gpu_2x24gb", "hardware.precision=fp16", "peft=lora", "quantization=nf4",
          "quantization.storage=bfloat16", "strategy=zero3"], "use quantization.storage=float16"),
        (["hardware=cpu", "model.attn_implementation=flash_attention_2"], "needs a GPU; use sdpa"),
        (["hardware=cpu_2", "peft=adalora", "strategy=zero2"], "does not work with this peft"),
        (["hardware=cpu_2", "peft=prompt_tuning", "strategy=zero3"], "needs each of them whole"),
        (["hardware=cpu_2", "peft=lora", "strategy=zero3", "model.special_tokens=[<|x|>]"],
         "their rows cannot be trained beside weights that strategy=zero3 divides"),
        (["trainer.packing=true", "model.attn_implementation=paged"],
         "is not known to keep packed documents apart"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_with_the_reason(line: list[str], said: str) -> None:
    assert said in refused(*line)


def test_a_run_that_will_happen_elsewhere_is_not_judged_by_this_machine() -> None:
    run = compose(["dataset=question_answer", *FULL, "strategy=zero2"]).run
    with pytest.raises(ConfigError, match="there is one"):
        settle(run)
    assert type(settle(run, here=False).run.strategy).__name__ == "Zero2"


def test_quantized_weights_in_a_type_that_can_be_divided_are_allowed() -> None:
    line = ["hardware=gpu_2x24gb", "peft=lora", "quantization=nf4",
            "quantization.storage=bfloat16"]  # fmt: skip
    assert strategy(*line, "strategy=fsdp") == "Fsdp"
