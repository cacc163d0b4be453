"""The baseline: the model before training, on the questions that the tuned one will get."""

from contextlib import ExitStack

from ftrecipe.components.eval import SuiteResult
from ftrecipe.errors import ConfigError
from ftrecipe.stages.measuring.measure import (
    Subject,
    baseline_key,
    faults,
    measure_all,
    read_baseline,
    write_baseline,
)
from ftrecipe.stages.measuring.results import write_results
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at


def baseline(session: Session) -> None:
    """Measure every suite, or take it from an earlier run of the same model, data and suite."""
    if wrong := faults(session.run.eval, session.prepared):
        raise ConfigError(wrong)
    keys = {
        name: baseline_key(session.models.fingerprint, session.prepared.fingerprint, suite)
        for name, suite in session.run.eval.items()
    }
    with ExitStack() as stack:
        for key in sorted(set(keys.values())):  # in one order: no two runs wait for each other
            stack.enter_context(alone_at(session, "baseline", key))
        ordered = _measured(session, keys)
    write_results(session.dir, "base", ordered)
    session.record_suites("base", {name: result.metrics for name, result in ordered.items()})


def _measured(session: Session, keys: dict[str, str]) -> dict[str, SuiteResult]:
    """Return every suite's result, those that were not stored measured now and stored."""
    stored = {name: read_baseline(session.cache, key) for name, key in keys.items()}
    results = {name: result for name, result in stored.items() if result is not None}
    fresh = _measure(session, [name for name in keys if name not in results])
    for name, result in fresh.items():
        write_baseline(session.cache, keys[name], result)
    return {name: (results | fresh)[name] for name in keys}


def _measure(session: Session, names: list[str]) -> dict[str, SuiteResult]:
    if not names:
        session.screen.say("baseline  known from an earlier run")
        return {}
    session.measured |= set(names)
    session.screen.say(f"baseline  measuring {', '.join(names)} before training")
    subject = Subject(session.models.start, session.tokenizer, session.prepared, session.screen)
    return measure_all({name: session.run.eval[name] for name in names}, subject)
