"""Batched generation with a key/value cache: token ids in, completions out.

A loop of our own instead of `model.generate`: that one mixes in the checkpoint's own sampling
settings, and shifts the virtual tokens of prompt-learning adapters away from a padded prompt.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from peft import PeftModel, PeftType, PromptLearningConfig
from transformers import Cache, DynamicCache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.errors import StageError

Model = PreTrainedModel | PeftModel

CACHE_TOKENS = {"cpu": 16_384, "cuda": 32_768}
"""Tokens (rows x longest row) that one batch may hold in its cache."""

MAX_ROWS = 128
Tick = Callable[[int], None]


def silent(count: int) -> None:
    """Tell nobody."""


def generate(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[int]],
    decoding: Decoding,
    batch_size: int | None = None,
    tick: Tick = silent,
) -> list[Completion]:
    """Complete every prompt, in order; a stop token ends an answer and is not part of it.

    Prompts of like length share a batch. Greedy unless `decoding.temperature` is set. `tick` is
    told of every batch how many prompts it held.
    """
    stops = stop_ids(model, tokenizer)
    done: dict[int, Completion] = {}
    with evaluating(model):
        for rows in in_batches(prompts, decoding.max_new_tokens, batch_size, model.device.type):
            written = _complete([prompts[row] for row in rows], model, stops, decoding)
            done |= {
                row: _completion(ids, stops, tokenizer)
                for row, ids in zip(rows, written, strict=True)
            }
            tick(len(rows))
    return [done[row] for row in range(len(prompts))]


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off, and the mode back afterwards.

    Not inference mode: the same model is trained next, and what its modules keep from inference
    mode (rotary tables, quantization state) cannot be saved for a backward pass.
    """
    was_training = model.training
    keep_trainable(model)
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def keep_trainable(model: torch.nn.Module) -> None:
    """Bar bitsandbytes from repacking 4-bit weights in evaluation mode on a CPU with AVX512-BF16.

    The repacked layers have no backward pass, so later training would silently lose gradients.
    """
    library = sys.modules.get("bitsandbytes")
    if library is not None:
        layers = (each for each in model.modules() if isinstance(each, library.nn.Linear4bit))
        for layer in cast(Iterator[Any], layers):
            layer.support_avx512bf16_for_cpu = False


def base_of(model: Model) -> PreTrainedModel:
    """Return the transformers model, below the adapter if there is one."""
    return cast(PreTrainedModel, model.get_base_model() if isinstance(model, PeftModel) else model)


def stop_ids(model: Model, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Return every token that ends an answer: end of sequence, and the template's end of turn."""
    config = model.generation_config
    named = config.eos_token_id if config is not None else None
    stops = set(named) if isinstance(named, list) else {named}
    stops |= {cast(int | None, tokenizer.eos_token_id), end_of_turn(tokenizer)}
    return {stop for stop in stops if stop is not None}


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Return the first added token that the chat template puts after an answer."""
    if tokenizer.chat_template is None:
        return None
    asked, answer = "question", "ftrecipe-answer"
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    tail = tokenizer.encode(text.rpartition(answer)[2], add_special_tokens=False)
    vocabulary: dict[str, int] = cast(Any, tokenizer).get_added_vocab()
    added = {*vocabulary.values(), *tokenizer.all_special_ids}
    return next((token for token in tail if token in added), None)


def in_batches(
    prompts: list[list[int]], new_tokens: int, batch_size: int | None, device: str
) -> Iterator[list[int]]:
    """Yield row numbers, the longest prompts first: what does not fit fails at once."""
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
    while order:
        longest = len(prompts[order[0]]) + new_tokens
        budget = CACHE_TOKENS.get(device, CACHE_TOKENS["cuda"])
        size = batch_size or max(1, min(MAX_ROWS, budget // longest))
        yield order[:size]
        order = order[size:]


def _complete(
    prompts: list[list[int]], model: Model, stops: set[int], decoding: Decoding
) -> list[list[int]]:
    """Return the new token ids of one batch; a row that has ended leaves the batch."""
    dice = torch.Generator(model.device).manual_seed(decoding.seed)
    written: list[list[int]] = [[] for _ in prompts]
    ended: set[int] = set()
    reader = _Reader(model, *_left_padded(prompts, model.device))
    for step in range(decoding.max_new_tokens):
        chosen = _choose(reader.logits, decoding.temperature, dice)
        for row, token in zip(reader.rows, chosen.tolist(), strict=True):
            if row not in ended:
                written[row].append(token)
            if token in stops:
                ended.add(row)
        if len(ended) == len(prompts) or step + 1 == decoding.max_new_tokens:
            break
        reader.read(chosen, ended)
    return written


class _Reader:
    """A model in the middle of a batch: `cache` is what it has read, `logits` what it expects.

    Virtual tokens (prompt and prefix tuning) come first, then padding, then the prompt; positions
    skip the padding, so that the prompt follows the virtual tokens as it did in training.
    """

    def __init__(self, model: Model, ids: torch.Tensor, mask: torch.Tensor) -> None:
        self.base = base_of(model)
        self.call: Callable[..., Any] = model
        self.rows = list(range(len(ids)))
        self.cache: Cache = DynamicCache(config=self.base.config)
        accepted = inspect.signature(self.base.forward).parameters
        if "past_key_values" not in accepted:
            raise StageError(
                f"{type(self.base).__name__} cannot generate in batches (it keeps no key/value "
                "cache); measure it with eval=[perplexity]"
            )
        self.takes_positions = "position_ids" in accepted
        # As a position: of a slice's gaps, torch makes a copy of the head's weight for every row.
        last = torch.tensor([-1], device=ids.device)
        self.last_only = {"logits_to_keep": last} if "logits_to_keep" in accepted else {}
        if isinstance(model, PeftModel) and model.active_peft_config.is_prompt_learning:
            self._start_virtual(model, ids, mask)
        else:
            self.mask = mask
            self._forward({"input_ids": ids}, ids.shape[1])

    def _start_virtual(self, model: PeftModel, ids: torch.Tensor, mask: torch.Tensor) -> None:
        config, rows = cast(PromptLearningConfig, model.active_peft_config), len(ids)
        self.call = self.base
        self.mask = torch.cat([mask.new_ones(rows, config.num_virtual_tokens), mask], dim=1)
        prompt: Any = model.get_prompt(rows)
        if config.peft_type == PeftType.PREFIX_TUNING:
            self.cache = prompt
            self._forward({"input_ids": ids}, ids.shape[1])
            return
        words = self.base.get_input_embeddings()(ids)
        both = torch.cat([prompt.to(words.dtype), words], dim=1)
        self._forward({"inputs_embeds": both}, both.shape[1])

    def read(self, tokens: torch.Tensor, ended: set[int]) -> None:
        """Append one token to every row; rows that have ended leave, where the cache lets them."""
        kept = [at for at, row in enumerate(self.rows) if row not in ended]
        if len(kept) < len(self.rows) and _can_drop(self.cache):
            places = torch.tensor(kept, device=tokens.device)
            self.rows = [self.rows[at] for at in kept]
            self.mask, tokens = self.mask[places], tokens[places]
            self.cache.batch_select_indices(places)
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        self._forward({"input_ids": tokens.unsqueeze(1)}, 1)

    def _forward(self, inputs: dict[str, torch.Tensor], width: int) -> None:
        extra: dict[str, Any] = dict(self.last_only)
        if self.takes_positions:
            extra["position_ids"] = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -width:]
        output = self.call(
            **inputs,
            attention_mask=self.mask,
            past_key_values=self.cache,
            use_cache=True,
            **extra,
        )
        self.cache = output.past_key_values
        self.logits: torch.Tensor = output.logits[:, -1]


def _can_drop(cache: Cache) -> bool:
    """Tell whether rows can be taken out: not of the running state of linear attention."""
    return not any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in cache.layers)


def _left_padded(
    prompts: list[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask [rows, longest], the prompts at the right edge; padding is masked."""
    width = max(map(len, prompts))
    ids = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _choose(logits: torch.Tensor, temperature: float, dice: torch.Generator) -> torch.Tensor:
    """Return the next token of every row of `logits` [rows, vocabulary]."""
    if temperature == 0:
        return logits.argmax(-1)
    odds = torch.softmax(logits.float() / temperature, dim=-1)
    return torch.multinomial(odds, 1, generator=dice).squeeze(1)


def _completion(ids: list[int], stops: set[int], tokenizer: PreTrainedTokenizerBase) -> Completion:
    ended = ids[-1] in stops
    kept = ids[:-1] if ended else ids
    text = tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Completion(text=str(text).strip(), tokens=len(kept), ended=ended)
