"""Questions, and models that need no weights, for tests of suites."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.components.eval import Completion, ExampleLoss
from ftrecipe.data.prepared import EvalExample


def question(at: int, *answers: str, **more: Any) -> EvalExample:
    """Return question `at` with its expected answers."""
    asked = {"messages": [{"role": "user", "content": f"question {at}"}]}
    return EvalExample([at], f"question {at}", "", list(answers), f"data.csv line {at}",
                       **{**asked, **more})  # fmt: skip


@dataclass
class Scripted:
    """A model that says what it is told to, and whose losses are what `loses` makes of a reply."""

    asked: Sequence[EvalExample]
    answers: Sequence[str] = ()
    loses: Callable[[EvalExample, Any], ExampleLoss] | None = None
    replies: list[Any] = field(default_factory=list)

    def examples(self, split, limit=None):
        return list(self.asked)[:limit]

    def generate(self, prompts, decoding, batch_size=None):
        return [Completion(text, 1, True) for text in self.answers]

    def reply_losses(self, asked, batch_size=None):
        assert self.loses is not None
        self.replies += asked
        return [self.loses(*one) for one in asked]
