"""Writes the job that all sides of the benchmark train: a 5.25M-parameter Llama and 1,000 chats.

Made from a word list and a seed, so that it is the same everywhere. Rows have about 40 to 260
tokens, of which about half are the answer; the tokenizer's template marks the answer.
"""

# ruff: noqa: SIM905 (word lists are easier to read as text)

import json
import random
from pathlib import Path

SUBJECTS = (
    "the pilot|a gardener|our neighbor|the night nurse|an old carpenter|the city council|"
    "my cousin|a young chemist|the bakery|a fisherman|the orchestra|the last bus|her uncle|"
    "the archive|a locksmith|the football club"
).split("|")
VERBS = (
    "describes|weighs|mends|visits|gathers|explains|forgets|guards|draws|compares|cleans|"
    "records|delivers|doubts|improves|studies"
).split("|")
OBJECTS = (
    "the iron gate|six wooden boxes|a silent clock|the spring harvest|two long letters|"
    "the copper kettle|a plan of the harbor|the empty square|four simple answers|the bread prices|"
    "a second engine|the list of guests|the water tank|the northern road|their last contract|"
    "the broken window"
).split("|")
ENDINGS = (
    "before noon|with steady hands|all through the winter|because the wind has turned|"
    "near the old station|for the second time|without a single word|after the long meeting|"
    "in a low voice|below the narrow stairs|as the rules demand|while the others sleep"
).split("|")
TASKS = (
    "Summarize the note below in plain words.|Write the text again as a short report.|"
    "List the facts of the passage.|Answer the question about the text.|"
    "Go on with the story in the same tone.|Say what happened and for what reason.|"
    "Make the note into advice for a friend.|Give reasons that support the statement."
).split("|")
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<unk>"]


def write_job(folder: Path, rows: int = 1000) -> None:
    """Write `data/chat.jsonl` (one `messages` a line) and `model/` under `folder`."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"messages": chat}) + "\n" for chat in chats(rows, seed=42)]
    (folder / "data/chat.jsonl").write_text("".join(lines), encoding="utf-8")
    _write_model(folder / "model", [m["content"] for c in chats(4000, seed=7) for m in c])


def chats(count: int, seed: int) -> list[list[dict[str, str]]]:
    """Chats of one question and one answer, a pure function of the seed."""
    chance = random.Random(seed)
    return [_chat(chance) for _ in range(count)]


def _chat(chance: random.Random) -> list[dict[str, str]]:
    question = chance.choice(TASKS)
    if chance.random() < 0.5:
        question += " " + _sentence(chance)
    context = " ".join(_sentence(chance) for _ in range(chance.randint(0, 3)))
    answer = " ".join(_sentence(chance) for _ in range(chance.randint(1, 6)))
    return [
        {"role": "user", "content": f"{question}\n{context}" if context else question},
        {"role": "assistant", "content": answer},
    ]


def _sentence(chance: random.Random) -> str:
    words = " ".join(chance.choice(part) for part in (SUBJECTS, VERBS, OBJECTS, ENDINGS))
    count = f", about {chance.randint(2, 980)} in number" if chance.random() < 0.2 else ""
    return f"{words[0].upper()}{words[1:]}{count}."


def _write_model(folder: Path, texts: list[str]) -> None:
    """A tokenizer of 2,048 short pieces at most, trained on `texts`, and a random Llama."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        max_token_length=5,  # longer pieces would make the rows too short
    )
    tokenizer.train_from_iterator([*texts, "user assistant system"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<unk>",
        model_max_length=2048,
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=8,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
