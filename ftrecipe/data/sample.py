"""A bounded sample of the training examples, for prompts that show some of them."""

import random
from collections.abc import Iterable

from ftrecipe.data.audit import Prompts
from ftrecipe.data.example import Chat, Completion, Example, Rated
from ftrecipe.data.split import prompt_key

_KEPT = 256


class Sample:
    """Every example has the same chance to be kept, whatever their number (reservoir sampling)."""

    def __init__(self, seed: int, size: int = _KEPT) -> None:
        self.size, self.seen = size, 0
        self.kept: list[Chat | Completion] = []
        self._dice = random.Random(seed)

    def add(self, example: Example) -> None:
        """Look at one example; only questions with answers are kept, not those rated bad."""
        if not isinstance(example, (Chat, Completion)) or isinstance(example, Rated):
            return
        if isinstance(example, Chat) and example.everyone:
            return
        self.seen += 1
        if len(self.kept) < self.size:
            self.kept.append(example)
        elif (at := self._dice.randrange(self.seen)) < self.size:
            self.kept[at] = example

    def unlike(self, held_out: Iterable[Prompts]) -> list[Chat | Completion]:
        """Return what was kept, without what asks the same as a held-out example."""
        asked = {
            bytes(prompts.prompts[at : at + 8])
            for prompts in held_out
            for at in range(0, len(prompts.prompts), 8)
        }
        return [example for example in self.kept if prompt_key(example.prompt) not in asked]
