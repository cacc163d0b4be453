"""A trial on GPUs is given its own ones; several on a CPU share its cores."""

import os
from pathlib import Path

import pytest
from test_book import FACTS

from ftrecipe.errors import Stopped
from ftrecipe.sweep.book import Book, opened
from ftrecipe.sweep.launching import launching
from ftrecipe.sweep.trial import places

SMI = """#!/bin/sh
for id in 0 1 2 3; do echo "$id, GPU-$id, Test, 24576, 8.6"; done
"""


@pytest.fixture
def four_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tools").mkdir()
    tool = tmp_path / "tools" / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def cuda(processes: int) -> dict[str, object]:
    return {"device": "cuda", "processes": processes}


@pytest.mark.usefixtures("four_gpus")
def test_trials_at_once_never_share_a_gpu(tmp_path: Path) -> None:
    with opened(tmp_path / "a", FACTS) as one, opened(tmp_path / "b", FACTS) as other:
        with places(cuda(2), one) as first, places(cuda(2), other) as second:
            assert first == {"CUDA_VISIBLE_DEVICES": "GPU-0,GPU-1"}
            assert second == {"CUDA_VISIBLE_DEVICES": "GPU-2,GPU-3"}
            one.ask_to_stop()
            with pytest.raises(Stopped), places(cuda(1), one):
                pass
        with places(cuda(1), other) as again:
            assert again == {"CUDA_VISIBLE_DEVICES": "GPU-0"}


@pytest.mark.usefixtures("four_gpus")
def test_only_the_gpus_that_are_to_be_seen_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    with opened(tmp_path, FACTS) as book, places(cuda(1), book) as first:
        assert first == {"CUDA_VISIBLE_DEVICES": "GPU-3"}


@pytest.mark.usefixtures("four_gpus")
@pytest.mark.parametrize(("processes", "jobs"), [(1, 4), (2, 2), (3, 1)])
def test_joblib_runs_as_many_at_once_as_there_are_gpus_for(processes: int, jobs: int) -> None:
    at_once, words = launching(["hydra/launcher=joblib"], None, cuda(processes))
    assert at_once == jobs
    assert f"hydra.launcher.n_jobs={jobs}" in words


def test_the_number_that_is_asked_for_stands_and_cores_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cpu = {"device": "cpu", "processes": 1}
    cores = len(os.sched_getaffinity(0))
    at_once, _ = launching(["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], None, cpu)
    assert at_once == 2
    with opened(tmp_path, FACTS | {"n_jobs": 2}) as book, places(cpu, book) as environment:
        assert environment == {"OMP_NUM_THREADS": str(max(1, cores // 2))}
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with places(cpu, Book(book.path)) as environment:
        assert environment == {}


def test_several_at_once_without_a_launcher_are_joblibs() -> None:
    cpu = {"device": "cpu", "processes": 1}
    at_once, words = launching([], 3, cpu)
    assert at_once == 3
    assert words == ["hydra/launcher=joblib", "hydra.launcher.n_jobs=3"]
    assert launching([], None, cpu) == (1, [])
