"""Tells a person what report.json says, in a few lines."""

from typing import Any

from ftrecipe.data.split import SPLITS

Report = dict[str, Any]


SAMPLE_LINES = 16


def describe(report: Report) -> list[str]:
    """Return the lines printed by `ftrecipe check`; the warnings are told apart."""
    return [
        *_sources(report),
        *_dropped(report),
        *_splits(report["splits"]),
        _mask(report),
        *_overlong(report),
        *_unrolled(report),
        *_sample(report["sample"]),
    ]


def _sources(report: Report) -> list[str]:
    read = [f"{source['rows_read']:,} rows from {source['path']}" for source in report["sources"]]
    return [f"read {', '.join(read)} as {report['format']}"]


def _dropped(report: Report) -> list[str]:
    reasons = report["rows"]["dropped"].items()
    return [f"left out {count:,}: {reason}" for reason, count in reasons if count]


def _splits(splits: Report) -> list[str]:
    lines = []
    for name in SPLITS:
        split = splits[name]
        if lengths := split["lengths"]:
            lines.append(
                f"{name}: {split['rows']:,} rows, {split['tokens']:,} tokens, "
                f"{split['supervised_tokens']:,} of them trained on; a row has {lengths['min']:,} "
                f"to {lengths['max']:,} (mean {lengths['mean']:,}, 95 % under {lengths['p95']:,})"
            )
    return lines


def _mask(report: Report) -> str:
    ended = report["eos_share"]
    end = "every row ends" if ended == 1 else f"{ended:.1%} of rows end"
    return f"{report['masked_share']:.1%} of the tokens are context, not trained on; " \
           f"{end} with an end token"  # fmt: skip


def _overlong(report: Report) -> list[str]:
    overlong = report["overlong"]
    found = overlong["found"]
    if not found:
        return []
    done = {"truncated": "truncated", "split": "cut into pieces", "dropped": "left out"}
    what = ", ".join(f"{overlong[key]:,} {word}" for key, word in done.items() if overlong[key])
    rows = "1 row was" if found == 1 else f"{found:,} rows were"
    return [f"{rows} longer than {overlong['max_length']:,} tokens: {what} "
            f"(longest {overlong['longest']:,}: {overlong['longest_where']})"]  # fmt: skip


def _unrolled(report: Report) -> list[str]:
    count = report["unrolled_conversations"]
    return [f"{count:,} conversations became one row an answer: the chat template writes earlier "
            "answers otherwise than it wrote them when they were new"] if count else []  # fmt: skip


def _sample(sample: Report | None) -> list[str]:
    if sample is None:
        return []
    text = "".join(f"»{text}«" if trained else text for text, trained in sample["pieces"])
    lines = [f"  {line}" for line in text.split("\n")]
    if len(lines) > SAMPLE_LINES:
        lines = [*lines[:SAMPLE_LINES], f"  … {len(lines) - SAMPLE_LINES} more lines"]
    return [f"{sample['where']}, as the model sees it (»trained on«):", *lines]
