"""The last lines: of later work what it made or measured, and how long it all took."""

import io

import pytest

from ftrecipe import launch, plan
from ftrecipe.amounts import duration
from ftrecipe.compose import compose
from ftrecipe.page.words import took
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.closing import closing
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

FIGURES = {
    "name": "", "engine": "transformers", "about": "transformers", "closeness": "rounded",
    "verdict": "same", "reasons": [], "bytes": 2048, "greedy": {"same": 32, "of": 32},
    "logprobs": {"max": 0.5}, "kl": {"to_trained": 2e-6}, "suites": {},
}  # fmt: skip
METRICS = {"base": {"qa": {"exact_match": 1.0}}, "tuned": {"qa": {"exact_match": 62.5}}}


@pytest.fixture
def run(faq: str) -> RunDir:
    """A run that was measured and exported."""
    words = [f"dataset={faq}", "export=[adapter,merged]", "eval=[qa]"]
    rundir = launch.create(plan.make(compose(words), counts=False))
    write_json(rundir.metrics, METRICS)
    for name in ("adapter", "merged"):
        told = {"verdict": "same", "split": "test", "prompts": 32, "artefacts": [FIGURES]}
        write_json(rundir.export / name / "gate.json", told)
    return rundir


def last(rundir: RunDir, later: str | None, exports: list[str] | None = None) -> str:
    session = Session.open(rundir, Screen(io.StringIO()))
    session.exports = exports or session.exports
    return "\n".join(closing(session, later, {"export": 90.0, "report": 1.0}))


def test_a_later_export_tells_of_what_it_made_and_not_of_what_was_measured(run: RunDir) -> None:
    told = last(run, "export", ["merged"])
    assert "62.5" not in told
    assert "32 of 32" in told
    assert "export/merged" in told
    assert "export/adapter" not in told
    assert "\nuse       python -m ftrecipe chat " in told
    assert f"took      {duration(91.0)}: export {duration(90.0)}" in told


def test_an_export_that_failed_its_gate_says_why_and_not_how_it_is_used(run: RunDir) -> None:
    failed = FIGURES | {"verdict": "failed", "reasons": ["no end"]}
    told = {"verdict": "failed", "split": "test", "prompts": 32, "artefacts": [failed]}
    write_json(run.export / "merged" / "gate.json", told)
    (run.export / "merged" / "rejected").mkdir()
    said = last(run, "export", ["merged"])
    assert "merged: no end" in said
    assert "\nuse       " not in said


def test_measuring_again_tells_what_was_measured_and_not_where_exports_are(run: RunDir) -> None:
    told = last(run, "evaluate")
    assert "62.5 %" in told
    assert "export/merged" not in told


def test_a_run_tells_of_all(run: RunDir) -> None:
    told = last(run, None)
    assert "62.5 %" in told
    assert "export/merged" in told
    assert "took      " in told


def test_stages_that_took_no_time_are_not_named() -> None:
    assert took({"prepare": 1.0, "train": 200.0}) == f"{duration(201.0)}: train {duration(200.0)}"
    assert took({}) == ""
