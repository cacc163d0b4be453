"""Trains one job by hand with TRL and with ftrecipe, by turns, and prints the ratios.

usage: python benchmarks/speed.py [--rounds 3] [--folder DIR]

Absolute figures belong to a machine and its mood; only the ratios of one run are worth keeping.
On a machine with other work the processor seconds, start-up included, are what to go by.
Each side has one thread and a process of its own, and never runs beside another.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The job is written before any side is timed, in a process of its own.
WRITE_JOB = "import sys, pathlib, job; job.write_job(pathlib.Path(sys.argv[1]))"


@dataclass
class Timing:
    """One training: seconds are wall time, tokens do not count padding."""

    steps_per_second: float
    tokens_per_second: float
    seconds_to_first_step: float
    total_seconds: float
    processor_seconds: float
    loss: float


def main() -> None:
    """Time all sides in rounds and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the job and all output here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        job = folder / "job"
        if not (job / "model/config.json").is_file():
            call([sys.executable, "-c", WRITE_JOB, str(job)], cwd=HERE)
        rounds = [one_round(job, folder / f"round-{i}") for i in range(options.rounds)]
    report(rounds)
    report_plan([plan_and_hydra_seconds() for _ in range(max(3, options.rounds))])


def one_round(job: Path, folder: Path) -> dict[str, Timing]:
    """Every side once, in turn, so that all meet the same moods of the machine."""
    timings = {
        "hand-written TRL": hand_written(job, folder / "hand"),
        "ftrecipe": ftrecipe(job, folder / "runs"),
        "ftrecipe, shuffled": ftrecipe(
            job, folder / "runs-shuffled", "trainer.group_by_length=false"
        ),
        "ftrecipe packed": ftrecipe(job, folder / "runs-packed", "trainer.packing=true"),
    }
    for name, timing in timings.items():
        print(f"{name:20}{timing}", flush=True)
    return timings


def hand_written(job: Path, out: Path) -> Timing:
    """Run `hand_written_trl.py` and read its clock."""
    out.mkdir(parents=True)
    started, spent = time.time(), processor_seconds()
    call([sys.executable, str(HERE / "hand_written_trl.py"), str(job), str(out)], cwd=out)
    return timing(started, spent, json.loads((out / "clock.json").read_text("utf-8")))


def ftrecipe(job: Path, runs: Path, *overrides: str) -> Timing:
    """Run the front command, which starts the worker, and read the run's metrics."""
    runs.mkdir(parents=True)
    started, spent = time.time(), processor_seconds()
    call(front_command(job, runs, *overrides), cwd=runs)
    (metrics,) = runs.glob("**/metrics.json")
    return timing(started, spent, json.loads(metrics.read_text("utf-8"))["train"])


def front_command(job: Path, runs: Path, *overrides: str) -> list[str]:
    """The same job as `hand_written_trl.py`, said in ftrecipe's words."""
    return [
        *(sys.executable, "-m", "ftrecipe"),
        *("dataset=messages", f"dataset.path={job / 'data/chat.jsonl'}", f"model={job / 'model'}"),
        *("dataset.split.train=1", "dataset.split.validation=0", "dataset.split.test=0"),
        *("peft=lora", "peft.r=8", "peft.alpha=16"),
        *("eval=[]", "export=[]", "hardware=cpu", "model.dtype=float32"),
        *("trainer.per_device_train_batch_size=8", "trainer.learning_rate=2e-4"),
        *("trainer.num_train_epochs=1", "trainer.max_length=512", f"runs_dir={runs}"),
        *overrides,
    ]


def timing(started: float, spent: float, clock: dict[str, float]) -> Timing:
    """From what a side wrote of itself.

    Args:
        started: when its process was started, unix time.
        spent: `processor_seconds()` at that time.
        clock: `steps`, `tokens`, `seconds`, `first_step_at` (unix time) and `loss`.
    """
    return Timing(
        steps_per_second=clock["steps"] / clock["seconds"],
        tokens_per_second=clock["tokens"] / clock["seconds"],
        seconds_to_first_step=clock["first_step_at"] - started,
        total_seconds=time.time() - started,
        processor_seconds=processor_seconds() - spent,
        loss=clock["loss"],
    )


def processor_seconds() -> float:
    """What all ended children of this process have used so far, user and system."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def plan_and_hydra_seconds() -> tuple[float, float]:
    """Wall time of planning a packaged recipe, and of only importing hydra."""
    return (
        seconds([sys.executable, "-m", "ftrecipe", "plan", "+recipe=quickstart"]),
        seconds([sys.executable, "-c", "import hydra"]),
    )


def seconds(command: list[str]) -> float:
    """Wall time of a command that must succeed."""
    start = time.monotonic()
    call(command, cwd=HERE.parent)
    return time.monotonic() - start


def call(command: list[str], cwd: Path) -> None:
    """Run quietly with one thread and no network; on failure show what it said and stop."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def report(rounds: list[dict[str, Timing]]) -> None:
    """One line a side and measure: the median, and its ratio to the hand-written script's."""
    reference = next(iter(rounds[0]))
    print(f"\nmedians of {len(rounds)}, and their ratio to {reference}")
    for field in Timing.__dataclass_fields__:
        print(field)
        base = median(rounds, reference, field)
        for side in rounds[0]:
            value = median(rounds, side, field)
            print(f"  {side:20}{value:10.3f}{value / base:8.2f}x")


def median(rounds: list[dict[str, Timing]], side: str, field: str) -> float:
    """The middle value of one measure of one side."""
    return statistics.median(vars(timings[side])[field] for timings in rounds)


def report_plan(pairs: list[tuple[float, float]]) -> None:
    """How long planning takes over importing hydra alone."""
    plan, hydra = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"plan {plan:.2f} s, import hydra {hydra:.2f} s, {plan / hydra:.1f}x")


if __name__ == "__main__":
    main()
