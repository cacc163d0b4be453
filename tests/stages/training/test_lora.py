"""The shorter LoRA forward: PEFT's values and gradients, and PEFT's own way where it must."""

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.layer import Linear
from transformers import LlamaConfig, LlamaForCausalLM

from ftrecipe.stages.training.lora import added_in_place

IDS = torch.tensor([[3, 4, 5, 6], [7, 8, 9, 10]])


def adapted(**changes: object) -> PeftModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        attention_bias=True,
    )
    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, **changes)
    return get_peft_model(LlamaForCausalLM(config), lora)


def outcome(model: PeftModel) -> list[torch.Tensor]:
    """The loss and the gradients of everything trained."""
    model.zero_grad()
    torch.manual_seed(1)  # dropout
    loss = model(input_ids=IDS, labels=IDS).loss
    loss.backward()
    return [loss.detach(), *(w.grad.clone() for w in model.parameters() if w.requires_grad)]


@pytest.mark.parametrize("changes", [{}, {"use_rslora": True}, {"use_dora": True}])
def test_values_and_gradients_are_those_of_peft(changes: dict[str, object]) -> None:
    model = adapted(**changes)
    expected = outcome(model)
    with added_in_place(model):
        ours = outcome(model)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_disabled_or_merged_adapter_goes_the_way_of_peft() -> None:
    model = adapted().eval()
    with torch.no_grad(), added_in_place(model):
        tuned = model(input_ids=IDS).logits
        with model.disable_adapter():
            base = model(input_ids=IDS).logits
        model.merge_adapter()
        merged = model(input_ids=IDS).logits
    assert not torch.allclose(tuned, base)
    torch.testing.assert_close(merged, tuned, atol=1e-5, rtol=0)


def test_the_layers_are_left_as_they_were() -> None:
    model = adapted()
    with added_in_place(model):
        assert any("forward" in vars(module) for module in model.modules())
    assert not any("forward" in vars(m) for m in model.modules() if isinstance(m, Linear))
