import warnings

import pytest
import torch
from peft import (
    LoraConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    TaskType,
    get_peft_model,
)
from random_llama import TEMPLATE, random_llama, random_prompts, random_tokenizer
from transformers import (
    AutoModelForCausalLM,
    FalconH1Config,
    Gemma3TextConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from ftrecipe.components.eval import Decoding
from ftrecipe.stages.measuring.generation import generate
from ftrecipe.stages.measuring.stopping import end_of_turn, stop_ids

GREEDY = Decoding(max_new_tokens=12)
VIRTUAL = {
    "prompt_tuning": lambda: PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=4),
    "prefix_tuning": lambda: PrefixTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=4),
    "p_tuning": lambda: PromptEncoderConfig(
        task_type=TaskType.CAUSAL_LM, num_virtual_tokens=4, encoder_hidden_size=16
    ),
}


@pytest.fixture(scope="module")
def tokenizer():
    return random_tokenizer()


@pytest.fixture(scope="module")
def model():
    return random_llama()


def virtual_model(method: str) -> PeftModel:
    model = get_peft_model(random_llama(), VIRTUAL[method]())
    torch.manual_seed(1)
    for parameter in model.prompt_encoder.parameters():
        parameter.data.normal_(0, 0.5)
    return model


def without_cache(model, prompt: list[int], new_tokens: int) -> list[int]:
    """Write one token at a time, reading everything anew: slow and beyond doubt."""
    ids = list(prompt)
    model.eval()
    for _ in range(new_tokens):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits
        ids.append(int(logits[0, -1].argmax()))
        if ids[-1] == 2:
            break
    return ids[len(prompt) :]


def said(tokenizer, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True).strip()


def test_a_padded_batch_says_what_one_by_one_says(model, tokenizer):
    prompts = random_prompts(20)
    together = generate(model, tokenizer, prompts, GREEDY)
    assert together == generate(model, tokenizer, prompts, GREEDY, batch_size=1)
    assert len({completion.text for completion in together}) > 10


def test_the_cache_changes_nothing(model, tokenizer):
    prompts = random_prompts(5)
    expected = [said(tokenizer, without_cache(model, prompt, 12)) for prompt in prompts]
    assert [c.text for c in generate(model, tokenizer, prompts, GREEDY)] == expected


@pytest.mark.parametrize("method", VIRTUAL)
def test_virtual_tokens_stay_next_to_a_padded_prompt(method, tokenizer):
    model = virtual_model(method)
    prompts = random_prompts(8)
    expected = [said(tokenizer, without_cache(model, prompt, 12)) for prompt in prompts]
    assert [c.text for c in generate(model, tokenizer, prompts, GREEDY)] == expected


def test_virtual_tokens_change_the_answers(tokenizer):
    prompts = random_prompts(4)
    plain = generate(random_llama(), tokenizer, prompts, GREEDY)
    assert generate(virtual_model("prompt_tuning"), tokenizer, prompts, GREEDY) != plain


def small(config: type[PreTrainedConfig], **more) -> PreTrainedModel:
    torch.manual_seed(0)
    numbers = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "head_dim": 8}
    layers = {"num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2}
    special = {"eos_token_id": 2, "bos_token_id": 1, "pad_token_id": 0}
    made = config(**numbers, **layers, **special, **more, initializer_range=0.3)
    return AutoModelForCausalLM.from_config(made, dtype=torch.float32).eval()


OTHERS = {
    "sliding window": lambda: small(Gemma3TextConfig, sliding_window=8),
    "linear attention": lambda: small(
        FalconH1Config, mamba_d_ssm=32, mamba_n_heads=4, mamba_d_head=8, mamba_d_state=8
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_rows_that_end_early_do_not_disturb_the_others(kind, tokenizer):
    model = OTHERS[kind]()
    model.generation_config.eos_token_id = list(range(2, 100))
    prompts = random_prompts(12)
    together = generate(model, tokenizer, prompts, GREEDY)
    assert together == generate(model, tokenizer, prompts, GREEDY, batch_size=1)
    assert len({completion.tokens for completion in together}) > 2


def test_an_adapter_is_used(model, tokenizer):
    config = LoraConfig(task_type=TaskType.CAUSAL_LM, init_lora_weights=False, r=4)
    tuned = get_peft_model(random_llama(), config)
    prompts = random_prompts(4)
    assert generate(tuned, tokenizer, prompts, GREEDY) != generate(
        model, tokenizer, prompts, GREEDY
    )


def test_an_answer_stops_at_any_end_token_and_leaves_it_out(model):
    tokenizer = random_tokenizer(TEMPLATE)
    prompt = random_prompts(1)
    free = without_cache(model, prompt[0], 6)
    model.generation_config.eos_token_id = [2, free[3]]
    try:
        (completion,) = generate(model, tokenizer, prompt, GREEDY)
    finally:
        model.generation_config.eos_token_id = 2
    assert completion.text == said(tokenizer, free[: free.index(free[3])])
    assert completion.ended


def test_an_answer_that_runs_out_of_tokens_says_so(model, tokenizer):
    (completion,) = generate(model, tokenizer, random_prompts(1), Decoding(max_new_tokens=2))
    assert (completion.tokens, completion.ended) == (2, False)


def test_the_end_of_turn_is_read_from_the_chat_template(model):
    tokenizer = random_tokenizer(TEMPLATE)
    assert end_of_turn(tokenizer) == 5
    assert stop_ids(model, tokenizer) == {2, 5}


def test_without_a_chat_template_only_the_end_of_sequence_stops(model, tokenizer):
    assert stop_ids(model, tokenizer) == {2}


def test_sampling_settings_of_the_checkpoint_do_not_change_greedy_answers(model, tokenizer):
    prompts = random_prompts(6)
    plain = generate(model, tokenizer, prompts, GREEDY)
    config = model.generation_config
    config.do_sample, config.temperature, config.repetition_penalty = True, 2.0, 3.0
    try:
        assert generate(model, tokenizer, prompts, GREEDY) == plain
    finally:
        config.do_sample, config.temperature, config.repetition_penalty = False, 1.0, 1.0


def test_sampling_repeats_with_its_seed(model, tokenizer):
    prompts = random_prompts(6)
    hot = Decoding(max_new_tokens=8, temperature=2.0, seed=3)
    again = generate(model, tokenizer, prompts, hot)
    assert again == generate(model, tokenizer, prompts, hot)
    assert again != generate(model, tokenizer, prompts, Decoding(8, 2.0, seed=4))


def test_the_mode_of_the_model_is_restored_and_nothing_warns(tokenizer):
    model = random_llama().train()
    model.gradient_checkpointing_enable()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generate(model, tokenizer, random_prompts(3), GREEDY)
    assert model.training


def test_no_prompts_give_no_answers(model, tokenizer):
    assert generate(model, tokenizer, [], GREEDY) == []
