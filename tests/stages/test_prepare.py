"""The prepare stage: what it leaves in the run directory and says to a person."""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.data.prepared import Prepared
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json
from ftrecipe.stages.exporting.foreseen import refuse_unmakeable
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.session import Session


@dataclass
class Paper:
    """A screen that remembers what it was told."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    done: int = 0
    total: int | None = None
    is_terminal: bool = False

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def update(self, n: int = 1) -> None:
        self.done += n

    @contextmanager
    def progress(self, label: str, total: int | None):
        yield self


def session(folder: Path, *words: str) -> Any:
    made = plan.make(compose(["+recipe=quickstart", f"runs_dir={folder}", *words]))
    rundir = launch.create(made)
    return Session.open(rundir, cast(Any, Paper()))


def test_the_run_directory_names_the_prepared_data(tmp_path):
    here = session(tmp_path)
    prepare(here)
    data = Prepared.open(Path(read_json(here.dir.prepared)["path"]))
    train = data.train()
    assert train
    assert len(train) == read_json(here.dir.data_report)["tokens"]["train"]["rows"]
    assert data.examples("test")
    assert here.screen.done == sum(data.report["examples"].values())


def test_a_person_is_told_what_was_read_and_what_is_trained_on(tmp_path):
    here = session(tmp_path)
    prepare(here)
    assert here.screen.said[0].startswith("read ")
    assert any("»" in line for line in here.screen.said)


def test_a_second_run_takes_the_data_from_the_cache(tmp_path):
    first, second = session(tmp_path), session(tmp_path)
    prepare(first)
    prepare(second)
    assert first.screen.done
    assert not second.screen.done
    assert read_json(first.dir.prepared) == read_json(second.dir.prepared)
    assert read_json(first.dir.data_report) == read_json(second.dir.data_report)


def test_the_shipped_faq_asks_nothing_in_the_test_split_that_is_trained_on(tmp_path):
    here = session(tmp_path)
    prepare(here)
    leaks = read_json(here.dir.data_report)["contamination"]
    assert [leaks[split]["same_prompt"] for split in ("test", "validation")] == [0, 0]


@pytest.mark.slow
def test_exports_that_cannot_be_made_are_refused_before_the_data_is_read(tmp_path):
    model = tmp_path / "model"
    shutil.copytree(Path(__file__).parents[2] / "ftrecipe/builtin/tiny", model)
    (model / "generation_config.json").write_text('{"eos_token_id": [3, 5, 6, 7]}')
    here = session(tmp_path / "runs", f"model.path={model}", "export=[merged,gguf,ollama]")
    with pytest.raises(ConfigError) as told:
        prepare(here)
    (fault,) = told.value.faults
    assert "4 tokens end an answer" in fault
    assert not here.dir.prepared.is_file()


@pytest.mark.slow
def test_exports_that_can_be_made_are_let_through(tmp_path):
    words = ("export=[adapter,merged,gguf,ollama,vllm]", "model.special_tokens=['<x>']")
    refuse_unmakeable(session(tmp_path, *words))
