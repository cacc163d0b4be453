"""Prepares 100,000 and a million Alpaca rows, and compares the memory that they took."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from job import ENDINGS, OBJECTS, SUBJECTS, VERBS

ONE_RUN = """
import json, resource, sys, time
from pathlib import Path
from ftrecipe.components.dataset.alpaca import Alpaca
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.data.build import built
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.data.prepared import Job, fingerprint
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(BUILTIN / "tiny")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
job = Job(Alpaca(path=sys.argv[1]), tokenizer, None, TrainOn.answers, 42)
start = time.perf_counter()
fingerprint(job)
with built(job, Path(sys.argv[2]), lambda total: lambda done: None) as data:
    report = data.report
print(json.dumps({"seconds": time.perf_counter() - start, "before_mb": before,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "rows": sum(report["examples"].values()), "failures": report["failures"]}))
"""


def write(path: Path, rows: int, seed: int = 1) -> None:
    """Write `rows` different instructions with answers, as JSON Lines."""
    dice = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            fact = " ".join(map(dice.choice, (SUBJECTS, VERBS, OBJECTS, ENDINGS)))
            row = {"instruction": f"Number {number}: who does it?", "input": "", "output": fact}
            file.write(json.dumps(row) + "\n")


def measure(folder: Path, rows: int) -> dict[str, float]:
    """Return seconds and megabytes of preparing `rows` rows in a process of its own."""
    path = folder / f"{rows}.jsonl"
    write(path, rows)
    words = [sys.executable, "-c", ONE_RUN, str(path), str(folder / f"prepared_{rows}")]
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"] == rows, found
    return {"file_mb": path.stat().st_size / 2**20, **found}


def main() -> None:
    """Print both sizes and the ratio of their memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        started = time.strftime("%Y-%m-%d")
        small, large = (measure(Path(name), count) for count in (rows // 10, rows))
    for one in (small, large):
        print(f"{one['rows']:>9,.0f} rows ({one['file_mb']:.0f} MB): {one['seconds']:.0f} s, peak "
              f"{one['peak_mb']:.0f} MB, of which {one['before_mb']:.0f} MB before")  # fmt: skip
    print(f"{started}: ten times the rows take {large['peak_mb'] / small['peak_mb']:.2f} times "
          "the memory")  # fmt: skip


if __name__ == "__main__":
    main()
