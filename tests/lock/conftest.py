"""A lock with all its parts, made of real files, for tests that train nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.lock import inputs, record
from ftrecipe.plan import Plan
from ftrecipe.rundir import RunDir

NONE = "0" * 64


def seal(rundir: RunDir, made: Plan) -> RunDir:
    """Add what a worker adds before its first step; hashes of tokens, which need torch, are 0."""
    hardware = made.config["hardware"]
    files = inputs.local_model(made.run.model) or {}
    record.add(
        rundir,
        data={"files": inputs.data_files(made.run), "fingerprint": NONE, "prepared_sha256": NONE,
              "rows": {"train": 18, "validation": 1, "test": 1}},
        model={"path": made.run.model.path, "revision": None, "commit": None, "sha256": NONE,
               "files": files, "from_run": None},
        tokenizer={"sha256": NONE, "template_sha256": None},
        compute={
            "device": "CPU",
            "device_type": hardware["device"].replace("auto", "cpu"),
            "precision": hardware["precision"].replace("auto", "bf16"),
            "threads": 1, "cpu_capability": "AVX2", "cuda": None, "cudnn": None,
            "deterministic": False, "environment": {},
        },
        seeds={"seed": made.run.seed},
        complete=True,
    )  # fmt: skip
    return rundir


@pytest.fixture
def sealed(here: Path) -> Callable[..., RunDir]:
    """Make the folder of a run that came to its first step."""

    def run(*words: str) -> RunDir:
        made = plan.make(compose(list(words)), here=False, counts=False)
        return seal(launch.create(made), made)

    return run
