"""What the gate found of an artefact, in a line or some for the screen."""

from collections.abc import Iterator
from typing import Any

from ftrecipe.stages.exporting.fidelity.verdict import SAME

MOST = 2  # metrics of a suite that are shown; gate.json has all


def lines(told: dict[str, Any]) -> list[str]:
    """Return the verdict with its figures, and why it is not `same`."""
    name = f"{told['name']} " if told["name"] else ""
    figures = ", ".join(_figures(told))
    head = f"gate      {name}({told['about']}) {told['verdict']}"
    rows = [f"{head}: {figures}" if figures else head]
    return rows + [f"gate      {why}" for why in told["reasons"] if told["verdict"] != SAME]


def _figures(told: dict[str, Any]) -> Iterator[str]:
    """Yield the figures that say the most."""
    if "of" in (greedy := told.get("greedy", {})):
        yield f"{greedy['same']} of {greedy['of']} answers identical"
    if "max" in (apart := told.get("logprobs", {})):
        yield f"log-probabilities within {apart['max']:.2g}"
    if "trained" in (loss := told.get("loss") or {}):
        yield f"loss of the answers {loss['artefact']:.4g} (trained {loss['trained']:.4g})"
    suites = told.get("suites", {})
    for suite, found in suites.items() if "not_asked" not in suites else ():
        counts = [(name, value) for name, value in found["metrics"].items() if value["counts"]]
        for metric, value in counts[:MOST]:
            yield f"{suite}.{metric} {value['artefact']:.1f} (trained {value['tuned']:.1f})"
