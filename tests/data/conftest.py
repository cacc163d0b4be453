"""A small BPE tokenizer with ChatML tokens, and chat templates with the habits of real ones."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MakeTokenizer = Callable[..., "PreTrainedTokenizerFast"]

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As Qwen3: the last answer is written with a think block, earlier ones without.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As DeepSeek-R1: the generation prompt opens a thought that rendered answers do not have.
OPENS_THOUGHT = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
# As Phi-4 mini: EOS once, after the last turn.
EOS_AT_THE_END = CHATML.replace(
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% else %}{{ eos_token }}{% endif %}",
)
# As Llama 2: BOS written by the template, EOS after each answer, no system role.
INST = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}"
    "{% else %}{{ raise_exception('no system role here') }}{% endif %}{% endfor %}"
)
# No special tokens at all.
HEADINGS = (
    "{% for m in messages %}{% if m.role == 'user' %}### Question:\n{{ m.content }}\n"
    "{% else %}### Answer:\n{{ m.content }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}### Answer:\n{% endif %}"
)
# As Llama 3: BOS by the template, contents trimmed, a header with two blank lines.
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
# As Mistral v3: the system prompt and the tools before the last question, calls and results as
# JSON, EOS after each answer, no generation prompt.
MISTRAL_3 = (
    "{% set system = messages[0].content if messages[0].role == 'system' else none %}"
    "{% set talk = messages[1:] if system else messages %}"
    "{% set users = talk | selectattr('role', 'equalto', 'user') | list %}"
    "{{ bos_token }}{% for m in talk %}{% if m.role == 'user' %}"
    "{% if m == users[-1] %}{% if tools %}[AVAILABLE_TOOLS] {{ tools | tojson }}"
    "[/AVAILABLE_TOOLS]{% endif %}[INST] {% if system %}{{ system }}\n\n{% endif %}"
    "{{ m.content }}[/INST]{% else %}[INST] {{ m.content }}[/INST]{% endif %}"
    "{% elif m.tool_calls is defined %}[TOOL_CALLS] [{% for c in m.tool_calls %}"
    "{{ c.function | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}]{{ eos_token }}"
    "{% elif m.role == 'assistant' %} {{ m.content | trim }}{{ eos_token }}"
    "{% elif m.role == 'tool' %}[TOOL_RESULTS] {{ {'content': m.content} | tojson }}"
    "[/TOOL_RESULTS]{% endif %}{% endfor %}"
)
# As Gemma: the assistant is called model, no system role, contents trimmed.
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
# As Phi-3: EOS where no generation prompt is asked for.
PHI_3 = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
# As Command R: a preamble of its own where there is no system prompt, and a name for each role.
COMMAND_R = (
    "{{ bos_token }}{% set own = messages[0].role == 'system' %}"
    "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>"
    "{{ messages[0].content if own else 'You are helpful.' }}<|END_OF_TURN_TOKEN|>"
    "{% for m in (messages[1:] if own else messages) %}<|START_OF_TURN_TOKEN|>"
    "{{ '<|CHATBOT_TOKEN|>' if m.role == 'assistant' else '<|USER_TOKEN|>' }}"
    "{{ m.content | trim }}<|END_OF_TURN_TOKEN|>{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}"
)
# As Qwen 2.5: ChatML with a system prompt of its own.
QWEN_25 = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are Q.<|im_end|>\n{% endif %}"
    + CHATML
)
SPECIAL = [
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>", "<start_of_turn>", "<end_of_turn>", "<|end|>", "<|user|>", "<|assistant|>",
    "<|system|>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>",
    "<|USER_TOKEN|>", "<|SYSTEM_TOKEN|>", "[INST]", "[/INST]", "[TOOL_CALLS]",
]  # fmt: skip


@cache
def _bpe() -> str:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(["user assistant system what is the answer hello there"] * 3, trainer)
    return bpe.to_str()


def make(
    template: str = CHATML, eos: str = "<|im_end|>", adds_bos: bool = False
) -> "PreTrainedTokenizerFast":
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer.from_str(_bpe())
    if adds_bos:
        bos = bpe.token_to_id("<s>")
        bpe.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", bos)]
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token=eos)
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture(scope="session")
def make_tokenizer() -> MakeTokenizer:
    return make


@pytest.fixture(scope="session")
def tokenizer() -> "PreTrainedTokenizerFast":
    return make()


@pytest.fixture(scope="session")
def templates() -> dict[str, str]:
    return {
        "chatml": CHATML,
        "thinking": THINKING,
        "opens_thought": OPENS_THOUGHT,
        "eos_at_the_end": EOS_AT_THE_END,
        "inst": INST,
        "headings": HEADINGS,
        "llama_3": LLAMA_3,
        "mistral_3": MISTRAL_3,
        "gemma": GEMMA,
        "phi_3": PHI_3,
        "zephyr": ZEPHYR,
        "command_r": COMMAND_R,
        "qwen_25": QWEN_25,
    }
