"""The prepare stage: what it leaves in the run directory and says to a person."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.trainer import Sft
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.data.prepared import Prepared
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.ranks import Rank

TINY = BUILTIN / "tiny"


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


@pytest.fixture(scope="module")
def tiny() -> Any:
    if not (TINY / "tokenizer.json").is_file():
        pytest.skip("the tiny model is not built")
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast.from_pretrained(TINY)


def session(folder: Path, tokenizer: Any) -> Any:
    faq = {split: f"builtin:faq/{split}.jsonl" for split in ("train", "validation", "test")}
    dataset = QuestionAnswer(
        path=faq["train"], validation_path=faq["validation"], test_path=faq["test"]
    )
    model = SimpleNamespace(chat_template=None)
    run = SimpleNamespace(
        dataset=dataset, trainer=Sft(), seed=42, cleaning={}, model=model, world_size=1
    )
    return SimpleNamespace(
        run=run,
        name="faq",
        models=SimpleNamespace(source=SimpleNamespace(path="builtin:tiny")),
        assumes_model=False,
        dir=RunDir(folder / "run"),
        cache=folder / ".cache",
        tokenizer=tokenizer,
        screen=Paper(),
        only_checks=False,
        rank=Rank(number=1, world=2),  # the first writes a lock, of a run that there is not
    )


def test_the_run_directory_names_the_prepared_data(tmp_path, tiny):
    here = session(tmp_path, tiny)
    prepare(here)
    data = Prepared.open(Path(read_json(here.dir.prepared)["path"]))
    train = data.train()
    assert train
    assert len(train) == read_json(here.dir.data_report)["tokens"]["train"]["rows"]
    assert data.examples("test")
    assert here.screen.done == sum(data.report["examples"].values())


def test_a_person_is_told_what_was_read_and_what_is_trained_on(tmp_path, tiny):
    here = session(tmp_path, tiny)
    prepare(here)
    assert here.screen.said[0].startswith("read ")
    assert any("»" in line for line in here.screen.said)


def test_a_second_run_takes_the_data_from_the_cache(tmp_path, tiny):
    first, second = session(tmp_path, tiny), session(tmp_path, tiny)
    prepare(first)
    prepare(second)
    assert first.screen.done
    assert not second.screen.done
    assert read_json(first.dir.prepared) == read_json(second.dir.prepared)
    assert read_json(first.dir.data_report) == read_json(second.dir.data_report)


def test_the_shipped_faq_asks_nothing_in_the_test_split_that_is_trained_on(tmp_path, tiny):
    here = session(tmp_path, tiny)
    prepare(here)
    leaks = read_json(here.dir.data_report)["contamination"]
    assert [leaks[split]["same_prompt"] for split in ("test", "validation")] == [0, 0]
