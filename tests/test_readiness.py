"""What a run needs of this machine and its trackers is looked at before anything starts."""

import os
from pathlib import Path

import pytest

from ftrecipe import devices
from ftrecipe.components.hardware import Device, Hardware
from ftrecipe.components.tracking.mlflow import Mlflow
from ftrecipe.components.tracking.reach import no_answer
from ftrecipe.components.tracking.wandb import Mode, Wandb
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.readiness import check, device_faults

CLOSED = "http://127.0.0.1:9"
TWO = Hardware(device=Device.cuda, processes=2)


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A driver's program that lists so many GPUs, on a machine without others."""

    def there(count: int) -> None:
        script = tmp_path / "nvidia-smi"
        lines = [f"echo '{n}, GPU-{n}, NVIDIA H100, 81559, 9.0'" for n in range(count)]
        script.write_text("\n".join(["#!/bin/sh", *lines, "exit 0"]))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr(devices, "others", lambda: False)

    return there


def test_as_many_gpus_as_the_profile_has_are_enough(gpus) -> None:
    gpus(2)
    assert list(device_faults(TWO)) == []


def test_fewer_gpus_than_the_profile_has_are_told_with_both_numbers(gpus) -> None:
    gpus(1)
    (fault,) = device_faults(TWO)
    assert "needs 2 GPUs, and this machine shows 1 GPU; use hardware.processes=1" in fault


def test_gpus_that_the_environment_hides_are_told_as_hidden(
    gpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (fault,) = device_faults(TWO)
    assert "no NVIDIA GPU (CUDA_VISIBLE_DEVICES=)" in fault


def test_gpus_of_which_no_nvidia_driver_knows_are_left_to_torch(
    gpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(0)
    monkeypatch.setattr(devices, "others", lambda: True)
    assert list(device_faults(TWO)) == []


def test_a_profile_without_gpus_asks_no_driver() -> None:
    assert list(device_faults(Hardware(device=Device.cpu, processes=2))) == []


def test_gpus_and_tracker_are_told_together_and_only_to_stages_that_need_them(
    gpus, faq: str
) -> None:
    gpus(0)
    words = ["hardware=gpu_1x24gb", "tracking=mlflow", f"tracking.tracking_uri={CLOSED}"]
    run = compose([f"dataset={faq}", *words]).run
    with pytest.raises(ConfigError) as caught:
        check(run, ["prepare", "train"])
    assert len(caught.value.faults) == 2
    check(run, ["prepare", "report"])


def test_a_tracker_that_is_not_required_is_not_asked_for_beforehand(faq: str) -> None:
    words = ["tracking=mlflow", f"tracking.tracking_uri={CLOSED}", "tracking.required=false"]
    check(compose([f"dataset={faq}", *words]).run, ["train"])


@pytest.mark.parametrize("server", ["mailto:x", "http://", "http://[", "no url"])
def test_an_address_that_is_none_is_no_answer(server: str) -> None:
    assert no_answer(server) is not None


def test_trackers_that_write_to_files_need_no_server() -> None:
    assert Mlflow(tracking_uri="sqlite:///here.db").fault() is None
    assert Wandb().fault() is None
    assert Wandb(mode=Mode.disabled).fault() is None


def test_a_login_to_wandb_is_found_where_its_client_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_BASE_URL", CLOSED)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "set WANDB_API_KEY" in str(Wandb(mode=Mode.online).fault())
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {'0' * 40}\n")
    assert "cannot be reached" in str(Wandb(mode=Mode.online).fault())
