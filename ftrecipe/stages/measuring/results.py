"""Per-example results of the suites, so that anyone can recompute a metric."""

import json
import os

from ftrecipe.components.eval import SuiteResult
from ftrecipe.rundir import RunDir


def write_results(rundir: RunDir, who: str, results: dict[str, SuiteResult]) -> None:
    """Write eval/<who>/<suite>.jsonl, one line an example."""
    folder = rundir.eval / who
    folder.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in result.rows)
        fresh = folder / f".{name}.{os.getpid()}"
        fresh.write_text(lines, encoding="utf-8")
        fresh.replace(folder / f"{name}.jsonl")
