"""The baselines: what the tuned model is held against, on the questions that it will get."""

from contextlib import ExitStack

from ftrecipe import results
from ftrecipe.components.eval import SuiteResult
from ftrecipe.errors import ConfigError
from ftrecipe.stages.measuring.contenders import Contender, contenders
from ftrecipe.stages.measuring.measure import (
    baseline_key,
    faults,
    measure_all,
    read_baseline,
    write_baseline,
)
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at


def baseline(session: Session) -> None:
    """Measure every suite on each, or take it from an earlier run of the same model and data."""
    if wrong := faults(session.run.eval, session.prepared):
        raise ConfigError(wrong)
    for contender in contenders(session):
        found = _known_or_measured(session, contender)
        for name, result in found.items():
            suite = session.run.eval[name]
            results.write(session.dir, name, contender.name, result.rows, suite.identity)
        session.record_suites(contender.name, {n: result.metrics for n, result in found.items()})


def _known_or_measured(session: Session, contender: Contender) -> dict[str, SuiteResult]:
    keys = {
        name: baseline_key(contender.fingerprint, session.prepared.fingerprint, suite)
        for name, suite in session.run.eval.items()
        if contender.asks(suite)
    }
    with ExitStack() as stack:
        for key in sorted(set(keys.values())):  # in one order: no two runs wait for each other
            stack.enter_context(alone_at(session, "baseline", key))
        return _measured(session, contender, keys)


def _measured(
    session: Session, contender: Contender, keys: dict[str, str]
) -> dict[str, SuiteResult]:
    """Return every suite's result, those that were not stored measured now and stored."""
    stored = {name: read_baseline(session.cache, key) for name, key in keys.items()}
    known = {name: result for name, result in stored.items() if result is not None}
    fresh = _measure(session, contender, [name for name in keys if name not in known])
    for name, result in fresh.items():
        write_baseline(session.cache, keys[name], result)
    return {name: (known | fresh)[name] for name in keys}


def _measure(session: Session, contender: Contender, names: list[str]) -> dict[str, SuiteResult]:
    if not names:
        session.screen.say(f"baseline  {contender.name}: known from an earlier run")
        return {}
    session.measured |= set(names)
    session.screen.say(f"baseline  {contender.name}: measuring {', '.join(names)} before training")
    return measure_all({name: session.run.eval[name] for name in names}, contender.subject())
