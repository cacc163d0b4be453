"""A run that is finished stays as it is: nothing trains into its folder again."""

import hashlib
from pathlib import Path

import pytest
from commanding import CONFIG_SECONDS, Told, ftrecipe, rows

pytestmark = pytest.mark.slow

WORDS = ("dataset=faq.jsonl", "eval=[]", "export=[]", "trainer.max_steps=2")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("finished")
    (work / "faq.jsonl").write_text(rows(60))
    done = ftrecipe(work, *WORDS)
    assert done.code == 0, done.out + done.err
    return next((work / "runs").glob("[!.]*/2*"))


def content(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != ".lock"]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def command(finished: Path, *words: str) -> Told:
    return ftrecipe(finished.parents[2], *words)


def test_the_same_command_again_takes_a_folder_of_its_own(finished: Path) -> None:
    before = content(finished)
    said = command(finished, "plan", "--write", *WORDS)
    assert said.code == 0, said.err
    folders = sorted(finished.parent.iterdir())
    assert len(folders) == 2
    assert content(finished) == before


def test_resuming_a_finished_run_says_so_and_changes_nothing(finished: Path) -> None:
    before = content(finished)
    said = command(finished, "resume", str(finished))
    assert (said.code, said.err) == (0, "")
    assert "is finished; nothing to resume" in said.out
    assert said.seconds < CONFIG_SECONDS
    assert content(finished) == before


def test_resuming_what_is_no_run_names_the_nearest(finished: Path) -> None:
    said = command(finished, "resume", str(finished)[:-1])
    said.refused("is not a run directory", f"did you mean {finished.name}?")
