"""What is measured and exported after the training: in the lock, and in a repetition."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import Cli

from ftrecipe.lock import shape
from ftrecipe.lock.outcome import exports
from ftrecipe.lock.results import exports as hashed
from ftrecipe.repeat import told
from ftrecipe.repeat.locked import open_lock
from ftrecipe.repeat.planned import composed
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.locking import lock_data
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

Sealed = Callable[..., RunDir]
QUESTION = {"question": "What is 1?", "answer": "It is 1."}


def measured_later(here: Path, faq: str, sealed: Sealed) -> RunDir:
    """A run that was trained without qa, to which it was then added, with a file of its own."""
    (here / "mine.jsonl").write_text(json.dumps(QUESTION) + "\n")
    own = ["eval=[perplexity,qa]", "eval.qa.path=mine.jsonl", "gate=['qa.f1 >= 1']"]
    run = sealed(f"dataset={faq}", *own)
    lock = read_json(run.lock_json)
    files = [file for file in lock["data"]["files"] if not file["key"].startswith("eval.")]
    empty = "0" * 64
    values = {"base": {"qa": {"f1": 1.0}, "perplexity": {"loss": 2.0}}, "objective": 3.0}
    results = {"losses": {}, "weights": {}, "metrics": values, "train": {},
               "answers": {"qa.jsonl": empty, "perplexity.jsonl": empty}}  # fmt: skip
    lock |= {"data": lock["data"] | {"files": files}, "results": results}
    lock.pop("schema_version")
    write_json(run.lock_json, lock)
    return run


def test_a_suite_whose_files_the_lock_does_not_know_is_left_out_of_a_repetition(
    here: Path, faq: str, sealed: Sealed
) -> None:
    run = measured_later(here, faq, sealed)
    locked = open_lock(str(run.path))
    made = composed(locked, []).run
    assert locked.left_out == ["qa"]
    assert list(made.eval) == ["perplexity"]
    assert made.gate == []
    assert all(item.same is not False for item in told.compared(locked.lock, made))
    results = locked.lock["results"]
    assert results["metrics"] == {"base": {"perplexity": {"loss": 2.0}}}
    assert results["answers"].keys() == {"perplexity.jsonl"}


def test_what_is_left_out_is_said(here: Path, faq: str, sealed: Sealed, cli: Cli) -> None:
    run = measured_later(here, faq, sealed)
    (here / faq).write_text("question,answer\na,b\n")  # so that it is refused before it starts
    said = cli("replay", str(run.path))
    assert "left out  qa: measured later" in said.out
    assert "not those of the run" in said.err
    assert "eval.qa" not in said.err


def test_files_of_a_suite_that_is_added_later_are_locked_beside_what_was_trained_on(
    here: Path, faq: str, sealed: Sealed
) -> None:
    run = measured_later(here, faq, sealed)
    before = read_json(run.lock_json)["data"]
    run.adapter.mkdir()
    lock_data(Session.open(run, Screen(None)))
    after = read_json(run.lock_json)
    jsonschema.validate(after, read_json(shape.SCHEMA))
    assert [file["key"] for file in after["data"]["files"]] == ["dataset.path", "eval.qa.path"]
    assert {**after["data"], "files": before["files"]} == before
    locked = open_lock(str(run.path))
    assert locked.left_out == []
    assert list(composed(locked, []).run.eval) == ["perplexity", "qa"]
    told_before = " ".join(told.history(locked.lock))
    assert "changed while it went on" not in told_before


def test_exports_are_hashed_by_target_and_what_was_rejected_is_not(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    for name in ("merged/model.safetensors", "gguf/a-f16.gguf", "gguf/rejected/b.gguf",
                 ".new/model.safetensors", "merged/config.json"):  # fmt: skip
        (run.export / name).parent.mkdir(parents=True, exist_ok=True)
        (run.export / name).write_text(name)
    assert list(hashed(run)) == ["gguf/a-f16.gguf", "merged/model.safetensors"]


def test_files_that_exports_share_by_links_are_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (RunDir(tmp_path).export / name / "m.gguf" for name in ("gguf", "ollama"))
    first.parent.mkdir(parents=True)
    second.parent.mkdir()
    first.write_text("weights")
    second.hardlink_to(first)
    read: list[Path] = []
    monkeypatch.setattr("ftrecipe.lock.results.sha256", lambda file: read.append(file) or "0")
    assert hashed(RunDir(tmp_path)) == {"gguf/m.gguf": "0", "ollama/m.gguf": "0"}
    assert len(read) == 1


def test_exports_are_compared_where_both_runs_have_them() -> None:
    was: dict[str, Any] = {"merged/a": "1", "gguf/b": "2"}
    item = exports(was, {"merged/a": "1", "adapter/c": "3"})
    assert item.same is True
    assert item.told == (
        "identical (1 file); gguf/b not in the repetition; adapter/c not in the lock"
    )
    assert exports(was, {"merged/a": "9"}).same is False
    assert exports({}, {}).same is None
