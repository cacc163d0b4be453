"""Which GPUs are seen: the driver's own words, narrowed as CUDA narrows them."""

import os
from pathlib import Path

import pytest

from ftrecipe import devices
from ftrecipe.components.hardware import Device, Precision
from ftrecipe.compose import compose
from ftrecipe.devices import Gpu, narrow, read
from ftrecipe.plan import make

H100 = "{}, GPU-{}aa-bb, NVIDIA H100 80GB HBM3, 81559, 9.0"
T4 = "{}, GPU-{}cc-dd, Tesla T4, 15360, 7.5"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A program named nvidia-smi that says what it is told to."""

    def says(*lines: str, code: int = 0) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "nvidia-smi"
        printed = "".join(f"echo '{line}'\n" for line in lines)
        script.write_text(f"#!/bin/sh\n{printed}exit {code}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return says


def test_a_line_of_the_driver_is_read() -> None:
    assert read(H100.format(3, 3)) == Gpu("3", "GPU-3aa-bb", "NVIDIA H100 80GB HBM3", 79.6, (9, 0))


@pytest.mark.parametrize(
    ("visible", "ids"),
    [(None, ["0", "1", "2"]), ("2,0", ["2", "0"]), ("", []), ("-1", []), ("1,7,0", ["1"]),
     ("GPU-2aa", ["2"])],
)  # fmt: skip
def test_cuda_visible_devices_narrows_and_orders(visible: str | None, ids: list[str]) -> None:
    there = [read(H100.format(n, n)) for n in range(3)]
    assert [gpu.index for gpu in narrow(there, visible)] == ids


def test_memory_that_the_driver_does_not_tell_is_unknown(faq: str, driver) -> None:
    driver("0, GPU-1, NVIDIA GB10, [N/A], 12.1")
    plan = make(compose([f"dataset={faq}"]))
    assert plan.run.hardware.memory_gb is None
    assert "hardware  1 x NVIDIA GB10, unknown memory, bf16" in plan.notes


def test_gpus_are_known_by_ids_of_their_own(driver, monkeypatch: pytest.MonkeyPatch) -> None:
    driver(*(H100.format(n, n) for n in range(2)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert devices.visible() == ["GPU-1aa-bb"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-7,MIG-8")
    assert devices.visible() == ["MIG-7", "MIG-8"]


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert devices.gpus() == []


def test_a_driver_that_fails_has_no_gpu(driver) -> None:
    driver("No devices were found", code=6)
    assert devices.visible() == []


def test_hardware_auto_takes_every_gpu_there_is_and_says_so(faq: str, driver) -> None:
    driver(*(H100.format(n, n) for n in range(8)))
    plan = make(compose([f"dataset={faq}"]))
    hardware = plan.run.hardware
    assert (hardware.device, hardware.processes, hardware.memory_gb) == (Device.cuda, 8, 79.6)
    assert hardware.precision is Precision.bf16
    assert plan.run.world_size == 8
    assert "hardware  8 x NVIDIA H100 80GB HBM3, 79.6 GiB, bf16" in plan.notes


def test_hardware_auto_computes_in_fp16_where_a_gpu_has_no_bf16(faq: str, driver) -> None:
    driver(H100.format(0, 0), T4.format(1, 1))
    hardware = make(compose([f"dataset={faq}"])).run.hardware
    assert (hardware.precision, hardware.memory_gb) == (Precision.fp16, 15.0)


def test_hardware_auto_uses_as_many_gpus_as_are_asked_for(faq: str, driver) -> None:
    driver(*(H100.format(n, n) for n in range(8)))
    plan = make(compose([f"dataset={faq}", "hardware.processes=2"]))
    assert plan.run.world_size == 2
