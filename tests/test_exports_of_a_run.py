"""Exports of one real run: killed while they are made, on a full disk, for vLLM, to a hub."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from following import COMMAND, ENVIRONMENT, begin, begin_again, children
from hub_stand_in import TOKEN, hub

from ftrecipe.rundir import STAGES, RunDir, read_json

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="workers die with their launcher on Linux"),
]

WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[vllm,merged]", "export.vllm.of=merged",
    "hardware=cpu", "model.dtype=float32", "trainer.max_steps=2", "trainer.save_steps=2",
    "fidelity.prompts=2",
]  # fmt: skip


def again(rundir: RunDir, *words: str, **more: str) -> "subprocess.Popen[str]":
    """Export a run that is there, and leave it to the test how that ends."""
    return subprocess.Popen(
        [*COMMAND, "export", str(rundir.path), *words],
        env=ENVIRONMENT | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def killed_once_there_is(pattern: str, runs: Path, child: "subprocess.Popen[str]") -> RunDir:
    """Kill the worker as soon as a file of that name appears below a run's export folder."""
    deadline = time.monotonic() + 180
    while child.poll() is None and time.monotonic() < deadline:
        for _ in runs.glob(f"quickstart/2*/export/{pattern}"):
            (worker,) = children(child.pid)
            os.kill(worker, signal.SIGKILL)
            printed, _ = child.communicate(timeout=180)
            assert child.returncode == 137
            assert "interrupted in export: its process was killed by signal 9" in printed
            return RunDir(next(runs.glob("quickstart/2*")))
        time.sleep(0.0005)
    raise AssertionError(f"{pattern} was never seen: {child.communicate()[0]}")


def held(rundir: RunDir) -> dict[str, int]:
    """Return the files of the merged model by name, with what tells one writing from the next.

    The card is written again with every report.
    """
    files = (rundir.export / "merged").iterdir()
    return {file.name: file.stat().st_ino for file in files if file.name != "README.md"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def exported(runs: Path) -> RunDir:
    """A run that was killed while it wrote its export, killed while that was judged, and ended."""
    rundir = killed_once_there_is(".merged", runs, begin(runs, *WORDS))
    assert [path.name for path in rundir.export.iterdir()] == [".merged"]
    killed_once_there_is(".merged/tokenizer.json", runs, begin_again(rundir))
    assert [path.name for path in rundir.export.iterdir()] == [".merged"]
    child = again(rundir)
    printed, _ = child.communicate(timeout=180)
    assert child.returncode == 0, printed
    return rundir


def test_a_killed_export_is_made_anew_and_nothing_else_of_the_run_is(exported: RunDir) -> None:
    assert {path.name for path in exported.export.iterdir()} == {"merged", "vllm"}
    for name in ("merged", "vllm"):
        assert read_json(exported.export / name / "gate.json")["verdict"] == "same"
    status = read_json(exported.status)
    assert status["state"] == "finished"
    assert set(status["done"]) == set(STAGES) - {"baseline", "evaluate"}


def test_an_export_that_is_there_stays_when_another_one_in_its_place_is_killed(
    exported: RunDir, runs: Path
) -> None:
    before = held(exported)
    killed_once_there_is(".merged/*", runs, again(exported, "export=[merged]"))
    assert held(exported) == before
    status = read_json(exported.status)
    assert status["state"] == "finished"
    assert status["later"]["export"]["state"] == "interrupted"


def test_vllm_gets_the_merged_model_itself_with_scripts_and_a_question(exported: RunDir) -> None:
    folder, merged = exported.export / "vllm", exported.export / "merged"
    weights = "model.safetensors"
    assert (folder / "merged" / weights).samefile(merged / weights)
    assert {"serve.sh", "request.sh", "request.json", "README.md"} <= {
        path.name for path in folder.iterdir()
    }
    for script in (folder / "serve.sh", folder / "request.sh"):
        assert os.access(script, os.X_OK)
        subprocess.run(["sh", "-n", str(script)], check=True)
    asked = read_json(folder / "request.json")
    assert asked["model"] == "quickstart"
    assert asked["messages"][-1]["role"] == "user"
    assert "sh serve.sh" in (folder / "README.md").read_text("utf-8")
    assert str(folder / "serve.sh") in exported.report_md.read_text("utf-8")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB; skips where it may not be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this user may not mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_an_export_whose_disk_is_full_is_told_and_leaves_nothing(
    exported: RunDir, small: Path
) -> None:
    kept = shutil.ignore_patterns("checkpoints", "export", ".lock")
    rundir = RunDir(Path(shutil.copytree(exported.path, small / "run", ignore=kept)))
    free = os.statvfs(small)
    (small / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - 3_000_000))
    refused = again(rundir, "export=[merged]")
    assert "these exports need about" in refused.communicate(timeout=180)[0]
    assert refused.returncode == 2
    words = [sys.executable, "-m", "ftrecipe.stages", str(rundir.path), "export", "report"]
    said = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "failed in export: no space left on a disk (" in said.stderr
    assert "Traceback" not in said.stderr
    assert list(rundir.export.iterdir()) == []


def test_a_run_is_pushed_once_it_was_said_so_and_its_other_exports_stay(exported: RunDir) -> None:
    before = held(exported)
    with hub() as there:
        online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": there.url, "HF_TOKEN": TOKEN,
                  "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(exported.path.parent)}  # fmt: skip
        words = ["export=[hub]", "export.hub.repo_id=me/bot"]
        refused = again(exported, *words, **online)
        assert "consent.push_to_hub=true" in refused.communicate(timeout=180)[0]
        child = again(exported, *words, "consent.push_to_hub=true", **online)
        printed, _ = child.communicate(timeout=180)
        assert child.returncode == 0, printed
    files = there.repos["me/bot"].files
    assert files["model.safetensors"] == (exported.export / "merged/model.safetensors").read_bytes()
    assert files["README.md"].startswith(b"---\n")
    assert not [name for name in files if name.endswith((".jsonl", "gate.json"))]
    assert held(exported) == before
    report = exported.report_md.read_text("utf-8")
    assert "hf download me/bot" in report
    assert "Load the merged model" in report
    assert TOKEN not in exported.log.read_text() + exported.run.read_text()


def test_the_gate_prepares_its_questions_again_where_the_cache_has_lost_them(
    exported: RunDir,
) -> None:
    shutil.rmtree(read_json(exported.prepared)["path"])
    child = again(exported, "export=[merged]")
    printed, _ = child.communicate(timeout=180)
    assert child.returncode == 0, printed
    assert read_json(exported.export / "merged" / "gate.json")["verdict"] == "same"
