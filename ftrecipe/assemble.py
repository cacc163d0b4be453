"""From a settled run to what starts it: commands, plan.sh, and the files that they read; pure."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.components.hardware import Device, Precision
from ftrecipe.components.model import Dtype
from ftrecipe.components.strategy import Layout
from ftrecipe.config import RunConfig

RANK = "MACHINE_RANK"  # stands in a command of several machines for the machine's number
MODULE = "ftrecipe.stages"
THREADS = "OMP_NUM_THREADS"
# What processes that are asked to stop may take to save a checkpoint, before torchrun kills them.
PATIENCE = {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "600"}
# A shell that waits would end at SIGTERM and leave its child: a batch script has to pass it on.
RUN = """\
stop() { stopped=1; kill -TERM "$child"; }
run() {
  "$@" & child=$!
  trap stop TERM; trap stopped=1 INT
  code=0; wait "$child" || code=$?
  if [ -n "${stopped:-}" ]; then code=0; wait "$child" || code=$?; exit "$code"; fi
  trap - TERM INT
  return "$code"
}
"""


@dataclass(frozen=True)
class Phase:
    """Stages that run one after the other in the same processes."""

    stages: tuple[str, ...]
    distributed: bool


def phases(run: RunConfig, stages: list[str]) -> list[Phase]:
    """Return `stages` as phases: only training has several processes, and one phase is best."""
    if not run.strategy.distributed:
        return [Phase(tuple(stages), False)]
    if "train" not in stages:
        return [Phase(tuple(stages), False)] if stages else []
    at = stages.index("train")
    parts = [(stages[:at], False), (["train"], True), (stages[at + 1 :], False)]
    return [Phase(tuple(some), distributed) for some, distributed in parts if some]


def command(run: RunConfig, phase: Phase, folder: Path, rank: str = "0") -> list[str]:
    """Return the command of a phase for the run in `folder`, on machine `rank`."""
    if phase.distributed:
        start = run.strategy.start(layout(run), folder, rank)
    else:
        start = ["-m"]
    return [sys.executable, *start, MODULE, str(folder), *phase.stages]


def waiting(folder: Path) -> list[str]:
    """Return the command with which the other machines wait for the first one's preparation."""
    return [sys.executable, "-m", MODULE, str(folder), "wait"]


def layout(run: RunConfig) -> Layout:
    """Return what the strategy's files are made from."""
    precision = run.hardware.precision
    if run.model.dtype is Dtype.float32:
        precision = Precision.fp32
    return Layout(
        processes=run.hardware.processes or 1,
        num_machines=run.hardware.num_machines,
        main_process_ip=run.hardware.main_process_ip,
        main_process_port=run.hardware.main_process_port,
        on_gpu=run.hardware.device is not Device.cpu,
        precision=precision.value,
        per_device_train_batch_size=run.trainer.per_device_train_batch_size,
        gradient_accumulation_steps=run.trainer.gradient_accumulation_steps,
        max_grad_norm=run.trainer.max_grad_norm,
    )


def files(run: RunConfig) -> dict[str, str]:
    """Return the files that the commands or their libraries read: name → text."""
    return run.strategy.files(layout(run)) if run.strategy.distributed else {}


def environment(run: RunConfig, cores: int) -> dict[str, str]:
    """Return what a distributed phase is started with, unless the environment says otherwise.

    More threads than cores would stand in each other's way.
    """
    return {THREADS: str(max(1, cores // (run.hardware.processes or 1))), **PATIENCE}


def script(run: RunConfig, stages: list[str], folder: Path, working_dir: Path) -> str:
    """Return plan.sh: the commands of every phase, for this machine or one of several."""
    planned = phases(run, stages)
    lines = ["#!/bin/sh", *_header(run), "set -eu", f"cd {shlex.quote(str(working_dir))}"]
    if len(planned) == 1 and not planned[0].distributed:
        return _text([*lines, f"exec {shlex.join(command(run, planned[0], folder))}"])
    several = run.hardware.num_machines > 1
    lines += RUN.splitlines()
    if several:
        last = run.hardware.num_machines - 1
        numbers = "|".join(str(number) for number in range(last + 1))
        lines += [
            'machine="${1:-${SLURM_NODEID:-0}}"',
            f'case "$machine" in {numbers}) ;; *)',
            f'  echo "plan.sh $machine: the machine is a number from 0 to {last}" >&2; exit 2 ;;',
            "esac",
        ]
    processes = run.hardware.processes or 1
    count = f"$(nproc) / {processes}"
    for phase in planned:
        if not phase.distributed:
            first = f"run {shlex.join(command(run, phase, folder))}"
            lines += _on_the_first(first, phase, planned, folder) if several else [first]
            continue
        words = shlex.join(command(run, phase, folder, RANK)).replace(RANK, '"$machine"')
        patience = " ".join(f"{name}={value}" for name, value in PATIENCE.items())
        own = f'{THREADS}="${{{THREADS}:-$(( {count} > 0 ? {count} : 1 ))}}"'
        lines.append(f"run env {patience} {own} \\")
        lines.append(f"  {words}")
    return _text(lines)


def _header(run: RunConfig) -> list[str]:
    machines = run.hardware.num_machines
    if machines == 1:
        return ["# What the launcher runs."]
    return [
        f"# What the launcher runs on machine 0. On machine k of {machines}: sh plan.sh k",
        "# (or under SLURM, on all of them: srun sh plan.sh). They share this folder.",
    ]


def _on_the_first(first: str, phase: Phase, planned: list[Phase], folder: Path) -> list[str]:
    """Return the lines that leave a phase of one process to the first machine."""
    lines = ['if [ "$machine" = 0 ]; then', f"  {first}"]
    if phase is planned[0]:
        lines += ["else", f"  run {shlex.join(waiting(folder))}"]
    return [*lines, "fi"]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def deferred(folder: Path, working_dir: Path) -> str:
    """Return the plan.sh of a run that is settled where it will happen."""
    again = shlex.join([sys.executable, "-m", "ftrecipe", "resume", str(folder)])
    return _text([
        "#!/bin/sh", "# Looks at the machine that it runs on, and goes on from there.", "set -eu",
        f"cd {shlex.quote(str(working_dir))}", f"exec {again}",
    ])  # fmt: skip
