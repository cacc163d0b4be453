"""A checkout of llama.cpp for a run that is there: with consent, given by whoever opens the run."""

from pathlib import Path

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.existing import EXPORTING, open_run, recompose
from ftrecipe.gguf.checkout import SCRIPT
from ftrecipe.rundir import RunDir

CONSENT = "consent.remote_code=true"


@pytest.fixture
def run(faq: str) -> RunDir:
    return launch.create(plan.make(compose([f"dataset={faq}", "export=[merged]"])))


@pytest.fixture
def words(here: Path) -> list[str]:
    (here / "llama.cpp").mkdir()
    (here / "llama.cpp" / SCRIPT).write_text("")
    return ["export=[gguf]", f"export.gguf.llama_cpp={here / 'llama.cpp'}"]


def test_a_checkout_is_used_for_a_run_that_is_there_with_consent(
    run: RunDir, words: list[str]
) -> None:
    with pytest.raises(ConfigError, match=CONSENT):
        recompose(run, words, EXPORTING)
    _, changes = open_run("export", [str(run.path), *words, CONSENT])
    made = recompose(run, changes, EXPORTING)
    assert made.run.consent.remote_code
    assert made.exports == ["gguf"]


def test_who_opens_such_a_run_later_consents_again(run: RunDir, words: list[str]) -> None:
    launch.write(recompose(run, [*words, CONSENT], EXPORTING), run, trains=False)
    with pytest.raises(ConfigError, match="say so again"):
        open_run("export", [str(run.path)])
    _, changes = open_run("export", [str(run.path), CONSENT])
    assert "gguf" in recompose(run, changes, EXPORTING).exports
