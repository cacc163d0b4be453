"""Numbers of the real tiny model depend neither on how rows are put together nor on packing."""

from pathlib import Path
from typing import Any, cast

import pytest

from ftrecipe import launch, plan
from ftrecipe.components.eval.forgetting import Forgetting
from ftrecipe.components.eval.perplexity import Perplexity
from ftrecipe.compose import compose
from ftrecipe.rundir import read_json
from ftrecipe.stages.baseline import baseline
from ftrecipe.stages.measuring.contenders import base
from ftrecipe.stages.measuring.own_data import data_of
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.screen import take_screen
from ftrecipe.stages.session import Session

pytestmark = pytest.mark.slow
MEASURED = ["perplexity", "forgetting", "qa"]


def opened(folder: Path, *words: str) -> Session:
    """Prepare a run of the quickstart on the CPU's usual precision."""
    eval_ = [f"eval=[{','.join(MEASURED)}]", "eval.perplexity.everything=true"]
    few = ["eval.qa.max_samples=8", "eval.forgetting.max_samples=8"]
    made = plan.make(
        compose(["+recipe=quickstart", f"runs_dir={folder}", "hardware.precision=fp32", *eval_,
                 *few, *words])
    )  # fmt: skip
    rundir = launch.create(made)
    log = (folder / "log.txt").open("w")
    session = Session.open(rundir, take_screen(log, silent=True))
    prepare(session)
    return session


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Any:
    return opened(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("name", ["perplexity", "forgetting"])
def test_losses_of_one_row_and_of_eight_at_a_time_agree(session, name):
    suites = {
        "perplexity": lambda size: Perplexity(everything=True, batch_size=size),
        "forgetting": lambda size: Forgetting(max_samples=24, batch_size=size),
    }
    subject = base(session).on(cast(Any, data_of(session, name)))
    one, eight = (suites[name](size).measure(subject).metrics for size in (1, 8))
    assert one == pytest.approx(eight, rel=1e-4)
    assert one["perplexity"] == pytest.approx(eight["perplexity"], rel=1e-4)


def test_packing_changes_no_number_that_is_measured(session, tmp_path):
    packed = opened(tmp_path, "trainer.packing=true", "trainer.max_length=256")
    whole = opened(tmp_path, "trainer.packing=false", "trainer.max_length=256")
    assert packed.prepared == whole.prepared
    baseline(packed)
    for file in (tmp_path / ".cache" / "baseline").glob("*.json"):
        file.unlink()
    baseline(whole)
    first, second = (read_json(one.dir.metrics)["base"] for one in (packed, whole))
    assert set(first) == set(MEASURED)
    assert first == second
