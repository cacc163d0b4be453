"""Labels, pairs and forms are measured in a whole run, each suite on data of its own."""

import importlib
import json
from pathlib import Path

import pytest

from ftrecipe import launch, plan, results
from ftrecipe.compose import compose
from ftrecipe.rundir import read_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

pytestmark = pytest.mark.slow

LABELS = ("refund", "shipping", "account")
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]


def written(file: Path, rows: list[dict]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def asking(city: int) -> dict:
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": city}}}
    said = (
        {"role": "assistant", "content": "", "tool_calls": [call]}
        if city % 2
        else ({"role": "assistant", "content": json.dumps({"city": city})})
    )
    asked = {"role": "user", "content": f"What about city {city}?"}
    return {"messages": [asked, said], "tools": TOOLS}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A run of two steps with three suites."""
    here = tmp_path_factory.mktemp("suites")
    tickets = [{"question": f"Ticket {n}", "answer": LABELS[n % 3]} for n in range(9)]
    pairs = [
        {"prompt": f"What is {n}?", "chosen": f"It is {n}.", "rejected": "Nobody knows."}
        for n in range(4)
    ]
    made = plan.make(
        compose(
            [
                "recipe=quickstart", "trainer.max_steps=2", "hardware=cpu", "export=[]",
                "eval=[classification,preference,format]", "eval.format.max_new_tokens=4",
                f"eval.classification.path={written(here / 'tickets.jsonl', tickets)}",
                f"eval.preference.path={written(here / 'pairs.jsonl', pairs)}",
                f"eval.format.path={written(here / 'calls.jsonl', [asking(n) for n in range(4)])}",
                f"runs_dir={here / 'runs'}",
            ]
        )
    )  # fmt: skip
    session = Session.open(launch.create(made), Screen(None))
    for stage in ("prepare", "baseline", "train", "evaluate"):
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    return session


def test_every_suite_has_its_metrics_for_both_models(session: Session) -> None:
    metrics = read_json(session.dir.metrics)
    for who in ("base", "tuned"):
        found = metrics[who]
        assert {"accuracy", "macro_f1", "weighted_f1"} <= found["classification"].keys()
        assert {f"f1.{label}" for label in LABELS} <= found["classification"].keys()
        assert {"accuracy", "margin"} <= found["preference"].keys()
        assert {"well_formed", "valid_json", "tool_calls", "unasked_calls"} <= (
            found["format"].keys()
        )


def test_changes_of_every_suite_have_intervals(session: Session) -> None:
    compared = read_json(session.dir.metrics)["compare"]["base"]
    for suite in ("classification", "preference", "format"):
        for change in compared[suite].values():
            assert change["low"] <= change["high"]


def test_rows_hold_the_score_of_every_label(session: Session) -> None:
    for row in results.read(session.dir, "classification")["tuned"]:
        assert set(row["scores"]) == set(LABELS)
        assert row["predicted"] == max(row["scores"], key=row["scores"].__getitem__)


def test_losses_of_labels_do_not_depend_on_the_batch_size(session: Session) -> None:
    from ftrecipe.stages.measuring.own_data import data_of

    suite = session.run.eval["classification"]
    from ftrecipe.stages.measuring.measure import Subject

    found = []
    for size in (1, 8):
        subject = Subject(
            session.models.tuned, session.tokenizer, data_of(session, "classification")
        )
        suite.batch_size = size
        found.append([list(row["scores"].values()) for row in suite.measure(subject).rows])
    for one, many in zip(*found, strict=True):
        assert one == pytest.approx(many, abs=1e-4)
