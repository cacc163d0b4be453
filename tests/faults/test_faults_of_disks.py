"""Places that cannot be written, and disks that fill up: on real file systems."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commanding import COMMAND, CONFIG_SECONDS, FILE_SECONDS, rows, surroundings
from conftest import Run

pytestmark = pytest.mark.slow

Mount = Callable[[Path, str], Path]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a file system of its own in memory; skip where that is not allowed."""
    mounted: list[Path] = []

    def make(folder: Path, options: str) -> Path:
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(words, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount here")
        if done.returncode:
            pytest.skip(f"this user may not mount: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_runs_dir_is_refused(mount: Mount, run: Run, work: Path) -> None:
    place = mount(work / "fixed", "ro")
    said = run("run", "dataset=faq.jsonl", f"runs_dir={place}/runs")
    said.refused(f"runs_dir: {place}/runs", "cannot be written: Read-only", seconds=CONFIG_SECONDS)


def test_a_file_in_the_way_of_runs_dir_is_refused(run: Run, work: Path) -> None:
    (work / "taken").write_text("mine")
    said = run("run", "dataset=faq.jsonl", "runs_dir=taken/runs")
    said.refused("runs_dir: taken/runs", "cannot be written: Not a directory")
    assert (work / "taken").read_text() == "mine"


def fill(place: Path, left: int) -> None:
    """Take all of a file system but `left` bytes."""
    free = os.statvfs(place)
    with (place / "filler").open("wb") as file:
        file.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))


def planned(run: Run, place: Path, work: Path) -> Path:
    """Write a run's folder onto a small disk; what is prepared of its data takes a megabyte."""
    (work / "many.jsonl").write_text(rows(6_000))
    words = ["dataset=many.jsonl", "eval=[]", "export=[]", f"runs_dir={place}"]
    said = run("plan", "--write", *words)
    assert said.code == 0, said.err
    return next(place.glob("[!.]*/2*"))


def by_hand(folder: Path, work: Path) -> "subprocess.CompletedProcess[str]":
    """Run the prepare stage alone, as plan.sh would."""
    words = [COMMAND[0], "-m", "ftrecipe.stages", str(folder), "prepare"]
    return subprocess.run(
        words, cwd=work, env=surroundings({}), capture_output=True, text=True, check=False
    )


def test_a_disk_that_fills_up_while_preparing_is_told_and_the_run_goes_on_after(
    mount: Mount, run: Run, work: Path
) -> None:
    place = mount(work / "small", "size=8m")
    folder = planned(run, place, work)
    fill(place, left=200_000)
    said = by_hand(folder, work)
    assert said.returncode == 1
    told = rf"failed in prepare: no space left on a disk \(.* free in {folder.parent}"
    assert re.search(told, said.stderr)
    assert f"go on     python -m ftrecipe resume {folder}" in said.stderr
    assert "Traceback" not in said.stderr
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], status["stage"]) == ("failed", "prepare")
    assert [one.name for one in (place / ".cache").iterdir()] == ["locks"]
    (place / "filler").unlink()
    again = by_hand(folder, work)
    assert again.returncode == 0, again.stderr
    assert (folder / "data" / "report.html").is_file()


def test_a_disk_without_a_byte_left_is_told_by_the_worker_and_by_the_front(
    mount: Mount, run: Run, work: Path
) -> None:
    place = mount(work / "small", "size=8m")
    folder = planned(run, place, work)
    fill(place, left=0)
    said = by_hand(folder, work)
    assert said.returncode == 1
    assert said.stderr.startswith("failed: no space left on a disk (0 B free in ")
    front = run("resume", str(folder), "trainer.num_train_epochs=2")
    front.said(1, "No space left on device", seconds=FILE_SECONDS)
    assert front.err.startswith("error: ")
