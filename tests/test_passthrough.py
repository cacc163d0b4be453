"""What goes to a library by its own name is checked by name, type, choice and bound, without it."""

import pytest

from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.passthrough import tables, value_fault
from ftrecipe.settle import settle

REFUSED = {
    "trainer.extra.neftune_alpha=3": "did you mean neftune_noise_alpha?",
    "trainer.extra.neftune_noise_alpha=loud": "=loud: must be null or a number",
    "trainer.extra.adam_beta1=x": "must be a number",
    "trainer.extra.adam_beta1=true": "must be a number",
    "trainer.extra.dataloader_num_workers=1.5": "must be a whole number",
    "trainer.extra.dataloader_num_workers=[1]": "must be a whole number",
    "trainer.extra.use_liger_kernel=maybe": "must be true or false",
    "trainer.extra.log_level=warnings": "did you mean warning?",
    "trainer.extra.ddp_backend=ncll": "did you mean nccl?",
    "trainer.extra.lr=1e-4": "did you mean trainer.learning_rate?",
    "trainer.extra.learning_rate=1e-4": "use trainer.learning_rate",
    "trainer.extra.activation_checkpointing=true": "use trainer.gradient_checkpointing",
    "trainer.extra.packing_strategy=bfd": "is decided by the run",
    "trainer.extra.hub_token=x": "a run uploads nothing",
    "peft.extra.bias=lora": "must be one of none, all, lora_only",
    "peft.extra.lora_rank=8": "did you mean peft.r?",
    "peft.extra.lora_dropout=0.1": "use peft.dropout",
    "peft.extra.modules_to_save=lm_head": "must be a list, [a,b] or null",
    "peft.extra.eva_config={rho: 2}": "must be left out: it is an object of Python",
    "peft.extra.loftq_config=3": "must be a mapping",
    "peft=oft peft.extra.eps=small": "must be a number",
    "peft=ia3 peft.extra.r=3": "peft.IA3Config has no such field",
    "strategy=zero3 strategy.deepspeed.a.b=3": "strategy.deepspeed.a: there is no such key",
    "strategy=zero3 strategy.deepspeed.zero_optimization.stge=3": "did you mean stage?",
    "strategy=zero3 strategy.deepspeed.zero_optimization=3": "must be a mapping",
    "strategy=zero3 strategy.deepspeed.zero_optimization.reduce_bucket_size=big": (
        "must be a whole number or auto"
    ),
    "strategy=zero3 strategy.deepspeed.zero_optimization.sub_group_size=-1": "must be at least 0",
    "strategy=zero2 strategy.deepspeed.zero_optimization.offload_optimizer.device=gpu": (
        "must be one of none, cpu, nvme, auto"
    ),
    "strategy=zero2 strategy.deepspeed.zero_optimization.offload_optimizer.ratio=2": (
        "must be at most 1"
    ),
    "strategy=zero2 strategy.deepspeed.prescale_gradients=1": "must be true or false or auto",
    "strategy=fsdp strategy.fsdp.fsdp_offload_params=maybe": "must be true or false",
    "strategy=fsdp strategy.fsdp.fsdp_ofload_params=true": "did you mean fsdp_offload_params?",
    "strategy=fsdp strategy.fsdp.fsdp_min_num_params=1.5": "must be a whole number",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_a_library_would_refuse_or_skip_is_told_at_once(words: str, faq: str) -> None:
    option = [words] if " " not in words or "{" in words else words.split()
    with pytest.raises(ConfigError) as caught:
        compose([f"dataset={faq}", *option])
    assert len(caught.value.faults) == 1
    assert REFUSED[words] in caught.value.faults[0]


ALLOWED = [
    "trainer.extra.neftune_noise_alpha=5",
    "trainer.extra.adam_beta1=0",
    "trainer.extra.torch_empty_cache_steps=null",
    "trainer.extra.optim_target_modules=[q_proj]",
    "trainer.extra.optim_target_modules=all-linear",
    "trainer.extra.lr_scheduler_kwargs.num_cycles=2",
    "peft.extra.init_lora_weights=gaussian",
    "peft.extra.init_lora_weights=false",
    "peft.extra.layers_to_transform=[0,1]",
    "peft.extra.rank_pattern.q_proj=4",
    "strategy=zero2 strategy.deepspeed.zero_optimization.reduce_bucket_size=5e8",
    "strategy=zero2 strategy.deepspeed.zero_optimization.reduce_bucket_size=auto",
    "strategy=zero3 strategy.deepspeed.zero_optimization.stage3_prefetch_bucket_size=0",
    "strategy=fsdp strategy.fsdp.fsdp_cpu_ram_efficient_loading=false",
]


@pytest.mark.parametrize("words", ALLOWED)
def test_what_a_library_takes_is_passed_on(words: str, faq: str) -> None:
    devices = ["hardware=gpu_2x24gb"] if "strategy" in words else []
    assert compose([f"dataset={faq}", *devices, *words.split()]).run


def test_all_faults_of_what_is_passed_on_come_together(faq: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose([f"dataset={faq}", "trainer.extra.a=1", "trainer.extra.b=1", "peft.extra.bias=1"])
    assert len(caught.value.faults) == 3


def test_a_strategys_keys_are_not_told_twice_where_the_machine_is_looked_at(faq: str) -> None:
    words = [f"dataset={faq}", "strategy=zero2", "hardware=gpu_2x24gb"]
    settled = settle(compose([*words, "strategy.deepspeed.prescale_gradients=true"]).run)
    assert settled.run.strategy.deepspeed == {"prescale_gradients": True}


@pytest.mark.parametrize("table", sorted(tables()))
def test_every_row_says_what_it_takes(table: str) -> None:
    kinds = {"boolean", "integer", "number", "string", "array", "object", "null"}
    for name, row in tables()[table].items():
        assert set(row) <= {"types", "choices", "low", "high"}, name
        assert set(row.get("types", [])) <= kinds, name


def test_a_bound_of_the_table_is_of_the_value_not_of_its_type() -> None:
    row = {"types": ["integer"], "low": 1}
    assert value_fault(row, 0) == "must be at least 1"
    assert value_fault(row, float("nan")) == "must be a whole number"
    assert value_fault({"types": ["number"], "low": 0}, float("nan")) == "must be at least 0"
