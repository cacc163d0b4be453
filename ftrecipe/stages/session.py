"""What the stages of one process share: the run, its folder, and models that are loaded once."""

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe import results
from ftrecipe.config import RunConfig, from_plain
from ftrecipe.data.prepared import Prepared
from ftrecipe.errors import ConfigError
from ftrecipe.results import BASE, TUNED
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.sealing import opened
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from ftrecipe.stages.models import Models


@dataclass
class Stop:
    """Whether a person or a scheduler asked to stop; `patient` work stops at its next step.

    Of several processes, one that was asked is enough: they agree on it at the end of a step.
    """

    requested: bool = False
    patient: bool = False


@dataclass
class Session:
    """One worker's view of its run."""

    run: RunConfig
    dir: RunDir
    screen: Screen
    cache: Path
    name: str
    only_checks: bool = False
    assumes_model: bool = False
    rank: Rank = field(default_factory=Rank)
    stop: Stop = field(default_factory=Stop)
    measured: set[str] = field(default_factory=set)  # suites that this process asked of the base
    exports: list[str] = field(default_factory=list)  # the targets that its export stage makes

    @classmethod
    def open(cls, rundir: RunDir, screen: Screen, rank: Rank | None = None) -> "Session":
        """Read the run directory's config."""
        boundary = read_json(rundir.run)
        run = from_plain(opened(boundary["config"], os.environ, where=str(rundir.run)))
        cache = Path(boundary["runs_dir"]) / ".cache"
        os.environ.update(run.tracking.environment(rundir.path))
        only_checks = boundary["stages"] == ["prepare"]
        rank = rank or Rank()
        return cls(
            run, rundir, screen, cache, boundary["name"], only_checks,
            boundary["assumes_model"], rank, exports=boundary.get("exports", list(run.export)),
        )  # fmt: skip

    @cached_property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """Load the tokenizer; says so where the model has no chat template of its own."""
        return self.models.tokenizer

    @property
    def pad_token_id(self) -> int:
        """The token that fills short rows."""
        return int(self.tokenizer.convert_tokens_to_ids(str(self.tokenizer.pad_token)))  # type: ignore[arg-type]

    @cached_property
    def prepared(self) -> Prepared:
        """Open the prepared data. Raises ConfigError before `prepare` has run."""
        if not self.dir.prepared.is_file():
            raise ConfigError(f"{self.dir.path}: no prepared data; run the prepare stage first")
        return Prepared.open(Path(read_json(self.dir.prepared)["path"]))

    @cached_property
    def models(self) -> "Models":
        """The models of this run: as it starts, and as it was tuned."""
        from ftrecipe.stages.models import Models

        return Models(self.run, self.dir, self.screen, self.rank)

    def record_suites(self, who: str, suites: dict[str, dict[str, float]]) -> None:
        """Add what was measured of `who`, keeping suites that were measured before."""
        known = read_json(self.dir.metrics) if self.dir.metrics.is_file() else {}
        if who in (BASE, TUNED):
            self.record(**{who: known.get(who, {}) | suites})
            return
        others = known.get("baselines", {})
        self.record(baselines=others | {who: others.get(who, {}) | suites})

    def keep_baselines(self, names: Collection[str]) -> None:
        """Take out baselines of other names: measured once, and not as suites are set now."""
        known = read_json(self.dir.metrics) if self.dir.metrics.is_file() else {}
        others = known.get("baselines", {})
        if others.keys() <= {*names}:
            return
        for suite in {suite for found in others.values() for suite in found}:
            results.keep(self.dir, suite, {TUNED, *names})
        self.record(baselines={who: others[who] for who in others if who in names} or None)

    def record(self, **parts: Any) -> None:
        """Add to metrics.json: `base`, `tuned`, `train`, `objective`; what is None is taken out."""
        known = read_json(self.dir.metrics) if self.dir.metrics.is_file() else {}
        known.pop("schema_version", None)
        whole = known | parts
        write_json(self.dir.metrics, {key: each for key, each in whole.items() if each is not None})
