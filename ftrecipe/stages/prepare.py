"""The stage that reads, cleans, splits, tokenizes and audits the data; it loads no weights."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ftrecipe.amounts import many
from ftrecipe.data.audit.describe import describe
from ftrecipe.data.audit.page import data_page
from ftrecipe.data.audit.report import Report
from ftrecipe.data.audit.schedule import schedule
from ftrecipe.data.audit.told import verdict
from ftrecipe.data.build import built
from ftrecipe.data.prepared import Job, Prepared, fingerprint
from ftrecipe.errors import ConfigError, DataError
from ftrecipe.page.words import printable
from ftrecipe.rundir import read_json, write_json, write_text
from ftrecipe.stages.fitting import refuse_too_big
from ftrecipe.stages.locking import lock_data
from ftrecipe.stages.measuring.own_data import Places, own_faults, prepare_own, tell_own
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at
from ftrecipe.state import known_status


def prepare(session: Session) -> None:
    """Leave prepared data in the cache, and its place, report and page in the run directory.

    Raises DataError for data that cannot be trained on, once all of it is counted and written, and
    RuleError for rows that are too long for the memory there is.
    """
    _check_length(session)
    _check_exports(session)
    job = job_of(session)
    if _is_all_there_is(session):
        session.screen.say("prepare   the data is no longer there; going on with what was prepared")
        known = read_json(session.dir.prepared)
        _leave(session, known["path"], known["fingerprint"], prepare_own(session, job))
        return
    key = fingerprint(job)
    _warn_of_other_data(session, key)
    folder = session.cache / key[:16]
    with alone_at(session, "data", key), _data(session, job, folder) as (data, known):
        report = _written(session, job, data)
    own, wrong = _own(session, job)
    if not report["failures"] and not wrong:
        _leave(session, str(folder), key, own)
    _tell(session, report, known)
    if failures := [*report["failures"], *wrong]:
        raise DataError([*map(printable, failures), f"see {session.dir.data_page}"])
    tell_own(session, own)
    if not session.only_checks and "train" not in known_status(session.dir)["done"]:
        refuse_too_big(session, Prepared.open(folder))


def _own(session: Session, job: Job) -> tuple[Places, list[str]]:
    """Prepare what suites bring themselves; return its places, and what is wrong with it."""
    try:
        return prepare_own(session, job), []
    except DataError as error:
        return {}, error.faults


def _leave(session: Session, folder: str, key: str, own: Places) -> None:
    """Write down where prepared data is."""
    write_json(session.dir.prepared, {"path": folder, "fingerprint": key, "suites": own})
    if not session.run.dataset.faults() and not own_faults(session.run):
        lock_data(session)  # it keeps what it says of files that are gone


def _is_all_there_is(session: Session) -> bool:
    """Tell whether the data was prepared, and its files are gone since then."""
    known = session.dir.prepared
    there = known.is_file() and Prepared.exists(Path(read_json(known)["path"]))
    return there and bool(session.run.dataset.faults())


def _warn_of_other_data(session: Session, key: str) -> None:
    """Say that a trained run is measured on other data: rows it learned may be among it."""
    known = session.dir.prepared
    trained = "train" in known_status(session.dir)["done"]
    if trained and known.is_file() and read_json(known)["fingerprint"] != key:
        session.screen.warn(
            "the data is not what this run was trained on: rows may have come to another split, so "
            "that what it learned is measured"
        )


def _check_length(session: Session) -> None:
    """Raise ConfigError for rows that would be longer than the model takes."""
    asked, own = session.run.trainer.max_length, session.tokenizer.model_max_length
    if asked is not None and asked > own:
        raise ConfigError(f"trainer.max_length={asked}: this model takes {own} tokens at most")


def _check_exports(session: Session) -> None:
    """Raise ConfigError for exports that cannot be made of what will be trained."""
    if session.only_checks or not session.exports or "train" in known_status(session.dir)["done"]:
        return
    from ftrecipe.stages.exporting.foreseen import refuse_unmakeable  # PEFT is not for all

    refuse_unmakeable(session)


def job_of(session: Session) -> Job:
    """Return what there is to prepare, of those parts of the run that it depends on."""
    run = session.run
    return Job(
        source=run.dataset,
        tokenizer=session.tokenizer,
        max_length=run.trainer.max_length,
        train_on=run.trainer.train_on,
        seed=run.seed,
        steps=list(run.cleaning.values()),
        accepts=run.trainer.accepts,
        overlong_is_a_finding=session.assumes_model,
        tokenizer_name=session.models.source.path,
        template_name=_template_name(run.model.chat_template),
    )


def _template_name(asked: str | None) -> str:
    """Name the chat template for people: long Jinja text says nothing to them."""
    if asked is None:
        return "the model's own"
    if "{" not in asked:
        return asked
    return "sender tags" if "message['name']" in asked else "Jinja text"


@contextmanager
def _data(session: Session, job: Job, folder: Path) -> Iterator[tuple[Prepared, bool]]:
    """Give the prepared data, and whether it was known from an earlier run or is built now."""
    if Prepared.exists(folder):
        yield Prepared.open(folder), True
        return

    with session.screen.progress("prepare", None) as bar:

        def begin(total: int | None) -> Callable[[int], object]:
            bar.total = total
            return bar.update

        with built(job, folder, begin) as data:
            yield data, False


def _written(session: Session, job: Job, data: Prepared) -> Report:
    """Write report.json, report.html and quarantine.jsonl of the run; return the report."""
    run, rundir = session.run, session.dir
    packing = schedule(
        data.lengths("train"),
        job.limit,
        run.trainer.packing,
        run.trainer.rows_per_step(run.world_size),
        run.seed,
    )
    report = data.report | packing
    write_json(rundir.data_report, report)
    write_text(rundir.data_page, data_page(report, session.name, str(rundir.path)))
    rundir.quarantine.unlink(missing_ok=True)
    if data.quarantine.is_file():
        _linked(data.quarantine, rundir.quarantine)
    return report


def _linked(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the two are on different disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _tell(session: Session, report: Report, known: bool) -> None:
    """Say what was found; of data prepared before, only how much it is."""
    if known and not session.only_checks:
        counts = ", ".join(f"{name} {split['rows']:,}" for name, split in report["tokens"].items())
        session.screen.say(f"prepare   known from an earlier run: {counts} rows")
    else:
        for line in describe(report, session.screen.is_terminal):
            session.screen.say(line)
    for warning in report["warnings"]:
        session.screen.warn(printable(warning))
    if session.only_checks and not report["failures"]:
        ready = many(report["examples"]["train"], "example")
        what = f"ready     {ready} to train on"
        if not report["trainable"]:
            what = f"checked   {ready}: {verdict(report).lower()}"
        session.screen.say(f"{what}; look at {session.dir.data_page}")
