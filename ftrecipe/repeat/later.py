"""Suites that were measured after the training, of files that its lock does not know: left out."""

import re
from typing import Any

from ftrecipe.lock import inputs

Lock = dict[str, Any]
SUITES = "eval"


def as_trained(lock: Lock) -> tuple[Lock, list[str]]:
    """Return a lock without the suites whose files it does not know, and their names.

    A run of before such files were locked has them. What asks for those suites goes with them:
    conditions of the gate, the objective, what was measured.
    """
    known = {file["key"] for file in lock.get("data", {}).get("files", [])}
    named = inputs.named_data(lock["config"])
    unknown = {key.split(".")[1] for key in named if key.startswith(f"{SUITES}.")} - {
        key.split(".")[1] for key in known if key.startswith(f"{SUITES}.")
    }
    if not unknown:
        return lock, []
    config = _without(lock["config"], unknown)
    left = lock | {"config": config}
    if "results" in lock:
        left["results"] = _measured_without(lock["results"], unknown, config)
    return left, sorted(unknown)


def _without(config: dict[str, Any], unknown: set[str]) -> dict[str, Any]:
    asks = re.compile(rf"(?<![\w.])(tuned\.)?({'|'.join(map(re.escape, sorted(unknown)))})\.")
    gate = [condition for condition in config.get("gate") or [] if not asks.search(condition)]
    objective = config.get("objective")
    return config | {
        SUITES: {name: suite for name, suite in config[SUITES].items() if name not in unknown},
        "gate": gate,
        "objective": None if objective and asks.search(objective) else objective,
    }


def _measured_without(
    results: dict[str, Any], unknown: set[str], config: dict[str, Any]
) -> dict[str, Any]:
    """Return results without those of suites, nor the objective, which may be of one of them."""
    sides = {who: found for who, found in results["metrics"].items() if isinstance(found, dict)}
    metrics = {
        who: {name: values for name, values in found.items() if name not in unknown}
        for who, found in sides.items()
    }
    if config["objective"] is not None and "objective" in results["metrics"]:
        metrics["objective"] = results["metrics"]["objective"]
    answers = {
        file: known
        for file, known in results["answers"].items()
        if file.removesuffix(".jsonl") not in unknown
    }
    return results | {"metrics": metrics, "answers": answers}
