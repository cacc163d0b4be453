"""Suite `lm_eval`: any task of lm-evaluation-harness, computed by it, on the model in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, Eval, Harness, Measurable, SuiteResult
from ftrecipe.components.eval.task_files import code_in, named_files, task_files
from ftrecipe.paths import typed
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

LOWER = ("perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "ter")
HIGHER = (
    "score", "acc", "acc_norm", "acc_all", "acc_bytes", "acc_mutual_info", "exact_match", "f1",
    "mcc", "bleu", "chrf", "chrf++", "likelihood",
)  # fmt: skip


@GROUP.option("lm_eval")
@dataclass
class LmEval(Eval):
    """Metrics `<metric>.<task>`, as the harness names and computes them, standard errors left out.

    `score` is the mean, over the tasks, of the first metric of each that is a mean of its examples
    and of which more is better. `include_path` is a folder of task files (YAML) besides the
    harness's own; these may name data, but no code. `max_samples` is the examples of each task.
    """

    headline: ClassVar[str] = "score"
    of: ClassVar[str] = "examples of lm-evaluation-harness"
    package: ClassVar[str | None] = "lm_eval"
    open_ended: ClassVar[bool] = True
    identity: ClassVar[tuple[str, ...]] = ("where", "question", "expected", "task", "main")
    directions: ClassVar[dict[str, str]] = {
        **dict.fromkeys(HIGHER, "max"),
        **dict.fromkeys(LOWER, "min"),
    }

    tasks: list[str] = field(default_factory=list)
    include_path: str | None = None
    num_fewshot: int | None = bounded(None, 0, 100)
    apply_chat_template: bool = False
    batch_size: int | None = bounded(8, 1)

    def faults(self) -> list[str]:
        return [*super().faults(), *self._faults()]

    def _faults(self) -> Iterator[str]:
        if not self.tasks:
            yield "tasks: is empty; name tasks of the harness, eval.lm_eval.tasks=[arc_easy]"
        if find_spec(str(self.package)) is None:
            yield "tasks: needs a package that is not installed: pip install lm-eval"
        folder = self._folder
        if folder is not None and not folder.is_dir():
            yield f"include_path={self.include_path}: there is no such folder"
        elif folder is not None and not task_files(folder):
            yield f"include_path={self.include_path}: has no task files (*.yaml)"

    def foreign(self) -> list[str]:
        folder = self._folder
        found = list(code_in(folder)) if folder is not None and folder.is_dir() else []
        return [f"include_path={self.include_path}: {fault}" for fault in found]

    def look(self) -> None:
        """Load the tasks with their data sets. Raises ConfigError for what is not there."""
        self._loaded()

    def _loaded(self) -> dict[str, Any]:
        from ftrecipe.components.eval.tasks import load

        return load(self.tasks, self._folder, "eval.lm_eval.tasks")

    @property
    def _folder(self) -> Path | None:
        return None if self.include_path is None else typed(self.include_path)

    def measure(self, model: Measurable) -> SuiteResult:
        """Have the harness measure the model."""
        asked = Harness(
            self._loaded(), self.num_fewshot, self.max_samples, self.apply_chat_template
        )
        found = model.harness(asked, self.batch_size or 1)
        return self.result(found.rows, found.metrics)

    def tally(self, row: Row) -> dict[str, float]:
        """Add each metric, and that the task has one example more."""
        found = {metric: float(value) for metric, value in row["metrics"].items()}
        found |= {f"examples {metric}": 1.0 for metric in found}
        return found | ({f"main {row['main']}": 1.0} if row["main"] else {})

    def scores(self, sums: Sums) -> "dict[str, Array]":
        import numpy as np

        def mean(metric: str) -> "Array":
            return sums[metric] / np.maximum(sums[f"examples {metric}"], 1)

        names = [name.removeprefix("examples ") for name in sums if name.startswith("examples ")]
        main = [name.removeprefix("main ") for name in sums if name.startswith("main ")]
        found = {name: mean(name) for name in names}
        score = {"score": np.mean([found[name] for name in main], axis=0)} if main else {}
        return score | found

    def files(self) -> dict[str, Path]:
        """Return the version of the harness, the task files, and the data files beside them."""
        own = distribution(str(self.package)).files or []
        found = [Path(str(file.locate())) for file in own if file.name == "METADATA"]
        folder = self._folder
        if folder is not None:
            found += [file for file in sorted(folder.rglob("*")) if file.is_file()]
            found += named_files(folder)
        return {str(file): file for file in found}
