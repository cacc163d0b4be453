"""How an exported model writes answers: the base's own settings, and every token that ends one."""

from typing import cast

from transformers import GenerationConfig, PreTrainedTokenizerBase

from ftrecipe.stages.measuring.stopping import end_of_turn

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "typical_p", "top_h", "epsilon_cutoff",
            "eta_cutoff")  # fmt: skip
LENGTHS = ("max_new_tokens", "max_length", "min_new_tokens", "min_length")


def with_ends(
    config: GenerationConfig, tokenizer: PreTrainedTokenizerBase, pad: int
) -> GenerationConfig:
    """Return a base's settings with the end tokens of training.

    Servers take the rest as their defaults, so how to sample is kept where the base does sample;
    lengths are not: they are of other answers.
    """
    named = config.eos_token_id
    known = named if isinstance(named, list) else [named]
    ends = [*known, cast(int | None, tokenizer.eos_token_id), end_of_turn(tokenizer)]
    config.eos_token_id = list(dict.fromkeys(end for end in ends if end is not None))
    config.bos_token_id = cast(int | None, tokenizer.bos_token_id)
    config.pad_token_id = pad
    config.use_cache = True
    dropped = LENGTHS if config.do_sample else (*SAMPLING, *LENGTHS)
    for name in dropped:
        if hasattr(config, name):
            setattr(config, name, None)
    return config
