"""The lean trainer: the same losses as TRL's, isolated documents, exact resume."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, Trainer
from trl import SFTConfig

from ftrecipe.stages.training.batches import IGNORED, PackedCollator, PaddingCollator
from ftrecipe.stages.training.head import takes_logits_mask
from ftrecipe.stages.training.packing import PackedDataset
from ftrecipe.stages.training.sft import LeanSFTTrainer

VOCABULARY = 64


def tiny_model(attention: str = "sdpa") -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        pad_token_id=0,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config)


def tokenizer() -> PreTrainedTokenizerFast:
    words = {f"w{i}": i for i in range(VOCABULARY)}
    model = Tokenizer(WordLevel(words, unk_token="w1"))
    return PreTrainedTokenizerFast(tokenizer_object=model, pad_token="w0", eos_token="w2")


def documents(count: int = 44, seed: int = 0) -> list[dict[str, list[int]]]:
    """Rows of 4 to 20 tokens with the first half masked."""
    random = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        length = int(torch.randint(4, 21, (1,), generator=random))
        ids = torch.randint(3, VOCABULARY, (length,), generator=random).tolist()
        rows.append({"input_ids": ids, "labels": [IGNORED] * (length // 2) + ids[length // 2 :]})
    return rows


def arguments(folder: Path, **changes: Any) -> SFTConfig:
    values: dict[str, Any] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "num_train_epochs": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "train_sampling_strategy": "random",
    }
    return SFTConfig(**{**values, **changes})


def trainer(folder: Path, model: Any = None, data: Any = None, **changes: Any) -> LeanSFTTrainer:
    rows = documents() if data is None else data
    packed = isinstance(rows, PackedDataset)
    return LeanSFTTrainer(
        model=model or tiny_model(),
        args=arguments(folder, **changes),
        train_dataset=rows,
        data_collator=PackedCollator(0) if packed else PaddingCollator(0),
        processing_class=tokenizer(),
    )


def losses(run: LeanSFTTrainer) -> list[float]:
    return [entry["loss"] for entry in run.state.log_history if "loss" in entry]


def weights(run: LeanSFTTrainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in run.model.parameters()])


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("flatten", [False, True])
def test_packed_and_separate_documents_have_the_same_logits(attention: str, flatten: bool) -> None:
    model = tiny_model(attention).eval()
    rows = documents(12)
    packed = PackedDataset(rows, capacity=40, seed=0)
    batch = PackedCollator(0, flatten=flatten)([packed[i] for i in range(len(packed))])
    found = []
    with torch.no_grad():
        together = model(**without_labels(batch), use_cache=False).logits.flatten(0, 1)
        for ids, logits in cut_apart(batch, together):
            found.append(ids.tolist())
            alone = model(input_ids=ids[None]).logits[0]
            torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)
    assert sorted(found) == sorted(row["input_ids"] for row in rows)


def without_labels(batch: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in batch.items() if key != "labels"}


def cut_apart(batch: dict[str, Any], logits: torch.Tensor) -> list[tuple[torch.Tensor, ...]]:
    """Each document's tokens and logits; one token alone is padding, documents here have more."""
    ids = batch["input_ids"].flatten()
    starts = (batch["position_ids"].flatten() == 0).nonzero().flatten().tolist()
    ends = [*starts[1:], len(ids)]
    return [(ids[a:b], logits[a:b]) for a, b in zip(starts, ends, strict=True) if b - a > 1]


def test_right_padding_without_a_mask_leaves_real_logits_alone() -> None:
    model = tiny_model().eval()
    rows = documents(6)
    with torch.no_grad():
        padded = model(input_ids=PaddingCollator(0)(rows)["input_ids"]).logits
        for row, logits in zip(rows, padded, strict=True):
            alone = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
            torch.testing.assert_close(logits[: len(alone)], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_one_transformers_computes(tmp_path: Path, smoothing: float) -> None:
    run = trainer(tmp_path, label_smoothing_factor=smoothing)
    batch = PaddingCollator(0)(documents(6))
    count = (batch["labels"][:, 1:] != IGNORED).sum()
    reference = Trainer(model=tiny_model(), args=run.args)
    expected = reference.compute_loss(reference.model, dict(batch), num_items_in_batch=count)
    ours = run.compute_loss(run.model, batch, num_items_in_batch=count)
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)


def test_the_loss_is_the_one_trl_computes(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    batch = PaddingCollator(0)(documents(6))
    fused = run.model(**batch, fused_lm_head=True)
    torch.testing.assert_close(run.compute_loss(run.model, batch), fused.loss, atol=1e-6, rtol=0)


def test_selected_logits_and_all_logits_give_one_loss(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    assert takes_logits_mask(run.model)
    batch = PaddingCollator(0)(documents(6))
    loss, outputs = run.compute_loss(run.model, batch, return_outputs=True)
    torch.testing.assert_close(run.compute_loss(run.model, batch), loss, atol=1e-6, rtol=0)
    assert outputs.logits.shape[:2] == batch["input_ids"].shape


def test_virtual_tokens_before_the_input_do_not_shift_the_targets(tmp_path: Path) -> None:
    prompt = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    model = get_peft_model(tiny_model(), prompt)
    run = trainer(tmp_path, model=model)
    batch = PaddingCollator(0, attention_mask=True)(documents(6))
    expected = model(**batch).loss
    torch.testing.assert_close(run.compute_loss(model, batch), expected, atol=1e-6, rtol=0)


def test_a_batch_without_targets_has_a_loss_of_zero_that_can_go_backward(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    batch = PaddingCollator(0)(documents(2))
    batch["labels"][:] = IGNORED
    loss = run.compute_loss(run.model, batch, num_items_in_batch=torch.tensor(7))
    loss.backward()
    assert loss.item() == 0.0


def test_packing_is_refused_when_asked_of_trl(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PackedDataset"):
        trainer(tmp_path, packing=True)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [44, 40])
def test_accumulation_does_not_change_the_steps(tmp_path: Path, rows: int) -> None:
    """44 rows of 8 leave a last step of 4 rows: one micro-batch of 8 slots, two of 2."""
    data = documents(rows)
    whole = trainer(tmp_path / "a", data=data, per_device_train_batch_size=8)
    parts = trainer(
        tmp_path / "b", data=data, per_device_train_batch_size=2, gradient_accumulation_steps=4
    )
    whole.train(), parts.train()
    assert losses(whole) == pytest.approx(losses(parts), abs=2e-6)
    torch.testing.assert_close(weights(whole), weights(parts), atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "group_by_length", "packed"])
def test_a_resumed_run_is_bitwise_the_uninterrupted_one(tmp_path: Path, kind: str) -> None:
    def start(folder: str) -> LeanSFTTrainer:
        data = PackedDataset(documents(), capacity=24, seed=0) if kind == "packed" else None
        torch.manual_seed(5)
        lora = LoraConfig(r=4, lora_dropout=0.1, target_modules="all-linear")
        return trainer(
            tmp_path / folder,
            model=get_peft_model(tiny_model(), lora),
            data=data,
            num_train_epochs=2,
            save_strategy="steps",
            save_steps=1,
            train_sampling_strategy="random" if kind == "packed" else kind,
        )

    whole = start("whole")
    whole.train()
    middle_of_epoch_two = whole.state.max_steps * 3 // 4
    resumed = start("resumed")
    resumed.train(resume_from_checkpoint=str(tmp_path / f"whole/checkpoint-{middle_of_epoch_two}"))
    assert losses(resumed) == losses(whole)
    assert torch.equal(weights(resumed), weights(whole))
