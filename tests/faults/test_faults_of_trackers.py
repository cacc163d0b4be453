"""Trackers that are not there: told before anything starts, and never the end of a training."""

import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commanding import CONFIG_SECONDS, WORKER_SECONDS, leftovers
from conftest import Run
from standing_in import Quiet, serving

pytestmark = pytest.mark.slow

CLOSED = "http://127.0.0.1:9"
TRAINS = ("run", "dataset=faq.jsonl", "eval=[]", "export=[]", "trainer.max_steps=4",
          "trainer.logging_steps=1")  # fmt: skip
MLFLOW = ("tracking=mlflow", f"tracking.tracking_uri={CLOSED}")
WANDB = ("tracking=wandb", "tracking.mode=online")


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        (MLFLOW, {}, f"tracking: {CLOSED} cannot be reached"),
        (
            WANDB,
            {"WANDB_BASE_URL": CLOSED, "WANDB_API_KEY": "0123456789" * 4},
            "use tracking.mode=offline and wandb sync later",
        ),
        (WANDB, {"HOME": "/nowhere"}, "set WANDB_API_KEY, or run `wandb login`"),
    ],
    ids=["mlflow_server_down", "wandb_closed_port", "wandb_without_a_key"],
)
def test_a_tracker_that_is_not_there_is_told_before_anything_starts(
    words: tuple[str, ...], environment: dict[str, str], told: str, run: Run, work: Path
) -> None:
    said = run(*TRAINS, *words, **environment)
    said.refused(told, seconds=CONFIG_SECONDS)
    assert leftovers(work) == []


def test_a_run_goes_on_without_a_tracker_that_it_does_not_require(run: Run, work: Path) -> None:
    said = run(*TRAINS, *MLFLOW, "tracking.required=false")
    assert said.code == 0, said.out + said.err
    assert f"not tracked: {CLOSED} cannot be reached" in said.out
    assert trained(work) == 4


class Brief(Quiet):
    """Plays an MLflow server with one experiment, which breaks for good at the first metrics."""

    metrics = 0

    def do_HEAD(self) -> None:
        self.answer({})

    def do_GET(self) -> None:
        known = {"experiment_id": "1", "name": "ftrecipe", "lifecycle_stage": "active"}
        self.answer({"experiment": known})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Brief.metrics += bool(asked.get("metrics"))
        if Brief.metrics:
            self.send_error(500)
            return
        info = {"run_id": "a", "run_uuid": "a", "experiment_id": "1", "status": "RUNNING",
                "start_time": 1, "lifecycle_stage": "active", "artifact_uri": "x"}  # fmt: skip
        self.answer({"run": {"info": info, "data": {}}, "run_info": info})

    def answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def brief() -> Iterator[str]:
    Brief.metrics = 0
    with serving(Brief) as place:
        yield f"http://{place}"


def test_a_tracker_that_breaks_while_training_does_not_end_it(
    brief: str, run: Run, work: Path
) -> None:
    said = run(*TRAINS, "tracking=mlflow", f"tracking.tracking_uri={brief}")
    assert said.code == 0, said.out + said.err
    assert Brief.metrics > 0
    assert said.out.count("the tracker has failed, and the run goes on without it") == 1
    assert trained(work) == 4
    assert said.seconds < 3 * WORKER_SECONDS


def trained(work: Path) -> int:
    """Return the steps in the history of the one run."""
    (history,) = (work / "runs").glob("*/*/history.jsonl")
    return len(history.read_text().splitlines())


class Silent(Brief):
    """Plays an MLflow server that takes a run, and never answers again once metrics come."""

    held = threading.Event()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if json.loads(body).get("metrics"):
            Silent.held.wait(120)
            return
        self.rfile = io.BytesIO(body)
        super().do_POST()


@pytest.fixture
def silent() -> Iterator[str]:
    Brief.metrics = 0  # it breaks by no error: a test before this one may have seen metrics come
    with serving(Silent) as place:
        yield f"http://{place}"
        Silent.held.set()


def test_a_tracker_that_never_answers_again_holds_a_run_for_seconds(
    silent: str, run: Run, work: Path
) -> None:
    began = time.monotonic()
    said = run(*TRAINS, "tracking=mlflow", f"tracking.tracking_uri={silent}", "tracking.timeout=12")
    assert said.code == 0, said.out + said.err
    told = "the tracker has failed, and the run goes on without it: no answer within 12 s"
    assert said.out.count(told) == 1
    assert "tracking  to send it later: python -m ftrecipe.stages" in said.out
    assert trained(work) == 4
    assert (next((work / "runs").glob("*/*/report.html"))).is_file()
    assert time.monotonic() - began < 2 * 12 + 4 * WORKER_SECONDS
