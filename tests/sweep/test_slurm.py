"""Slurm through submitit: our side of it, with scripts in the place of a scheduler."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_sweeping import ENVIRONMENT, command, folder, states

pytestmark = pytest.mark.slow

SBATCH = """
import os, re, subprocess, sys
script = open(sys.argv[1]).read()  # as sbatch does: the file is moved away afterwards
found = re.search(r"--array=0-(\\d+)%(\\d+)", script)
last, at_once = map(int, found.groups()) if found else (0, 1)
open(os.environ["SEEN"], "a").write(f"{last + 1} jobs, {at_once} at once\\n")
print("Submitted batch job 7", flush=True)
if os.fork() == 0:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1), os.dup2(nowhere, 2)
    for task in range(last + 1):
        own = {"SLURM_JOB_ID": str(100 + task), "SLURM_JOB_NODELIST": "localhost",
               "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0",
               "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
        if found:
            own |= {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": str(task)}
        subprocess.run(["bash", "-c", script], env=os.environ | own)
"""
SRUN = """
import os, sys
words = sys.argv[1:]
while words[0].startswith("-"):
    words = words[1:] if words[0] == "--unbuffered" else words[2:]
os.execvp(words[0], words)
"""
SACCT = 'print("JobID|State|NodeList")'


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """An environment in which sbatch, srun and sacct are scripts of ours."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT)):
        (tools / name).write_text(f"#!{sys.executable}\n{text}")
        (tools / name).chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    return ENVIRONMENT | {"PATH": path, "SEEN": str(tmp_path / "seen")}


def test_one_slurm_job_starts_one_trial(here: Path, slurm: dict[str, str]) -> None:
    words = ["seed=1,2,3", "hydra/launcher=submitit_slurm", "sweep.n_jobs=2"]
    done = subprocess.run(
        command(*words), env=slurm, cwd=here, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert states(here) == ["finished"] * 3
    assert (here / "seen").read_text() == "3 jobs, 2 at once\n"
    assert len(list((folder(here) / ".submitit").glob("*/*_result.pkl"))) == 3
    assert "trial 002 finished" in done.stdout


def test_a_machine_without_slurm_is_told_in_words(here: Path) -> None:
    words = ["seed=1,2", "hydra/launcher=submitit_slurm"]
    done = subprocess.run(
        command(*words), env=ENVIRONMENT, cwd=here, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert "srun" in done.stderr
    assert "Traceback" not in done.stderr
