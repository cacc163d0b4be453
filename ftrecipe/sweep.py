"""Hydra multirun: every combination of the swept values is a run of its own."""

import math
import sys
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from ftrecipe import launch, plan
from ftrecipe.compose import compose, prepare_hydra
from ftrecipe.config import options, packaged
from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.rundir import read_json
from ftrecipe.words import read, recipe_name

QUIET = ["hydra/job_logging=none", "hydra/hydra_logging=none"]


def sweep(line: list[str]) -> int:
    """Check every swept value once, then let Hydra's sweeper run the combinations."""
    overrides = [written for word in line for written in hydra_words(word)]
    preflight(overrides)
    prepare_hydra()
    sys.argv = ["ftrecipe", "--multirun", *overrides, *QUIET]
    trials: list[tuple[str, float]] = []

    def task(config: Any) -> float:
        line = [plain_word(word.lstrip("+")) for word in HydraConfig.get().overrides.task]
        number = HydraConfig.get().job.num
        print(f"\ntrial {number}: {' '.join(line)}", flush=True)
        trials.append((" ".join(line), trial(line, str(number))))
        return trials[-1][1]

    hydra.main(str(packaged("conf").resolve()), "config", "1.3")(task)()
    return close(trials)


def trial(line: list[str], job: str) -> float:
    """Run one combination in a process of its own; return its objective, nan if it has none.

    A combination that is refused or fails is told and the sweep goes on; Ctrl-C ends the sweep.
    """
    try:
        made = plan.make(compose(line))
    except ConfigError as error:
        print("\n".join(f"error: {fault}" for fault in error.faults), file=sys.stderr)
        return math.nan
    rundir = launch.create(made, job)
    code = launch.start(rundir, made.stages)
    if code == Stopped.exit_code:
        raise KeyboardInterrupt
    return math.nan if code else float(read_json(rundir.metrics)["objective"])


def close(trials: list[tuple[str, float]]) -> int:
    """Print the objective of every trial; return 1 if one has none."""
    print("\nobjective   trial")
    for line, value in trials:
        print(f"{'failed' if math.isnan(value) else f'{value:.4g}':<12}{line}")
    failed = sum(math.isnan(value) for _, value in trials)
    if failed:
        print(f"{failed} of {len(trials)} trials failed", file=sys.stderr)
    return 1 if failed else 0


def hydra_words(word: str) -> list[str]:
    """Write a word as Hydra takes it: a recipe is added, any other value may be new.

    A model's folder or a data file becomes the option and the path that it stands for.
    """
    key, equals, text = word.partition("=")
    key = key.lstrip("+")
    if not equals:
        raise ConfigError(f"{word}: what should it be? write {word}=<value>")
    if key == "recipe":
        return [f"+recipe={','.join(recipe_name(name) for name in text.split(','))}"]
    if key in ("model", "dataset") and set(text.split(",")) - set(options(key)):
        return _spelt_out(word)
    return [f"++{key}={text}" if "." in key else f"{key}={text}"]


def _spelt_out(word: str) -> list[str]:
    asked = read([word])
    if asked.faults:
        raise ConfigError(asked.faults)
    chosen = [f"{group}={option}" for group, option in asked.choices.items()]
    values = [
        f"++{one.key}={'null' if one.value is None else _quoted(one.written)}"
        for one in asked.settings
    ]
    return chosen + values


def _quoted(text: str) -> str:
    """Quote text for Hydra, whose quotes end at a quote without a backslash."""
    return "'" + text.replace("'", "\\'") + "'"


def plain_word(word: str) -> str:
    """Write one of Hydra's own words as compose takes it."""
    key, _, text = word.partition("=")
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return f"{key}={text[1:-1].replace(chr(92) + text[0], text[0]) if quoted else text}"


def preflight(overrides: list[str]) -> None:
    """Compose once for every swept value, so that a typo ends the sweep before it begins."""
    parsed = []
    for word in overrides:
        try:
            parsed.append(OverridesParser.create().parse_override(word))
        except HydraException:
            plain = word.lstrip("+")
            raise ConfigError(
                f"{plain}: cannot be read; in a sweep, text with commas, brackets or quotes is "
                f"written {plain.partition('=')[0]}='…'"
            ) from None
    values = [
        [str(value) for value in one.sweep_string_iterator()] if one.is_sweep_override()
        else [one.get_value_element_as_str()]
        for one in parsed
    ]  # fmt: skip
    keys = [one.key_or_group for one in parsed]
    for position, choices in enumerate(values):
        for choice in choices if position == 0 or len(choices) > 1 else []:
            line = [options[0] for options in values]
            line[position] = choice
            compose([plain_word(f"{key}={text}") for key, text in zip(keys, line, strict=True)])
