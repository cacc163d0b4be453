"""The errors a person may meet; each says what, where and what to do, and knows its exit code."""

import difflib
from collections.abc import Iterable, Sequence

KNOWN = " (known: "  # begins the list of what there is, at the end of a fault


class FtrecipeError(Exception):
    """Base of all errors that are told in words, without a traceback."""

    exit_code = 1


class ConfigError(FtrecipeError):
    """What was asked for cannot be done; `faults` holds every reason found, one line each."""

    exit_code = 2

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class RuleError(ConfigError):
    """Options and values that there are, and that may not be combined."""


class DataError(ConfigError):
    """The data cannot be used as it is: a missing file, a broken row, an empty set."""


class StageError(FtrecipeError):
    """A stage started and could not finish; the reason is one line."""


class Stopped(FtrecipeError):  # noqa: N818 - nothing went wrong
    """A person or a scheduler asked the run to stop; what was done so far is kept."""

    exit_code = 130


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return `"; did you mean x?"` for the nearest of `names`, or an empty string.

    Of names that are as near, one that goes on from the word comes first.
    """

    def rank(name: str) -> tuple[float, bool]:
        likeness = difflib.SequenceMatcher(None, name, word).ratio()
        return -likeness, not name.startswith(word)

    near = difflib.get_close_matches(word, list(names), n=5, cutoff=0.55)
    return f"; did you mean {min(near, key=rank)}?" if near else ""


def told_once(faults: Iterable[str]) -> list[str]:
    """Return faults for people: what there is to choose from is listed where it is first needed."""
    seen: set[str] = set()
    told = []
    for fault in faults:
        said, mark, known = fault.partition(KNOWN)
        told.append(said if mark and known in seen else fault)
        seen.add(known)
    return told


def listed(names: Sequence[str], limit: int = 24) -> str:
    """Join names for a message, cut after `limit` with the number left out."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
