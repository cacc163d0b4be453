"""Batched generation with a key/value cache: token ids in, completions out.

A loop of our own instead of `model.generate`: that one mixes in the checkpoint's own sampling
settings, and shifts the virtual tokens of prompt-learning adapters away from a padded prompt.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from peft import PeftModel, PeftType, PromptLearningConfig
from transformers import Cache, DynamicCache, PreTrainedTokenizerBase
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.errors import StageError
from ftrecipe.stages.measuring.choosing import Chooser
from ftrecipe.stages.measuring.modes import Model, base_of, evaluating
from ftrecipe.stages.measuring.stopping import Stops

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
    """Complete every prompt, in order; what stops an answer is not part of it.

    Prompts of like length share a batch. Greedy unless `decoding.temperature` is set. `tick` is
    told of every batch how many prompts it held.
    """
    stops = Stops(model, tokenizer, decoding.stop)
    written = write(model, stops, prompts, decoding, batch_size, tick)
    return [stops.completion(ids) for ids in written]


def write(
    model: Model,
    stops: Stops,
    prompts: list[list[int]],
    decoding: Decoding,
    batch_size: int | None = None,
    tick: Tick = silent,
) -> list[list[int]]:
    """Return the tokens of every answer, in order, with the one that ended it."""
    done: dict[int, list[int]] = {}
    with evaluating(model):
        for rows in in_batches(prompts, decoding.max_new_tokens, batch_size, model.device.type):
            written = _complete([prompts[row] for row in rows], model, stops, decoding)
            done |= dict(zip(rows, written, strict=True))
            tick(len(rows))
    return [done[row] for row in range(len(prompts))]


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
    prompts: list[list[int]], model: Model, stops: Stops, decoding: Decoding
) -> list[list[int]]:
    """Return the new token ids of one batch; a row that has ended leaves the batch."""
    chooser = Chooser(decoding, prompts, model.device)
    written: list[list[int]] = [[] for _ in prompts]
    going = set(range(len(prompts)))
    reader = Reader(model, *left_padded(prompts, model.device))
    for step in range(decoding.max_new_tokens):
        chosen = chooser.choose(reader.logits, reader.rows, step)
        tokens = dict(zip(reader.rows, chosen.tolist(), strict=True))
        still = [row for row in reader.rows if row in going]
        for row in still:
            written[row].append(tokens[row])
        at_text = stops.by_text([written[row] for row in still])
        going -= {
            row
            for row, ends in zip(still, at_text, strict=True)
            if ends or tokens[row] in stops.ids
        }
        if not going or step + 1 == decoding.max_new_tokens:
            break
        reader.read(chosen, going)
    return written


class Reader:
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

    def read(self, tokens: torch.Tensor, going: set[int]) -> None:
        """Append one token to every row; rows that have ended leave, where the cache lets them."""
        kept = [at for at, row in enumerate(self.rows) if row in going]
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


def left_padded(
    prompts: list[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask [rows, longest], the prompts at the right edge; padding is masked."""
    width = max(map(len, prompts))
    ids = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
