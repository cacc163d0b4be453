"""What may not be combined: told before anything runs, with what to do instead."""

import pytest

from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError

REFUSED = {
    "peft=full quantization=nf4": "use peft=lora, or quantization=none",
    "peft=freeze quantization=int8": "use peft=lora, or quantization=none",
    "peft=pissa quantization=nf4": "use peft=lora, or quantization=none",
    "peft=full export=adapter": "use export=merged",
    "peft=prefix_tuning export=merged": "use export=adapter",
    "peft=prompt_tuning trainer.packing=true": "use trainer.packing=false",
    "peft=prefix_tuning trainer.gradient_checkpointing=true": "gradient_checkpointing=false",
    "peft=ia3 model.special_tokens=[x]": "use peft=lora or peft=full",
    "model=custom": "model.path is not set",
    "dataset.path=null": "dataset.path is not set",
    "dataset.columns.qestion=Frage": "did you mean question?",
    "dataset.split.train=0": "split",
    "trainer.learning_rate=0": "trainer.learning_rate=0",
    "trainer.learning_rate=nan": "trainer.learning_rate=nan",
    "trainer.num_train_epochs=0": "trainer.num_train_epochs=0",
    "trainer.per_device_train_batch_size=0": "trainer.per_device_train_batch_size=0",
    "trainer.max_length=1": "trainer.max_length=1",
    "peft.r=0": "peft.r=0",
    "peft.dropout=1": "peft.dropout=1",
    "trainer.extra.max_steps=3": "use trainer.max_steps",
    "trainer.extra.neftune_alpha=3": "did you mean neftune_noise_alpha?",
    "trainer.extra.output_dir=x": "is decided by the run",
    "trainer.extra.push_to_hub=true": "a run uploads nothing",
    "trainer.extra.hub_model_id=a/b": "a run uploads nothing",
    "peft.extra.lora_alpha=3": "use peft.alpha",
    "peft.extra.use_dora=true": "is decided by the run",
    "objective=tuned.qa.f2": "did you mean tuned.qa.f1?",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_makes_no_sense_is_refused_with_what_to_do(words: str, faq: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose([f"dataset={faq}", *words.split()])
    assert len(caught.value.faults) == 1
    assert REFUSED[words] in caught.value.faults[0]


ALLOWED = [
    "peft=lora quantization=nf4",
    "peft=full export=merged",
    "peft=prefix_tuning export=adapter",
    "peft=lora model.special_tokens=[x]",
    "trainer.extra.neftune_noise_alpha=5",
    "trainer.max_steps=3 trainer.num_train_epochs=0.5",
    "objective=tuned.qa.f1",
    "model=org/name",
]


@pytest.mark.parametrize("words", ALLOWED)
def test_what_makes_sense_is_not_refused(words: str, faq: str) -> None:
    assert compose([f"dataset={faq}", *words.split()]).run
