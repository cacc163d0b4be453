"""What a finished run shows for its recipe, as it recorded it: results, data, machine, time."""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ftrecipe import launch
from ftrecipe.amounts import duration, number
from ftrecipe.config import RunConfig, from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.exchange.portable import OWN
from ftrecipe.lock import record
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.sealing import PROSE, texts
from ftrecipe.secrets import REDACTED

BUILTIN = "builtin:"
COUNTS = ("questions", "tokens", "samples", "examples")  # what a suite was measured on


@dataclass(frozen=True)
class Evidence:
    """The records of one finished run."""

    boundary: Mapping[str, Any]
    run: RunConfig
    metrics: Mapping[str, Any]
    report: Mapping[str, Any]
    lock: Mapping[str, Any]
    seconds: float | None  # from start to end; None where it was not done in one go

    @classmethod
    def of(cls, rundir: RunDir) -> "Evidence":
        """Read a run's records. Raises ConfigError where it is none, or not finished."""
        if not rundir.run.is_file():
            raise ConfigError(f"{rundir.path} is not a run directory (it has no run.json)")
        status = launch.read_status(rundir)
        if status["state"] != "finished":
            raise ConfigError(
                f"{rundir.path}: this run is {status['state']}, and only a finished one says what "
                f"its recipe is worth; python -m ftrecipe resume {rundir.path}"
            )
        boundary = read_json(rundir.run)
        if "train" not in boundary["stages"]:
            raise ConfigError(f"{rundir.path}: this run trained nothing")
        metrics = read_json(rundir.metrics)
        whole = metrics["train"].get("resumed_from_step", 0) == 0
        return cls(
            boundary,
            from_plain(boundary["config"]),
            metrics,
            read_json(rundir.data_report),
            record.read(rundir.lock_json),
            _seconds(status) if whole else None,
        )

    def sealed(self) -> dict[str, str]:
        """Return the values of what is shared whose secret was never written down, by key."""
        shared = {key: value for key, value in self.boundary["config"].items() if key not in OWN}
        return {
            key: text for key, text in texts(shared, "") if REDACTED in text and key not in PROSE
        }

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield every metric: its name, base, tuned, and on how much it was measured."""
        for name, suite in self.run.eval.items():
            base, tuned = (self.metrics.get(who, {}).get(name, {}) for who in ("base", "tuned"))
            count = next((key for key in COUNTS if key in tuned), None)
            on = f"{tuned[count]:,.0f} {count}" if count else "not recorded"
            for metric in suite.directions:
                if metric in base or metric in tuned:
                    values = (number(one.get(metric)) for one in (base, tuned))
                    yield (f"{name}.{metric}", *values, on)  # type: ignore[misc]

    def expected(self) -> dict[str, str]:
        """Return what a recipe says of itself: the objective before and after, and the time."""
        found = {"time": self.took()}
        named = self.metrics.get("objective_name")
        if named is None or self.metrics.get("objective") is None:
            return found
        *_, suite, metric = named.split(".")
        base = self.metrics.get("base", {}).get(suite, {}).get(metric)
        before = "" if base is None else f"{number(base)} → "
        return {"result": f"{metric} {before}{number(self.metrics['objective'])}"} | found

    def took(self) -> str:
        """Say how long it took, and on what."""
        training = self.metrics["train"]["seconds"]
        if self.seconds is None:
            return f"{duration(training)} of training on {self.device}"
        return f"{duration(self.seconds)} on {self.device}"

    @property
    def device(self) -> str:
        """The device, with the number of processes where there are several."""
        processes = self.lock["world_size"]
        device = self.metrics["train"].get("device") or self.lock["compute"]["device"]
        return f"{processes} x {device}" if processes > 1 else str(device)

    @property
    def needs_license(self) -> bool:
        """Tell whether data was read that is not shipped with ftrecipe."""
        return any(not one["named"].startswith(BUILTIN) for one in self.lock["data"]["files"])


def _seconds(status: Mapping[str, Any]) -> float:
    start, end = (datetime.datetime.fromisoformat(status[key]) for key in ("started", "ended"))
    return (end - start).total_seconds()
