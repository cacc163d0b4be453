"""Other tools' names: each leads to a key or an option that there is, and is answered with it."""

import pytest

from ftrecipe.aliases import MEANT, OPTIONS, TOLD, VERBS
from ftrecipe.compose import compose
from ftrecipe.config import GROUPS, options
from ftrecipe.door.words import field_types
from ftrecipe.errors import ConfigError
from ftrecipe.passthrough import tables
from ftrecipe.verbs import NAMES

MEANINGS = sorted(set(MEANT.values()))
CHOICES = sorted(
    {word for group in OPTIONS.values() for text in group.values() for word in text.split()}
)


def exists(word: str) -> bool:
    key, _, value = word.partition("=")
    if key in GROUPS:
        return not value or value.strip("[]") in ("", *options(key))
    group, _, argument = key.partition(".extra.")
    if argument:
        return any(
            argument in tables()[cls.passes_to]
            for cls in GROUPS[group].classes.values()
            if "passes_to" in vars(cls)
        )
    return key in field_types()


@pytest.mark.parametrize("meaning", MEANINGS)
def test_every_meaning_exists(meaning: str) -> None:
    assert exists(meaning)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_exists(choice: str) -> None:
    assert exists(choice)


def test_no_other_name_is_a_name_of_ours() -> None:
    own = [*field_types(), *GROUPS]
    assert [word for word in (*MEANT, *TOLD) if word in own] == []
    assert [
        (group, word) for group in OPTIONS for word in OPTIONS[group] if word in options(group)
    ] == []


def test_no_other_name_stands_for_two_of_ours() -> None:
    from ftrecipe.aliases import _ROWS

    words = [word for row in _ROWS.values() for word in row.split()]
    assert sorted(word for word in set(words) if words.count(word) > 1) == []
    assert set(words) & set(TOLD) == set()


def answer(word: str) -> str:
    with pytest.raises(ConfigError) as caught:
        compose([word])
    return caught.value.faults[0]


WORDS = {
    "lr=1e-4": "trainer.learning_rate",
    "trainer.lr=1e-4": "trainer.learning_rate",
    "+trainer.lr=1e-4": "trainer.learning_rate",
    "++trainer.lr=1e-4": "trainer.learning_rate",
    "training.learning_rate=1": "trainer.learning_rate",
    "learning-rate=1": "trainer.learning_rate",
    "Learning_Rate=1": "trainer.learning_rate",
    "peft.lora_r=8": "peft.r",
    "lora_r=8": "peft.r",
    "peft.rank=8": "peft.r",
    "lora.r=8": "peft.r",
    "lora_dropout=0.1": "peft.dropout",
    "peft.lora_alpha=8": "peft.alpha",
    "cutoff_len=512": "trainer.max_length",
    "model.model_max_length=512": "trainer.max_length",
    "sequence_len=512": "trainer.max_length",
    "micro_batch_size=2": "trainer.per_device_train_batch_size",
    "num_epochs=3": "trainer.num_train_epochs",
    "val_set_size=0.1": "dataset.split.validation",
    "datasets=[a,b]": "dataset=mix",
    "adapter=lora": "peft=lora",
    "adapter=qlora": "peft=lora quantization=nf4",
    "finetuning_type=full": "peft=full",
    "template=chatml": "model.chat_template",
    "trainer.save_strategy=epoch": "trainer.save_steps",
    "use_dora=true": "peft=dora",
    "peft.use_dora=true": "peft=dora",
    "weight_decay_=0.1": "trainer.weight_decay",
    "trainer.weight_decay_=0.1": "trainer.weight_decay",
    "deepspeed=zero2": "strategy=zero2",
    "deepspeed=ds_config.json": "strategy=zero3",
    "fsdp=full_shard": "strategy=fsdp",
    "packing=true": "trainer.packing",
    "sample_packing=true": "trainer.packing",
    "neftune_noise_alpha=5": "trainer.extra.neftune_noise_alpha",
    "trainer.neftune_noise_alpha=5": "trainer.extra.neftune_noise_alpha",
    "trainer.use_liger_kernel=true": "trainer.extra.use_liger_kernel",
    "peft.modules_to_save=[lm_head]": "peft.extra.modules_to_save",
    "max_grad_norm=1": "trainer.max_grad_norm",
    "trainer.gradient_clipping=1": "trainer.max_grad_norm",
    "report_to=wandb": "tracking=wandb",
    "output_dir=x": "runs_dir",
    "bf16=true": "hardware.precision",
    "trust_remote_code=true": "consent.remote_code",
    "nproc_per_node=2": "hardware.processes",
    "eval.qaa.max_new_tokens=3": "eval.qa.max_new_tokens",
    "cleaning.lenght.min_chars=3": "cleaning.length.min_chars",
    "trainr.packing=true": "trainer.packing",
    "peft=qlora": "peft=lora quantization=nf4",
    "quantization=4bit": "quantization=nf4",
    "strategy=deepspeed": "strategy=zero3",
}


@pytest.mark.parametrize("word", WORDS)
def test_a_habit_is_answered_with_the_whole_key(word: str) -> None:
    assert f"did you mean {WORDS[word]}?" in answer(word)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("push_to_hub=true", "consent.push_to_hub"),
        ("trainer.push_to_hub=true", "consent.push_to_hub"),
        ("hub_token=hf_x", "set HF_TOKEN"),
        ("resume_from_checkpoint=true", "resume RUN_DIR"),
        ("hydra.run.dir=x", "runs_dir=<folder>"),
    ],
)
def test_what_there_is_no_key_for_is_told_why(word: str, reason: str) -> None:
    assert reason in answer(word)


def test_a_key_of_another_option_is_told_with_its_option() -> None:
    with pytest.raises(ConfigError, match=r"did you mean peft.r\? it belongs to peft=lora"):
        compose(["peft=full", "peft.rank=8"])


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("quantization_method=q4_k_m", "export=[gguf] export.gguf.types=[q4_k_m]"),
        ("save_method=merged_16bit", "export=[merged]"),
        ("merge_lora=true", "export=[merged]"),
        ("ollama.model=x", "export.ollama.model"),
        ("eval.limit=3", "eval.perplexity.max_samples"),
        ("num_fewshot=3", "eval.lm_eval.num_fewshot"),
        ("export_hub_model_id=a/b", "export.hub.repo_id"),
    ],
)
def test_words_of_exports_and_suites_lead_to_the_very_key(word: str, answer: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose([word])
    assert f"; did you mean {answer}?" in caught.value.faults[0]


@pytest.mark.parametrize("word", ["port=8000", "vllm_gpu_memory_utilization=0.9", "num_beams=4"])
def test_what_is_done_elsewhere_is_said(word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose([word])
    assert "did you mean" not in caught.value.faults[0]


def test_every_word_for_a_verb_leads_to_a_verb() -> None:
    assert set(VERBS.values()) <= set(NAMES)
    assert not set(VERBS) & set(NAMES)
