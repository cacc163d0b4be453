"""The tuned model, on the same questions as the baseline."""

from ftrecipe.stages.measuring.measure import Subject, measure_all
from ftrecipe.stages.measuring.objective import judged
from ftrecipe.stages.measuring.results import write_results
from ftrecipe.stages.session import Session


def evaluate(session: Session) -> None:
    """Measure every suite on the tuned model."""
    session.screen.say(f"evaluate  measuring {', '.join(session.run.eval)} on the tuned model")
    subject = Subject(session.models.tuned, session.tokenizer, session.prepared, session.screen)
    results = measure_all(session.run.eval, subject)
    write_results(session.dir, "tuned", results)
    session.record_suites("tuned", {name: result.metrics for name, result in results.items()})
    session.record(**judged(session.run, session.dir))
