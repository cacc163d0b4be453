"""The tuned model, on the same questions as the baselines, and held against them."""

from ftrecipe import results
from ftrecipe.results import TUNED
from ftrecipe.stages.measuring.compared import Comparison
from ftrecipe.stages.measuring.gated import gated
from ftrecipe.stages.measuring.measure import Subject, measure_all
from ftrecipe.stages.measuring.objective import judged
from ftrecipe.stages.measuring.own_data import own_data
from ftrecipe.stages.session import Session
from ftrecipe.stages.stored import tuned_of


def evaluate(session: Session) -> None:
    """Measure every suite on the tuned model, and say which changes are real."""
    session.screen.say(f"evaluate  measuring {', '.join(session.run.eval)} on the tuned model")
    models = session.models
    subject = Subject(
        models.tuned, session.tokenizer, session.prepared, session.screen, tuned_of(models)
    )
    found = measure_all(session.run.eval, subject, own_data(session, session.run.eval))
    for name, result in found.items():
        results.write(session.dir, name, TUNED, result.rows, session.run.eval[name].identity)
    session.record_suites(TUNED, {name: result.metrics for name, result in found.items()})
    comparison = Comparison(session.run, session.dir)
    for line in comparison.left_out():
        session.screen.say(f"evaluate  {line}")
    session.record(
        compare=comparison.told(),
        gate=gated(session.run, comparison),
        **judged(session.run, session.dir),
    )
