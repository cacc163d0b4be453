"""The tuned model, on the same questions as the baselines, and held against them."""

from ftrecipe import results
from ftrecipe.results import TUNED
from ftrecipe.stages.measuring.compared import compared
from ftrecipe.stages.measuring.measure import Subject, measure_all
from ftrecipe.stages.measuring.objective import judged
from ftrecipe.stages.session import Session


def evaluate(session: Session) -> None:
    """Measure every suite on the tuned model, and say which changes are real."""
    session.screen.say(f"evaluate  measuring {', '.join(session.run.eval)} on the tuned model")
    subject = Subject(session.models.tuned, session.tokenizer, session.prepared, session.screen)
    found = measure_all(session.run.eval, subject)
    for name, result in found.items():
        results.write(session.dir, name, TUNED, result.rows, session.run.eval[name].identity)
    session.record_suites(TUNED, {name: result.metrics for name, result in found.items()})
    session.record(compare=compared(session))
    session.record(**judged(session.run, session.dir))
