"""Runs on CUDA GPUs: `python -m pytest -m gpu` on a machine that has some."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ftrecipe import devices
from ftrecipe.rundir import RunDir, read_json

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not devices.visible(), reason="this machine has no NVIDIA GPU"),
]
SHORT = ["+recipe=quickstart", "eval=[perplexity]", "export=[]", "trainer.max_steps=4",
         "trainer.logging_steps=1"]  # fmt: skip


def trained(folder: Path, *words: str) -> RunDir:
    said = subprocess.run(
        [sys.executable, "-m", "ftrecipe", *SHORT, f"runs_dir={folder}", *words],
        env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr
    return RunDir(next(folder.glob("quickstart/2*")))


def test_hardware_auto_trains_on_every_gpu(tmp_path: Path) -> None:
    found = devices.gpus()
    rundir = trained(tmp_path, "trainer.per_device_train_batch_size=2")
    metrics = read_json(rundir.metrics)["train"]
    assert metrics["processes"] == len(found)
    assert metrics["device"] == found[0].name


@pytest.mark.parametrize("quantization", ["nf4", "int8"])
def test_a_quantized_base_trains_on_a_gpu(tmp_path: Path, quantization: str) -> None:
    rundir = trained(tmp_path, "hardware.processes=1", f"quantization={quantization}")
    assert read_json(rundir.metrics)["train"]["steps"] == 4


@pytest.mark.parametrize("strategy", ["zero2", "zero3", "fsdp"])
def test_a_strategy_for_several_gpus_trains_on_all(tmp_path: Path, strategy: str) -> None:
    if len(devices.visible()) < 2:
        pytest.skip("one GPU only")
    rundir = trained(tmp_path, f"strategy={strategy}", "trainer.per_device_train_batch_size=2")
    assert read_json(rundir.metrics)["train"]["processes"] == len(devices.visible())


def test_offloading_trains_on_one_gpu(tmp_path: Path) -> None:
    rundir = trained(tmp_path, "hardware.processes=1", "strategy=zero3_offload")
    assert read_json(rundir.metrics)["train"]["steps"] == 4
