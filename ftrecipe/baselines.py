"""Whom a run's tuned model is held against, by name: as they stand in metrics.json and in gates."""

from pathlib import Path

from ftrecipe.config import RunConfig
from ftrecipe.results import BASE

FEW_SHOT = "few_shot"


def names(run: RunConfig) -> list[str]:
    """Return the baselines of a run, the base first."""
    asked = [FEW_SHOT] if run.compare.few_shot else []
    return [BASE, *asked, *(name_of(folder) for folder in run.compare.against)]


def name_of(folder: str) -> str:
    """Return what an earlier run is called: its recipe and its date, not where it lies."""
    return "/".join(Path(folder).parts[-2:])
