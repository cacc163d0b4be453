"""Which of Hydra's launchers starts the trials, and how many at once."""

from typing import Any

from ftrecipe import devices
from ftrecipe.sweep import plugin

LAUNCHER, JOBS = "hydra/launcher", "hydra.launcher.n_jobs"
TIMEOUT, AT_ONCE = "hydra.launcher.timeout_min", "hydra.launcher.array_parallelism"
A_WEEK = 7 * 24 * 60  # minutes; submitit ends a local job after one hour unless told


def launching(
    words: list[str], n_jobs: int | None, hardware: dict[str, Any]
) -> tuple[int | None, list[str]]:
    """Return how many trials this machine runs at once, and the words that make Hydra do so.

    The number is None where a scheduler knows. Several at once, with no launcher named, are
    joblib's. `hardware` is that of one trial.
    """
    given = {key: text for key, _, text in (word.partition("=") for word in words)}
    if (n_jobs or 1) > 1:
        given.setdefault(LAUNCHER, "joblib")
    name = plugin.launcher_of([f"{key}={text}" for key, text in given.items()])
    jobs = 1 if name == "basic" else n_jobs or _asked(given.get(JOBS)) or _usual(hardware)
    if name == "joblib":
        given[JOBS] = str(jobs)
    elif name == "submitit_local":
        given.setdefault(TIMEOUT, str(A_WEEK))
    elif name == "submitit_slurm" and n_jobs is not None:
        given[AT_ONCE] = str(n_jobs)
    written = [f"{key}={text}" for key, text in given.items()]
    return None if name == "submitit_slurm" else jobs, written


def _asked(text: str | None) -> int | None:
    """Return joblib's own number of jobs: -1 is one a core."""
    if text is None:
        return None
    number = int(text)
    return number if number > 0 else max(1, devices.cores() + 1 + number)


def _usual(hardware: dict[str, Any]) -> int:
    """Return as many trials as there are devices for; on a CPU one a core."""
    gpus = len(devices.visible()) if hardware["device"] == "cuda" else 0
    return max(1, gpus // (hardware["processes"] or 1)) if gpus else devices.cores()
