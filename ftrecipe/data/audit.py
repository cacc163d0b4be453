"""Counts what the prepared data holds and tells it to a person."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from ftrecipe.data.example import Example
from ftrecipe.data.split import HELD_OUT, SPLITS, prompt_key
from ftrecipe.data.tokenize import MASKED, Row

_FEW = 100  # rows below which a person is told that there are few
_SAMPLE_TOKENS = 600

Report = dict[str, Any]


@dataclass
class SplitCount:
    """Rows and tokens of one split."""

    lengths: "array[int]" = field(default_factory=lambda: array("l"))
    supervised: int = 0
    ended: int = 0  # rows whose last label is an end token

    def report(self) -> Report:
        """Return the counts and the distribution of row lengths."""
        lengths = sorted(self.lengths)
        return {
            "rows": len(lengths),
            "tokens": sum(lengths),
            "supervised_tokens": self.supervised,
            "lengths": _distribution(lengths),
        }


def _distribution(lengths: Sequence[int]) -> Report | None:
    if not lengths:
        return None
    last = len(lengths) - 1
    return {
        "min": lengths[0],
        "mean": round(sum(lengths) / len(lengths), 1),
        "p50": lengths[round(0.5 * last)],
        "p95": lengths[round(0.95 * last)],
        "max": lengths[last],
    }


@dataclass
class Audit:
    """Takes note of every example and row on its way to disk, held-out splits first."""

    ends: set[int]
    remember: bool = True  # whether all prompts may be kept in memory
    splits: dict[str, SplitCount] = field(default_factory=lambda: {s: SplitCount() for s in SPLITS})
    leaked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(HELD_OUT, 0))
    sample: Row | None = None
    held_out: dict[bytes, str] = field(default_factory=dict)
    answers: dict[bytes, bytes] = field(default_factory=dict)
    conflicting: set[bytes] = field(default_factory=set)

    def example(self, split: str, example: Example) -> None:
        """Note an example: whether its prompt was seen before, here or in a held-out split."""
        key = prompt_key(example.prompt)
        if split in HELD_OUT:
            self.held_out[key] = split
        elif found := self.held_out.get(key):
            self.leaked[found] += 1
            del self.held_out[key]  # each leaked prompt counts once
        if self.remember and example.reply:
            answer = blake2b(example.reply.encode(), digest_size=8).digest()
            known = self.answers.setdefault(key, answer)
            if known != answer:
                self.conflicting.add(key)

    def row(self, split: str, row: Row) -> None:
        """Note a row that is kept."""
        count = self.splits[split]
        count.lengths.append(len(row.input_ids))
        count.supervised += row.supervised
        count.ended += _last_label(row) in self.ends
        if self.sample is None and split == "train":
            self.sample = row

    def report(self) -> Report:
        """Return the part of report.json that is counted here."""
        splits = {name: count.report() for name, count in self.splits.items()}
        tokens = sum(split["tokens"] for split in splits.values())
        rows = sum(split["rows"] for split in splits.values())
        supervised = sum(split["supervised_tokens"] for split in splits.values())
        ended = sum(count.ended for count in self.splits.values())
        return {
            "splits": splits,
            "masked_share": round(1 - supervised / tokens, 4) if tokens else 0.0,
            "eos_share": round(ended / rows, 4) if rows else 0.0,
            "conflicting_prompts": len(self.conflicting) if self.remember else None,
            "leaked": self.leaked,
        }


def _last_label(row: Row) -> int:
    return next((label for label in reversed(row.labels) if label != MASKED), MASKED)


def pieces(row: Row, tokenizer: Any) -> list[list[Any]]:
    """Return the row's text cut where training starts and stops: `[text, trained]` in turn."""
    found: list[list[Any]] = []
    pairs = zip(row.input_ids[:_SAMPLE_TOKENS], row.labels, strict=False)
    for token, label in pairs:
        trained = label != MASKED
        if not found or found[-1][1] != trained:
            found.append([[], trained])
        found[-1][0].append(token)
    return [[tokenizer.decode(ids), trained] for ids, trained in found]


def warnings(report: Report) -> list[str]:
    """Return what a person should know before training, as plain sentences."""
    found = []
    rows = report["splits"]["train"]["rows"]
    if rows < _FEW:
        found.append(f"Only {rows} rows to train on; a few hundred are usually needed.")
    for split in HELD_OUT:
        if leaked := report["leaked"][split]:
            found.append(f"{_prompts(leaked)} of the {split} split can be seen in training: "
                         "its scores will flatter the model.")  # fmt: skip
    if conflicting := report["conflicting_prompts"]:
        found.append(f"{_prompts(conflicting)} with more than one answer in the data.")
    if cut := report["overlong"]["answer_cut_away"]:
        found.append(f"Truncation cut the whole answer away from {cut:,} rows; they are left out.")
    if (share := report["eos_share"]) < 0.5 and report["format"] != "text":
        found.append(f"Only {share:.0%} of rows end with an end token: "
                     "the model may not learn to stop.")  # fmt: skip
    if spliced := report["spliced_answers"]:
        found.append(f"{spliced:,} answers stand after the template's generation prompt, "
                     "which the template itself would not write before them.")  # fmt: skip
    return found


def _prompts(count: int) -> str:
    return f"{count:,} prompt{'' if count == 1 else 's'}"
