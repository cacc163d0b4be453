"""Times what the launcher adds to its own plan, run by hand with torchrun: by turns, medians.

usage: python benchmarks/launch.py [--rounds 5]

Two CPU processes train one step. `plan.sh` is what the launcher runs, so that the rest of the
difference, beyond composing and planning, is the launcher's own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu_2", "trainer.max_steps=1",
]  # fmt: skip
FTRECIPE = [sys.executable, "-m", "ftrecipe"]
ENVIRONMENT = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def main() -> None:
    """Time every side in rounds and print the medians and their difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as temporary:
        runs = f"runs_dir={temporary}"
        seconds([*FTRECIPE, *WORDS, runs])  # prepares the data, which later rounds find
        sides: dict[str, list[float]] = {"plan": [], "by hand": [], "launched": []}
        for _ in range(rounds):
            sides["plan"].append(seconds([*FTRECIPE, "plan", *WORDS, runs]))
            sides["by hand"].append(seconds(["sh", str(written(runs, Path(temporary)))]))
            sides["launched"].append(seconds([*FTRECIPE, *WORDS, runs]))
    medians = {name: statistics.median(values) for name, values in sides.items()}
    for name, value in medians.items():
        print(f"{name:<10}{value:8.2f} s   ({min(sides[name]):.2f} to {max(sides[name]):.2f})")
    added = medians["launched"] - medians["by hand"]
    print(f"added by the launcher       {added:6.2f} s")
    print(f"beyond compose and plan     {added - medians['plan']:6.2f} s   (target: 1)")


def written(runs: str, folder: Path) -> Path:
    """Write a plan and return its plan.sh."""
    before = set(folder.glob("quickstart/*"))
    subprocess.run([*FTRECIPE, "plan", "--write", *WORDS, runs], env=ENVIRONMENT, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    (fresh,) = set(folder.glob("quickstart/*")) - before
    return fresh / "plan.sh"


def seconds(words: list[str]) -> float:
    """Return how long a command takes. Raises CalledProcessError where it fails."""
    began = time.perf_counter()
    subprocess.run(words, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
