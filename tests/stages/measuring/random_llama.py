"""A Llama of random weights with a tokenizer of single words: real objects, built in no time."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = ["<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|end|>"]
WORDS += [f"w{at}" for at in range(300 - len(WORDS))]
TEMPLATE = (
    "{% for message in messages %}<|user|> {{ message['content'] }} <|end|> {% endfor %}"
    "{% if add_generation_prompt %}<|user|>{% endif %}"
)


def random_tokenizer(template: str | None = None) -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({w: at for at, w in enumerate(WORDS)}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<|user|>", "<|end|>"],
    )
    tokenizer.chat_template = template
    return tokenizer


def random_llama(seed: int = 0) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return LlamaForCausalLM(config)


def random_prompts(count: int, shortest: int = 2, longest: int = 12) -> list[list[int]]:
    dice = torch.Generator().manual_seed(count)
    lengths = torch.randint(shortest, longest + 1, (count,), generator=dice).tolist()
    return [torch.randint(6, 300, (length,), generator=dice).tolist() for length in lengths]
