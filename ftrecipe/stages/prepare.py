"""The stage that reads, splits, tokenizes and audits the data; it loads no weights."""

from ftrecipe.data.build import build
from ftrecipe.data.corpus import gather
from ftrecipe.data.describe import describe
from ftrecipe.data.prepared import Job, Prepared, fingerprint
from ftrecipe.rundir import write_json
from ftrecipe.stages.session import Session


def prepare(session: Session) -> None:
    """Leave prepared data in the cache, and its place and report in the run directory."""
    run = session.run
    job = Job(run.dataset, session.tokenizer, run.trainer.max_length,
              run.trainer.answer_only, run.seed)  # fmt: skip
    key = fingerprint(job)
    folder = session.cache / key[:16]
    if not Prepared.exists(folder):
        corpus = gather(run.dataset, run.seed)
        with session.screen.progress("prepare", corpus.total or 0) as bar:
            build(corpus, job, folder, bar.update)
    report = Prepared.open(folder).report
    write_json(session.dir.prepared, {"path": str(folder), "fingerprint": key})
    write_json(session.dir.data_report, report)
    for line in describe(report):
        session.screen.say(line)
    for warning in report["warnings"]:
        session.screen.warn(warning)
