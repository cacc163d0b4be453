"""The baselines: what the tuned model is held against, on the questions that it will get."""

from collections.abc import Mapping
from contextlib import ExitStack

from ftrecipe import baselines, results
from ftrecipe.components.eval import Eval, SuiteResult
from ftrecipe.errors import ConfigError
from ftrecipe.stages.measuring.contenders import Contender, contenders
from ftrecipe.stages.measuring.gated import unmeasured
from ftrecipe.stages.measuring.measure import (
    baseline_key,
    faults,
    measure_all,
    read_baseline,
    write_baseline,
)
from ftrecipe.stages.measuring.own_data import data_of, own_data
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at


def baseline(session: Session) -> None:
    """Measure every suite on each, or take it from an earlier run of the same model and data."""
    if wrong := faults(session.run.eval, session.prepared):
        raise ConfigError(wrong)
    for suite in session.run.eval.values():
        suite.look()
    session.keep_baselines(baselines.names(session.run))
    for contender in contenders(session):
        found = _known_or_measured(session, contender)
        for name, result in found.items():
            suite = session.run.eval[name]
            results.write(session.dir, name, contender.name, result.rows, suite.identity)
        session.record_suites(contender.name, {n: result.metrics for n, result in found.items()})
    if wrong := list(unmeasured(session.run, session.dir)):
        raise ConfigError(wrong)


def _known_or_measured(session: Session, contender: Contender) -> dict[str, SuiteResult]:
    keys = {
        name: baseline_key(contender.fingerprint, data_of(session, name).fingerprint, suite)
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
    lasting = {name: key for name, key in keys.items() if session.run.eval[name].caches}
    stored = {name: read_baseline(session.cache, key) for name, key in lasting.items()}
    known = {name: result for name, result in stored.items() if result is not None}
    fresh = _measure(session, contender, [name for name in keys if name not in known])
    for name in fresh.keys() & lasting.keys():
        write_baseline(session.cache, keys[name], fresh[name])
    return {name: (known | fresh)[name] for name in keys}


def _measure(session: Session, contender: Contender, names: list[str]) -> dict[str, SuiteResult]:
    if not names:
        session.screen.say(f"baseline  {contender.name}: known from an earlier run")
        return {}
    session.measured |= set(names)
    session.screen.say(f"baseline  {contender.name}: measuring {', '.join(names)} before training")
    suites = {name: session.run.eval[name] for name in names}
    own = contender.own(names) if contender.own else own_data(session, names)
    try:
        found = measure_all(suites, contender.subject(), own)
    finally:
        contender.leave()
    return found if contender.shares_tokens else _comparable(suites, found)


def _comparable(
    suites: Mapping[str, Eval], found: Mapping[str, SuiteResult]
) -> dict[str, SuiteResult]:
    """Return what was found without what is counted by the token: these tokens are others."""
    return {
        name: SuiteResult(
            {
                metric: value
                for metric, value in result.metrics.items()
                if metric.partition(".")[0] not in suites[name].per_token
            },
            result.rows,
        )
        for name, result in found.items()
    }
