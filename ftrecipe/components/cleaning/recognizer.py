"""Finds the names of people and places in text with presidio, a library that is installed apart."""

from functools import cache
from typing import Any

_ENTITIES = ["PERSON", "LOCATION", "NRP"]
_SURE = 0.6  # of 1; below it the library guesses


@cache
def _analyzer() -> Any:
    from presidio_analyzer import AnalyzerEngine  # pyright: ignore[reportMissingImports]

    return AnalyzerEngine()


def hide_entities(text: str, tag: str, language: str) -> str:
    """Return text with `tag` in place of names of people, places and groups."""
    if not text.strip():
        return text
    found = _analyzer().analyze(text, language=language, entities=_ENTITIES, score_threshold=_SURE)
    for one in sorted(found, key=lambda one: one.start, reverse=True):
        if text[one.start : one.end].strip("<>") not in tag:
            text = text[: one.start] + tag + text[one.end :]
    return text
