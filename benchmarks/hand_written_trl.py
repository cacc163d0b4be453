"""What a user would write with TRL alone, and a clock. usage: hand_written_trl.py JOB OUT"""

import json
import sys
import time
from pathlib import Path

from datasets import load_dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

job, out = Path(sys.argv[1]), Path(sys.argv[2])


class Clock(TrainerCallback):
    """When training began, when its first step ended, and when its last did."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.began = time.time()

    def on_step_end(self, args, state, control, **kwargs):
        self.ended = time.time()
        if state.global_step == 1:
            self.first_step_at = self.ended


clock = Clock()
train = load_dataset("json", data_files=str(job / "data/chat.jsonl"), split="train")
trainer = SFTTrainer(
    model=str(job / "model"),
    args=SFTConfig(
        output_dir=str(out),
        per_device_train_batch_size=8,
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=512,
        assistant_only_loss=True,
        gradient_checkpointing=False,
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        report_to="none",
    ),
    train_dataset=train,
    peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    callbacks=[clock],
)
trainer.train()
trainer.save_model()
tokens = sum(len(row["input_ids"]) for row in trainer.train_dataset)
clock_read = {
    "seconds": clock.ended - clock.began,
    "first_step_at": clock.first_step_at,
    "steps": trainer.state.global_step,
    "tokens": tokens,
    "loss": trainer.state.log_history[-1]["train_loss"],
}
(out / "clock.json").write_text(json.dumps(clock_read), encoding="utf-8")
