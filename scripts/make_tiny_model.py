"""Builds the toy model in ftrecipe/builtin/tiny from the texts in scripts/tiny_model.

Usage: python scripts/make_tiny_model.py [OUT_FOLDER]     (about 5 minutes on one core)

The same machine, versions and THREADS give the same weights bit for bit; another CPU gives a model
that is as good but not identical. Nothing is downloaded.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tiny_model.questions import Fact, asked, make_facts
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ftrecipe.data.tokens.templates import CHATML

ROOT = Path(__file__).resolve().parent.parent
TEXT = ROOT / "scripts" / "tiny_model" / "text.jsonl"
GENERAL = ROOT / "ftrecipe" / "builtin" / "general.jsonl"
OUT = ROOT / "ftrecipe" / "builtin" / "tiny"

SEED = 1
THREADS = 1
STEPS = 450
TEXT_SHAPE = (16, 128)  # sequences, tokens in each
CHATS_PER_STEP = 64
LEARNING_RATE = 3e-3
WARMUP_STEPS = 40
MAX_LENGTH = 1024

END, PAD, IM_START, IM_END = "<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>"


def prompt(question: str) -> str:
    """Return what the chat template renders for one user message and a generation prompt."""
    return f"{IM_START}user\n{question}{IM_END}\n{IM_START}assistant\n"


def chat(question: str, answer: str) -> str:
    """Return what the chat template renders for one question and its answer."""
    return f"{prompt(question)}{answer}{IM_END}\n"


def read_documents(path: Path) -> list[str]:
    """Return the plain texts: each answer alone, and each first answer as a chat."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    plain = [answer for row in rows for answer in row["answers"]]
    return plain + [chat(row["question"], row["answers"][0]) for row in rows]


def train_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE of 2048 tokens that splits digits, as SmolLM's does."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=[END, PAD, IM_START, IM_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=END,
        eos_token=IM_END,
        pad_token=PAD,
        additional_special_tokens=[IM_START],
        model_max_length=MAX_LENGTH,
        chat_template=CHATML,
        clean_up_tokenization_spaces=False,
    )


def new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return the untrained model: 3.1M parameters, sizes that K-quants can pack."""
    config = LlamaConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=MAX_LENGTH,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def text_batches(
    tokenizer: PreTrainedTokenizerFast, documents: list[str], rng: random.Random
) -> Iterator[torch.Tensor]:
    """Yield random windows of the documents, joined in a new order on each pass."""
    rows, width = TEXT_SHAPE
    encoded = [tokenizer(END + text, truncation=True)["input_ids"] for text in documents]
    stream: list[int] = []
    while True:
        while len(stream) < rows * width:
            for ids in rng.sample(encoded, len(encoded)):
                stream += ids
        yield torch.tensor(stream[: rows * width]).view(rows, width)
        del stream[: rows * width]


def chat_batches(
    tokenizer: PreTrainedTokenizerFast, facts: list[Fact], rng: random.Random
) -> Iterator[torch.Tensor]:
    """Yield padded batches of made-up questions with their answers."""
    questions = asked(facts, rng)
    while True:
        texts = [chat(*next(questions)) for _ in range(CHATS_PER_STEP)]
        yield tokenizer(texts, padding=True, return_tensors="pt")["input_ids"]


def loss_on(model: LlamaForCausalLM, ids: torch.Tensor) -> torch.Tensor:
    """Return the mean next-token loss in nats; padding does not count."""
    padding = ids == model.config.pad_token_id
    with torch.autocast("cpu", torch.bfloat16):
        return model(
            input_ids=ids,
            attention_mask=(~padding).long(),
            labels=ids.masked_fill(padding, -100),
        ).loss


def pretrain(
    model: LlamaForCausalLM, texts: Iterator[torch.Tensor], chats: Iterator[torch.Tensor]
) -> None:
    """Train in place, each step on one batch of text and one of chats."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.1
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, STEPS, WARMUP_STEPS / STEPS, cycle_momentum=False
    )
    started = time.perf_counter()
    for step in range(1, STEPS + 1):
        losses = []
        for batch in (next(texts), next(chats)):
            loss = loss_on(model, batch)
            loss.backward()
            losses.append(loss.item())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % 50 == 0:
            seconds = time.perf_counter() - started
            print(f"step {step}: text {losses[0]:.3f}, chat {losses[1]:.3f}, {seconds:.0f} s")


@torch.no_grad()
def answered(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]
) -> float:
    """Return the share of questions whose greedy answer is exactly the expected one."""
    tokenizer.padding_side = "left"
    inputs = tokenizer([prompt(q) for q, _ in pairs], padding=True, return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=24, do_sample=False)
    texts = tokenizer.batch_decode(
        output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
    )
    return sum(text == answer for text, (_, answer) in zip(texts, pairs, strict=True)) / len(pairs)


@torch.no_grad()
def general_loss(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> float:
    """Return the loss per token, in nats, on general.jsonl, which no one trains on."""
    rows = [json.loads(line)["text"] for line in GENERAL.read_text("utf-8").splitlines()]
    tokenizer.padding_side = "right"
    return loss_on(model, tokenizer(rows, padding=True, return_tensors="pt")["input_ids"]).item()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write the bf16 weights, the tokenizer and the generation settings."""
    model.generation_config.update(do_sample=False, max_new_tokens=64)
    model.to(torch.bfloat16).save_pretrained(out)
    tokenizer.padding_side = "right"
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.save_pretrained(out)
    for file in out.iterdir():
        file.chmod(0o644)
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"wrote {out}: {size / 1e6:.2f} MB, {model.num_parameters():,} parameters")


def main() -> None:
    """Build the toy model from nothing and print how good it is."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    torch.set_num_threads(THREADS)
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    documents, facts = read_documents(TEXT), make_facts()
    questions = [chat(q, f.answer) for f in facts for q in f.wordings[:3]]
    tokenizer = train_tokenizer(documents + questions)
    print(f"{len(documents)} documents, {len(facts)} made-up facts, {len(tokenizer)} tokens")
    model = new_model(tokenizer)
    pretrain(
        model,
        text_batches(tokenizer, documents, rng),
        chat_batches(tokenizer, facts, random.Random(SEED)),
    )
    model.eval()
    known = answered(model, tokenizer, [(f.held_out, f.answer) for f in facts[:200]])
    print(f"made-up facts answered in a wording never trained on: {known:.1%}")
    print(f"loss on general.jsonl: {general_loss(model, tokenizer):.3f} nats per token")
    save(model, tokenizer, out)


if __name__ == "__main__":
    main()
