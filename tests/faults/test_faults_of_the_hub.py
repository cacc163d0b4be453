"""The real hub client against servers that play a hub: told in seconds, with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commanding import ROOT, WORKER_SECONDS, leftovers
from conftest import Run
from standing_in import Quiet, serving

pytestmark = pytest.mark.slow

TINY = ROOT / "ftrecipe" / "builtin" / "tiny"
CLOSED = "http://127.0.0.1:9"
WORDS = ("run", "dataset=faq.jsonl", "model=org/model", "eval=[]", "export=[]")


@contextmanager
def hub(status: int, error: str | None) -> Iterator[str]:
    """Serve a hub that answers everything with one status."""

    class Answer(Quiet):
        def do_GET(self) -> None:
            self.send_response(status)
            if error:
                self.send_header("X-Error-Code", error)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

    with serving(Answer) as place:
        yield f"http://{place}"


def online(work: Path, endpoint: str) -> dict[str, str]:
    return {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": endpoint, "HF_HOME": str(work / "hf")}


@pytest.mark.parametrize(
    ("status", "token", "told"),
    [
        (401, {}, ["this model is gated, and HF_TOKEN is not set", "/org/model"]),
        (403, {"HF_TOKEN": "hf_" + "a" * 34}, ["may not read it; ask for access", "/org/model"]),
    ],
    ids=["401_without_a_token", "403_with_a_token"],
)
def test_a_gated_model_is_refused_with_its_page_and_the_token(
    status: int, token: dict[str, str], told: list[str], run: Run, work: Path
) -> None:
    with hub(status, "GatedRepo") as endpoint:
        said = run(*WORDS, **online(work, endpoint), **token)
    said.refused("model.path=org/model: this model is gated", *told, seconds=WORKER_SECONDS)
    assert endpoint in said.err
    assert leftovers(work) == []


def test_a_model_that_the_hub_does_not_have_is_refused(run: Run, work: Path) -> None:
    with hub(404, "RepoNotFound") as endpoint:
        said = run(*WORDS, **online(work, endpoint))
    said.refused("the hub has no such model, or it is private", seconds=WORKER_SECONDS)
    assert leftovers(work) == []


def test_a_hub_that_cannot_be_reached_ends_the_run_in_seconds_and_it_can_be_resumed(
    run: Run, work: Path
) -> None:
    said = run(*WORDS, **online(work, CLOSED))
    said.failed(
        f"the hub ({CLOSED}) cannot be reached", "not in the cache here", "ftrecipe resume "
    )
    assert [name for name in leftovers(work) if name.endswith("status.json")]


def test_a_model_in_the_cache_is_used_where_the_hub_cannot_be_reached(run: Run, work: Path) -> None:
    stored = work / "hf" / "hub" / "models--org--model"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text("a" * 40)
    (stored / "snapshots").mkdir()
    (stored / "snapshots" / ("a" * 40)).symlink_to(TINY)
    said = run("check", "dataset=faq.jsonl", "model=org/model", **online(work, CLOSED))
    assert said.code == 0, said.out + said.err
    assert "cannot be reached" in said.out
    assert "the model is taken from the cache" in said.out
    assert said.seconds < WORKER_SECONDS


def test_data_on_a_hub_that_cannot_be_reached_is_told_in_seconds(run: Run, work: Path) -> None:
    words = ["dataset=question_answer", "dataset.path=org/data"]
    said = run("check", *words, **online(work, CLOSED))
    said.refused("org/data: not a file here", f"({CLOSED}) cannot be", seconds=WORKER_SECONDS)
