"""The arithmetic of memory: weights as stored, optimizer states, and how devices divide them."""

from dataclasses import replace

import pytest

from ftrecipe.compose import compose
from ftrecipe.memory import Account, account
from ftrecipe.memory.optimizers import Tensor, optimizer
from ftrecipe.memory.training import Setting
from ftrecipe.memory.weights import four_bits
from ftrecipe.needs import architecture, needs, setting
from ftrecipe.settle import settle

DATA = ["dataset=question_answer", "dataset.path=builtin:faq/train.jsonl", "model=llama3_1_8b",
        "trainer.max_length=512", "hardware=gpu_8x80gb", "hardware.precision=bf16"]  # fmt: skip
PARAMETERS = 8_030_261_248


def given(*words: str, checkpointing: bool = False) -> Setting:
    run = settle(compose([*DATA, *words]).run).run
    model = architecture(run)
    assert model is not None
    return setting(run, model, True, 512, checkpointing)


def held(*words: str) -> Account:
    return account(given(*words))


@pytest.mark.parametrize(
    ("strategy", "weights", "gradients", "optimizer"),
    [("zero1", 1, 1, 8), ("zero2", 1, 8, 8), ("zero3", 8, 8, 8)],
)
def test_what_devices_divide_is_zeros_own_arithmetic(
    strategy: str, weights: int, gradients: int, optimizer: int
) -> None:
    """2, 2 and 12 bytes a weight (arXiv 1910.02054, section 3.1), and buffers."""
    bare = replace(given("peft=full", f"strategy={strategy}").shared, bucket=0.0, live=1)
    made = account(replace(given("peft=full", f"strategy={strategy}"), shared=bare))
    assert made.size("weights") == pytest.approx(2 * PARAMETERS / weights, rel=1e-6)
    assert made.size("gradients") == pytest.approx(2 * PARAMETERS / gradients, rel=1e-6)
    assert made.size("optimizer") == pytest.approx(12 * PARAMETERS / optimizer, rel=1e-6)


def test_offloading_moves_weights_and_states_to_the_machines_memory() -> None:
    made, whole = held("peft=full", "strategy=zero3_offload"), held("peft=full", "strategy=zero3")
    assert made.host > 14 * PARAMETERS
    assert made.peak < whole.peak


def test_four_bit_weights_have_a_scale_a_block_and_a_scale_of_scales() -> None:
    single, double = four_bits(4096, 4096, False), four_bits(4096, 4096, True)
    assert single == 4096**2 / 2 + 4096**2 / 64 * 4 + 64
    assert double == 4096**2 / 2 + 4096**2 / 64 + 4096**2 / 64 / 256 * 4 + 64 + 1028


def test_nf4_covers_the_linear_layers_and_leaves_embedding_and_head_in_16_bits() -> None:
    weights = held("peft=lora", "quantization=nf4", "strategy=ddp").size("weights")
    linear, rest = 6_979_321_856, PARAMETERS - 6_979_321_856
    assert weights == pytest.approx(linear * (0.5 + 1 / 64 + 1 / 4096) + 2 * rest, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "a_weight"),
    [("adamw_torch", 8), ("adamw_8bit", 2 + 2 * 4 / 256), ("lion_8bit", 1 + 4 / 256), ("sgd", 0)],
)
def test_an_optimizers_states_are_counted_a_weight(name: str, a_weight: float) -> None:
    assert optimizer(name).held([Tensor((1024, 1024))]) / 1024**2 == pytest.approx(a_weight)


def test_eight_bit_optimizers_keep_small_tensors_and_embeddings_in_32_bits() -> None:
    small, table = Tensor((64, 63)), Tensor((1024, 1024), is_embedding=True)
    assert optimizer("adamw_8bit").held([small]) == 8 * 64 * 63
    assert optimizer("adamw_8bit").held([table]) == 8 * 1024**2


def test_adafactor_keeps_a_row_and_a_column() -> None:
    assert optimizer("adafactor").held([Tensor((1000, 500))]) == 4 * (1000 + 500)


def test_paged_states_may_leave_a_gpu() -> None:
    paged, plain = "trainer.optim=paged_adamw_8bit", "trainer.optim=adamw_8bit"
    words = ("peft=full", "strategy=ddp")
    assert held(*words, paged).size("optimizer") < 0.1 * held(*words, plain).size("optimizer")


def test_checkpointing_keeps_one_number_a_channel_and_layer() -> None:
    lean = account(given("peft=lora", "strategy=ddp", checkpointing=True)).size("activations")
    assert lean == 8 * 512 * 4096 * (2 * 32 + 4 + 2)
    assert held("peft=lora", "strategy=ddp").size("activations") > 10 * lean


def test_a_frozen_bottom_keeps_nothing_for_the_backward_pass() -> None:
    two, four, six = (
        held("peft=freeze", f"peft.last_layers={n}", "strategy=ddp").size("activations")
        for n in (2, 4, 6)
    )
    assert six - four == pytest.approx(four - two)
    assert six < 0.3 * held("peft=full", "strategy=ddp").size("activations")


def test_memory_grows_with_rows_and_length() -> None:
    def peak(*words: str) -> float:
        needed = needs(settle(compose([*DATA, "peft=lora", "strategy=ddp", *words]).run).run)
        assert needed is not None
        return needed.account.peak

    rows = "trainer.per_device_train_batch_size"
    assert peak(f"{rows}=1") < peak(f"{rows}=2") < peak(f"{rows}=4")
    assert peak("trainer.max_length=256") < peak("trainer.max_length=512")
