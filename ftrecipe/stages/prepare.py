"""The stage that reads, splits, tokenizes and audits the data; it loads no weights."""

from typing import Any

from ftrecipe.data.build import build
from ftrecipe.data.corpus import gather
from ftrecipe.data.describe import describe
from ftrecipe.data.prepared import Job, Prepared, fingerprint
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import write_json
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at


def prepare(session: Session) -> None:
    """Leave prepared data in the cache, and its place and report in the run directory."""
    run = session.run
    _check_length(session)
    job = Job(run.dataset, session.tokenizer, run.trainer.max_length,
              run.trainer.answer_only, run.seed)  # fmt: skip
    key = fingerprint(job)
    folder = session.cache / key[:16]
    with alone_at(session, "data", key):
        known = Prepared.exists(folder)
        if not known:
            corpus = gather(run.dataset, run.seed)
            with session.screen.progress("prepare", corpus.total) as bar:
                build(corpus, job, folder, bar.update)
    report = Prepared.open(folder).report
    write_json(session.dir.prepared, {"path": str(folder), "fingerprint": key})
    write_json(session.dir.data_report, report)
    _tell(session, report, known)
    for warning in report["warnings"]:
        session.screen.warn(warning)


def _check_length(session: Session) -> None:
    """Raise ConfigError for rows that would be longer than the model takes."""
    asked, own = session.run.trainer.max_length, session.tokenizer.model_max_length
    if asked is not None and asked > own:
        raise ConfigError(f"trainer.max_length={asked}: this model takes {own} tokens at most")


def _tell(session: Session, report: dict[str, Any], known: bool) -> None:
    """Say what was found; of data prepared before, only how much it is."""
    if known and not session.only_checks:
        counts = ", ".join(f"{name} {split['rows']:,}" for name, split in report["splits"].items())
        session.screen.say(f"prepare   known from an earlier run: {counts} rows")
        return
    for line in describe(report):
        session.screen.say(line)
