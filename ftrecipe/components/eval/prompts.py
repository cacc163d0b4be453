"""Suite `prompts`: your own list of prompts, and what every model says to them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example, Split
from ftrecipe.components.eval.own import AUTO, whole
from ftrecipe.components.eval.prompt_list import PromptList

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

ASKED_RAW = ("completion", "text")  # what data that was learned without a template yields


@GROUP.option("prompts")
@dataclass
class Prompts(AnswerEval):
    """Answers to read side by side: nothing says which is right.

    `path`: a text file with a prompt a line, or rows with `prompt` or `messages`, and if you like
    the `answer` that you expect. `words` is the mean length, `unfinished` is in percent.
    """

    headline: ClassVar[str] = "unfinished"
    of: ClassVar[str] = "prompts"
    judges: ClassVar[bool] = False
    percents: ClassVar[tuple[str, ...]] = ("unfinished",)
    directions: ClassVar[dict[str, str]] = {"unfinished": "min"}

    prompts: list[str] = field(default_factory=list)

    def reads(self) -> Split | None:
        return None

    def own_data(self, dataset: Dataset) -> Dataset | None:
        raw = dataset.produces() in ASKED_RAW
        asked = PromptList(
            path=self.path,
            prompts=self.prompts,
            raw=raw,
            system=dataset.system,
            columns=self.columns,
        )
        return whole(asked, dataset)

    def faults(self) -> list[str]:
        found = []
        if not self.prompts and self.path is None:
            found.append(
                "prompts is empty; add eval.prompts.prompts=[...] or eval.prompts.path=FILE"
            )
        found += [f"prompts: number {at} is empty" for at, text in enumerate(self.prompts, 1)
                  if not text.strip()]  # fmt: skip
        if self.split is not Split.test or self.format != AUTO:
            found.append("split and format have no meaning here: it asks what prompts and path say")
        return found

    def judged(self, example: Example, said: Completion) -> Row:
        """Count an answer's words."""
        return {"words": len(said.text.split())}

    def tally(self, row: Row) -> dict[str, float]:
        return {"words": row["words"], "unfinished": float(not row["ended"])}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        return {
            "unfinished": 100 * sums.mean("unfinished"),
            "words": sums.mean("words"),
            "prompts": sums.examples,
        }
