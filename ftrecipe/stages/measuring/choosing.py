"""Chooses the next token of every row of a batch from its logits: the likeliest, or by dice.

A row has dice of its own, made of the seed and its prompt: what it draws depends neither on the
rows beside it nor on the device.
"""

import hashlib

import numpy as np
import torch

from ftrecipe.components.eval import Decoding


class Chooser:
    """Chooses for the rows of one batch; `prompts` are what they have read."""

    def __init__(self, decoding: Decoding, prompts: list[list[int]], device: torch.device) -> None:
        self.decoding, self.prompts = decoding, prompts
        self._seen: torch.Tensor | None = None  # [prompts, vocabulary], where odds are divided
        if decoding.temperature:
            thrown = [_thrown(decoding, prompt) for prompt in prompts]
            self._dice = torch.from_numpy(np.stack(thrown)).to(device)

    def choose(self, logits: torch.Tensor, rows: list[int], step: int) -> torch.Tensor:
        """Return the next token of each of `rows`, whose logits are [rows, vocabulary]."""
        if not self.decoding.temperature and self.decoding.repetition_penalty == 1:
            return logits.argmax(-1)
        places = torch.tensor(rows, device=logits.device)
        scores = self._penalized(logits.float(), places)
        if self.decoding.temperature:
            chosen = self._drawn(scores, self._dice[places, step])
        else:
            chosen = scores.argmax(-1)
        if self._seen is not None:
            self._seen[places, chosen] = True
        return chosen

    def _penalized(self, scores: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Make tokens less likely that a row has read or written (arXiv 1909.05858)."""
        penalty = self.decoding.repetition_penalty
        if penalty == 1:
            return scores
        if self._seen is None:
            shape = len(self.prompts), scores.shape[-1]
            self._seen = torch.zeros(shape, dtype=torch.bool, device=scores.device)
            for row, prompt in enumerate(self.prompts):
                self._seen[row, torch.tensor(prompt, device=scores.device)] = True
        lower = torch.where(scores < 0, scores * penalty, scores / penalty)
        return torch.where(self._seen[places], lower, scores)

    def _drawn(self, scores: torch.Tensor, dice: torch.Tensor) -> torch.Tensor:
        """Return the token at which the summed odds of each row pass its dice."""
        top_k, top_p = self.decoding.top_k, self.decoding.top_p
        order: torch.Tensor | None = None  # which token a column is of; None: its own number
        if top_k is not None:
            scores, order = scores.topk(min(top_k, scores.shape[-1]))
        elif top_p < 1:
            scores, order = scores.sort(descending=True)
        # Of what is below the likeliest: a temperature near 0 does not leave the range of a float.
        scores = (scores - scores.amax(-1, keepdim=True)).double() / self.decoding.temperature
        odds = scores.softmax(-1)
        if top_p < 1:
            before = odds.cumsum(-1) - odds
            odds[:, 1:] = odds[:, 1:].where(before[:, 1:] < top_p, 0)
        sums = odds.cumsum(-1)
        found = torch.searchsorted(sums, (dice * sums[:, -1]).unsqueeze(1), right=True)
        found = found.clamp(max=odds.shape[-1] - 1)
        return (found if order is None else order.gather(1, found)).squeeze(1)


def _thrown(decoding: Decoding, prompt: list[int]) -> np.ndarray:
    """Return one number in [0, 1) for every token that a prompt's answer may have."""
    digest = hashlib.sha256(np.array(prompt, dtype=np.int64).tobytes()).digest()
    seed = [decoding.seed, *np.frombuffer(digest, dtype=np.uint32).tolist()]
    return np.random.default_rng(seed).random(decoding.max_new_tokens)
