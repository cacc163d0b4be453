"""Words for parts of report.json, the same on its page and on a terminal."""

from collections.abc import Mapping
from typing import Any

_DONE = {
    "dropped": "left out",
    "truncated": "truncated",
    "split": "cut into pieces",
    "answer_cut": "with a part of an answer cut off",
    "answers_lost": "whole answers cut off rows that keep another",
    "answer_cut_away": "left out, nothing to learn being left",
    "pieces_without_answer": "pieces without an answer left out",
}


def overlong_done(overlong: Mapping[str, Any]) -> str:
    """Return what became of the rows that were too long; empty where they stay as they are."""
    told = {key: word for key, word in _DONE.items() if overlong.get(key)}
    if overlong["policy"] == "split":
        told.pop("answer_cut", None)  # nothing is lost: the rest is in the next piece
    done = [f"{overlong[key]:,} {word}" for key, word in told.items()]
    return ", ".join(done)


def place(first: Mapping[str, Any]) -> str:
    """Return the place and the reason of a source's first malformed row."""
    unit = next(key for key in first if key not in ("file", "reason"))
    return f"{first['file']} {unit} {first[unit]}: {first['reason']}"


def verdict(report: Mapping[str, Any]) -> str:
    """Return what may be done with data that has no failures."""
    if report["trainable"]:
        return "Ready to train"
    return "Can be looked at, not trained on by sft"
