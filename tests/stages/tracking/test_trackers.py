"""Every tracker has what the files of a run hold, each point once: read back by its library."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ftrecipe import config, launch, plan
from ftrecipe.compose import compose
from ftrecipe.ranks import is_alive
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.tracking.closing import COLUMNS, closing
from ftrecipe.stages.tracking.feed import curves, flat
from ftrecipe.stages.tracking.record import recorded
from ftrecipe.stages.tracking.sender import END, FINAL, GO, Sender

METRICS = {
    "base": {"qa": {"f1": 10.0, "exact_match": 0.0}},
    "tuned": {"qa": {"f1": 60.0, "exact_match": 50.0}},
    "compare": {"base": {"qa": {"f1": {
        "change": 50.0, "low": 40.0, "high": 60.0, "real": True, "changed": 9, "better": True}}}},
    "train": {"loss": 1.0, "steps": 4, "seconds": 2.0, "tokens": 100, "processes": 1,
              "tokens_per_second": 50.0, "peak_memory_bytes": 1},
}  # fmt: skip
FIRST = [
    {"step": 2, "epoch": 0.5, "loss": 3.0, "seconds": 1.0, "tokens": 50},
    {"step": 2, "epoch": 0.5, "eval_loss": 2.5, "eval.qa.f1": 30.0, "seconds": 1.0, "tokens": 50},
]
THEN = [
    {"step": 4, "epoch": 1.0, "loss": 2.0, "seconds": 2.0, "tokens": 100},
    {"step": 4, "epoch": 1.0, "eval_loss": 1.5, "eval.qa.f1": 55.0, "seconds": 2.0, "tokens": 100},
]
CURVES = {"train/loss": [(2, 3.0), (4, 2.0)], "eval/loss": [(2, 2.5), (4, 1.5)],
          "eval/qa.f1": [(2, 30.0), (4, 55.0)]}  # fmt: skip

BLOCK = 32_768

Make = Callable[..., RunDir]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Write a run directory, with what a run would leave in it, and no worker."""
    monkeypatch.setattr(os, "environ", os.environ.copy())

    def made(*words: str) -> RunDir:
        asked = ["recipe=quickstart", "hardware=cpu", "eval=[qa]", f"runs_dir={tmp_path}", *words]
        rundir = launch.create(plan.make(compose(asked)), tmp_path / "run")
        Session.open(rundir, Screen(None))  # sets what the tracker reads from the environment
        rundir.history.write_text(written(FIRST))
        write_json(rundir.metrics, METRICS)
        rundir.report_html.write_text("<p>the report of this run</p>")
        rundir.report_md.write_text("# the report of this run")
        rundir.adapter.mkdir()
        (rundir.adapter / "adapter_model.safetensors").write_bytes(b"weights")
        return rundir

    return made


def written(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def follow(rundir: RunDir, *then: dict[str, Any], word: str = END) -> None:
    """Do as a training does: begin, let it follow, write more, and end."""
    sender = Sender(rundir.path, timeout=60)
    try:
        assert sender.wait_until_ready() is None
        sender.tell(GO)
        with rundir.history.open("a") as file:
            file.write(written(list(then)))
        assert sender.finish(word) is None
    finally:
        sender.stop()


def whole(rundir: RunDir) -> RunDir:
    """Do as a run does that is cut off, resumed from step 2, and ended."""
    follow(rundir, THEN[0])
    rundir.history.write_text(written(FIRST))
    follow(rundir, *THEN)
    follow(rundir, word=FINAL)
    schema = read_json(Path(config.__file__).parent / "schemas" / "tracking.json")
    jsonschema.validate(read_json(rundir.tracking), schema)
    told = recorded(rundir)
    assert told is not None
    assert (told.step, told.lines, told.complete) == (4, 2, True)
    return rundir


@pytest.mark.slow
def test_tensorboard_reads_back_curves_table_and_report(make: Make) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    rundir = whole(make("tracking=tensorboard"))
    events = EventAccumulator(str(rundir.path / "tensorboard")).Reload()
    for name, points in CURVES.items():
        assert [(one.step, one.value) for one in events.Scalars(name)] == points
    assert events.Scalars("tuned/qa.f1")[-1].value == 60.0
    texts = {tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode()
             for tag in events.Tags()["tensors"]}  # fmt: skip
    assert "| trainer.num_train_epochs | 15.0 |" in texts["config"]
    assert "| qa.f1 | 10 | 60 | 50 | 40 | 60 | yes |" in texts["final"]
    assert "the report of this run" in texts["report"]


@pytest.mark.slow
def test_mlflow_reads_back_curves_table_report_and_model_in_one_run(make: Make) -> None:
    from mlflow import MlflowClient

    rundir = whole(make("tracking=mlflow", "tracking.log_model=true"))
    client = MlflowClient(f"sqlite:///{rundir.path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("ftrecipe")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_id == recorded(rundir).id  # type: ignore[union-attr]
    assert found.info.status == "FINISHED"
    for name, points in CURVES.items():
        history = client.get_metric_history(found.info.run_id, name)
        assert [(one.step, one.value) for one in history] == points
    assert found.data.params["trainer.num_train_epochs"] == "15.0"
    assert found.data.metrics["change/qa.f1"] == 50.0
    kept = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert kept == {"final.json", "report.html", "report.md", "adapter"}
    table = json.loads((rundir.path / "mlartifacts").rglob("final.json").__next__().read_text())
    assert table["columns"] == COLUMNS
    assert ["qa.f1", 10.0, 60.0, 50.0, 40.0, 60.0, "yes"] in table["data"]


def wandb_records(file: Path) -> Iterator[bytes]:
    """Yield the records of a file of wandb's: LevelDB's log format, behind seven bytes."""
    data, at, held = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := BLOCK - at % BLOCK) < 7:
            at += left
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        held += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield held
            held = b""


@pytest.mark.slow
def test_wandb_keeps_one_whole_folder_offline_and_says_how_to_send_it(make: Make) -> None:
    from wandb.proto import wandb_internal_pb2

    rundir = whole(make("tracking=wandb", "tracking.log_model=true"))
    (folder,) = (rundir.path / "wandb").glob("offline-run-*")
    assert folder.name.endswith(recorded(rundir).id)  # type: ignore[union-attr]
    run = Session.open(rundir, Screen(None)).run
    assert run.tracking.look(rundir.path) == f"wandb sync {folder}"
    points = []
    for data in wandb_records(next(folder.glob("*.wandb"))):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        points.append(
            {item.key or ".".join(item.nested_key): json.loads(item.value_json)
             for item in record.history.item}
        )  # fmt: skip
    for name, expected in CURVES.items():
        got = [(line["train/global_step"], line[name]) for line in points if name in line]
        assert got == expected
    assert {"final", "report"} <= {key.partition(".")[0] for line in points for key in line}
    assert (next(folder.rglob("media/html/*.html"))).is_file()


@pytest.mark.slow
def test_trackio_reads_back_curves_and_table_of_one_run(make: Make) -> None:
    rundir = whole(make("tracking=trackio", "tracking.log_model=true"))
    (file,) = (rundir.path / "trackio").glob("*.db")
    with sqlite3.connect(file) as database:
        rows = database.execute("select run_name, step, metrics from metrics").fetchall()
    assert {name for name, *_ in rows} == {f"quickstart/{rundir.path.name}"}
    lines = [(step, json.loads(metrics)) for _, step, metrics in rows]
    for name, points in CURVES.items():
        assert [(step, line[name]) for step, line in lines if name in line] == points
    assert any("final" in line and "report" in line for _, line in lines)


def test_a_line_of_history_is_points_of_curves_and_no_number_is_no_point() -> None:
    line = FIRST[1] | {"learning_rate": 1e-3, "grad_norm": float("nan")}
    assert curves(line) == {"eval/loss": 2.5, "eval/qa.f1": 30.0, "train/learning_rate": 1e-3,
                            "train/epoch": 0.5, "train/tokens": 50.0}  # fmt: skip


def test_settings_are_sent_by_their_dotted_keys() -> None:
    nested = {"trainer": {"guards": {"nan_loss": "stop"}, "eval_suites": ["qa"]}, "seed": 42}
    assert dict(flat(nested)) == {
        "trainer.guards.nan_loss": "stop", "trainer.eval_suites": '["qa"]', "seed": 42,
    }  # fmt: skip


def test_what_is_sent_has_no_secrets(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "aVerySecretValue1234")
    rundir = make("description=aVerySecretValue1234")
    sent = dict(flat(read_json(rundir.run)["config"]))
    assert "aVerySecretValue1234" not in json.dumps(sent)


def test_the_table_says_what_is_real_and_leaves_out_what_was_not_measured(make: Make) -> None:
    rundir = make("tracking=mlflow", "tracking.log_model=true")
    run = Session.open(rundir, Screen(None)).run
    told = closing(rundir, run.tracking)
    assert told.rows == [
        ["qa.f1", 10.0, 60.0, 50.0, 40.0, 60.0, "yes"],
        ["qa.exact_match", 0.0, 50.0, None, None, None, None],
    ]
    assert (told.model, told.step) == (rundir.adapter, 4)
    rundir.metrics.unlink()
    assert (closing(rundir, run.tracking).rows, closing(rundir, run.tracking).values) == ([], {})


@pytest.mark.slow
def test_a_tracker_ends_with_who_started_it(make: Make, tmp_path: Path) -> None:
    rundir = make("tracking=tensorboard")
    script = (
        "import time; from pathlib import Path; from ftrecipe.stages.tracking.sender import *;"
        f"sender = Sender(Path({str(rundir.path)!r}), 60); sender.wait_until_ready();"
        "print(sender.child.pid, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    assert is_alive(pid)
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
