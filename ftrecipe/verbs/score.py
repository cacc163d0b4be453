"""The verb `score`: how good are answers that are there already?"""

import json
import sys

from ftrecipe.compare.bootstrap import Settings
from ftrecipe.components.eval import GROUP, AnswerEval
from ftrecipe.compose import Composition, compose
from ftrecipe.config import options
from ftrecipe.errors import ConfigError, listed
from ftrecipe.scoring.judging import Scored, scored
from ftrecipe.scoring.named import FLAGS, PREDICTIONS, REFERENCES, Named, tried
from ftrecipe.scoring.told import left_over, read_lines, table
from ftrecipe.verbs import flags, valued

KEYS = ("eval", "dataset", "compare")


def score(words: list[str]) -> int:
    """Score answers that are there already, without a model.

    python -m ftrecipe score eval=qa --predictions FILE --references FILE [--json]
    python -m ftrecipe score eval=[qa,generation] --predictions NEW --against OLD --references FILE
    python -m ftrecipe score eval=generation --predictions runs/x/1/eval/qa.jsonl --model tuned

    Any suite that judges answers will do: qa, generation, format, custom.

    Answers are SQuAD's {id: answer}; rows of JSONL, JSON, CSV, TSV or Parquet (prediction, output,
    answer …, or the --column named); text with one a line; or a run's eval/<suite>.jsonl (--model
    NAME). References are SQuAD's data sets, {id: answers}, rows, lines, or whatever a dataset
    format reads (dataset=messages). They are paired by id where both have ids, else by order; a
    question without an answer counts as wrong.

    --against tells what other answers score (--against-model, --against-column), and whether the
    change is real. --json prints one object: the metrics, n and missing; of several suites, one by
    the name of each.
    """
    named, rest = valued(words, *FLAGS)
    given, rest = flags(rest, "--json", *FLAGS)
    faults: list[str] = []
    asked = tried(lambda: _composed(rest, named.get(REFERENCES)), faults)
    by_format = any(_group(word) == "dataset" for word in rest)
    dataset = asked.run.dataset if asked and by_format else None
    files = tried(Named(named, dataset).read, faults) if asked or not by_format else None
    if asked is None or files is None:
        raise ConfigError(faults)
    settings = Settings(asked.run.compare.resamples, asked.run.compare.seed)
    found = {
        name: scored(name, suite, *files, settings)
        for name, suite in asked.run.eval.items()
        if isinstance(suite, AnswerEval)
    }
    if "--json" in given:
        print("".join(f"{line}\n" for line in left_over(files)), end="", file=sys.stderr)
        print(json.dumps(_flat(found)))
        return 0
    told = [*read_lines(files), *left_over(files)]
    for name, one in found.items():
        told += table(name, one, files)
    print("\n".join(told))
    return 0


def _flat(found: dict[str, Scored]) -> dict[str, object]:
    """Return the numbers of one suite, or of several by their names."""
    each: dict[str, dict[str, object]] = {name: one.plain() for name, one in found.items()}
    return dict(each) if len(each) > 1 else next(iter(each.values()))


def _composed(words: list[str], references: str | None) -> Composition:
    """Return the suites and settings that are asked for. Raises ConfigError with all faults."""
    faults = [_unknown(word) for word in words if _group(word) not in KEYS]
    kept = [word for word in words if _group(word) in KEYS]
    chosen = any(_key(word) == "eval" and word.strip("[]") != "eval=" for word in kept)
    if not chosen:
        faults.append(f"eval is missing; add eval=<one or several of {listed(_judging())}>")
    if references is not None and any(_group(word) == "dataset" for word in kept):
        twice = [word for word in kept if _file(word) not in (None, references)]
        faults += [f"{word}: {REFERENCES} {references} names the file already" for word in twice]
        kept.append(f"dataset.path={references}")
    made = tried(lambda: compose(kept, audit_only=True), faults)
    faults += [
        f"eval=[{name}] needs a model; score takes the suites that judge answers: "
        f"{listed(_judging())}"
        for name, suite in (made.run.eval if made and chosen else {}).items()
        if not _judges(type(suite))
    ]
    if faults or made is None:
        raise ConfigError(faults)
    return made


def _judging() -> list[str]:
    """Return the suites that judge answers, whoever wrote them."""
    return [name for name in options(GROUP.name) if _judges(GROUP.get(name))]


def _judges(suite: type) -> bool:
    return issubclass(suite, AnswerEval) and suite.judges


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


def _group(word: str) -> str:
    return _key(word).partition(".")[0]


def _unknown(word: str) -> str:
    if "=" not in word:
        return f"{word}: files are named by {PREDICTIONS} FILE and {REFERENCES} FILE"
    return f"{word}: score takes {listed(KEYS)} alone (suites, how references are read, intervals)"


def _file(word: str) -> str | None:
    """Return the file that a word of the dataset names, None where it names none."""
    key, _, text = word.lstrip("+").partition("=")
    named = key == "dataset.path" or (key == "dataset" and text not in options("dataset"))
    return text if named else None
