"""Tells a person what report.json says, in a few lines of a terminal."""

import os
from collections.abc import Mapping
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.audit.excerpt import excerpt
from ftrecipe.data.audit.told import overlong_done, place
from ftrecipe.data.split import SPLITS
from ftrecipe.page.words import cut, printable

Report = dict[str, Any]

_SAMPLES = 3
_SENDERS = 5
_SOURCES = 12
_NAME = 40  # characters of a sender's name
_LONGEST = 300  # characters of any other text of the data


def describe(report: Report, colored: bool) -> list[str]:
    """Return the lines printed by `ftrecipe check`; failures and warnings are told apart.

    `colored` for a terminal; whoever sets NO_COLOR gets plain text with »trained« marks.
    """
    colored = colored and not os.environ.get("NO_COLOR")
    safe = _safe(report)
    return [
        *(line for source in safe["sources"] for line in _source(source)),
        *_counts("dropped", safe["dropped"]),
        *_counts("changed", safe["changed"]),
        *(_split(name, safe) for name in SPLITS if safe["tokens"][name]["rows"]),
        *_repeated(safe),
        *_per_source(safe),
        *_mask(safe),
        *_overlong(safe["overlong"]),
        *_training(safe),
        *(line for row in safe["samples"][:_SAMPLES] for line in excerpt(row, colored)),
        *([""] if safe["samples"] else []),
    ]


def _safe(value: Any, keep: str = "") -> Any:
    """Return the report with nothing in it that a terminal would obey."""
    if isinstance(value, str):
        return printable(value, keep) if keep else cut(printable(value), _LONGEST)
    if isinstance(value, list):
        return [_safe(each, keep) for each in value]
    if isinstance(value, Mapping):
        return {_safe(key): _safe(each, "\n\t" if key == "tokens" else keep)
                for key, each in value.items()}  # fmt: skip
    return value


def _source(source: Report) -> list[str]:
    facts = [source["format"], source["encoding"]]
    facts += [f"{source['files']:,} files"] if source["files"] > 1 else []
    told = ", ".join(fact for fact in facts if fact)
    bad = f", {source['rows_malformed']:,} malformed" if source["rows_malformed"] else ""
    rows = many(source["rows_read"], "row")
    lines = [_line("read", f"{rows} of {source['path']} ({told}){bad}")]
    if (first := source["first_malformed"]) is not None:
        lines.append(_line("", f"the first: {place(first)}"))
    return [*lines, *_chat(source)]


def _chat(source: Report) -> list[str]:
    if "senders" not in source:
        return []
    named = list(source["messages_per_sender"].items())
    told = [f"{cut(name, _NAME)} {count:,}" for name, count in named[:_SENDERS]]
    more = len(named) - _SENDERS
    told += [f"and {more:,} more"] if more > 0 else []
    kinds = [f"{source[key]:,} {word}" for key, word in
             (("system_entries", "notices of the app"), ("media", "media"),
              ("deleted", "deleted"), ("edited", "edited")) if source[key]]  # fmt: skip
    lines = [_line("", ", ".join([many(source["messages"], "message"), *kinds]))]
    if source["first_message"]:
        days = source["first_message"][:10], source["last_message"][:10]
        lines[0] += f"; {days[0]} to {days[1]}"
    return [*lines, _line("", f"{many(source['senders'], 'sender')}: {', '.join(told)}")]


def _counts(word: str, counts: Mapping[str, int]) -> list[str]:
    told = [f"{rule} {count:,}" for rule, count in counts.items() if count]
    return [_line(word, ", ".join(told))] if told else []


def _split(name: str, report: Report) -> str:
    tokens, examples = report["tokens"][name], report["examples"][name]
    return _line(
        name,
        f"{many(examples, 'example')}, {tokens['total']:,} tokens, "
        f"{tokens['supervised']:,} trained on; a row has {tokens['min']:,} to {tokens['max']:,}: "
        f"median {tokens['median']:,}, 95 % up to {tokens['p95']:,}, 99 % up to {tokens['p99']:,}",
    )


def _repeated(report: Report) -> list[str]:
    if not (count := report["duplicates"]["repeated_examples"]):
        return []
    says = "example says" if count == 1 else "examples say"
    return [_line("repeated", f"{count:,} {says} the same as an earlier one")]


def _per_source(report: Report) -> list[str]:
    counts = list(report["examples_per_source"].items())
    told = [f"{cut(name, _NAME)} {count:,}" for name, count in counts[:_SOURCES]]
    more = len(counts) - _SOURCES
    told += [f"and {more:,} more sources"] if more > 0 else []
    return [_line("sources", ", ".join(told))] if told else []


def _mask(report: Report) -> list[str]:
    if not any(split["rows"] for split in report["tokens"].values()):
        return []
    ended = report["eos_supervised"]
    end = "every row ends" if ended == 1 else f"{ended:.1%} of rows end"
    tokenizer = report["tokenizer"]
    assumed = " (assumed: no model was named)" if tokenizer["assumed"] else ""
    template = report["chat_template"]
    return [
        _line("mask", f"{report['masked_share']:.1%} of the tokens are context, not trained on; "
                      f"{end} with an end token that is"),
        _line("tokenizer", f"{tokenizer['name']}{assumed}, chat template {template}"),
    ]  # fmt: skip


def _overlong(overlong: Report) -> list[str]:
    found = overlong["found"]
    if not found:
        return []
    rows = "1 row is" if found == 1 else f"{found:,} rows are"
    done = overlong_done(overlong)
    what = f": {done}" if done else ""
    longest = ", ".join(f"{row['where']} ({row['tokens']:,})" for row in overlong["longest"])
    fits = f"; {overlong['fits_99']:,} would fit 99 %" if overlong["fits_99"] else ""
    return [_line("too long", f"{rows} longer than {overlong['max_length'] or 0:,} tokens{what}"),
            _line("", f"the longest: {longest}{fits}")]  # fmt: skip


def _training(report: Report) -> list[str]:
    recommended = report["recommended"]
    if recommended is None:
        return []
    return [
        _line("take", f"trainer.max_length={recommended['max_length']} "
                      f"trainer.num_train_epochs={recommended['num_train_epochs']}; "
                      f"{many(report['steps_per_epoch'], 'step')} an epoch, packed rows are "
                      f"{report['packing_efficiency']:.0%} full, padded ones "
                      f"{report['padding_efficiency']:.0%}")
    ]  # fmt: skip


def _line(word: str, text: str) -> str:
    return f"{word:<11}{text}"
