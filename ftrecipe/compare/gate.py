"""The words of a gate: `qa.f1 >= base + 5` read as a metric, a comparison and a bound; pure."""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ftrecipe.errors import did_you_mean

FORM = (
    "a condition reads SUITE.METRIC >= BOUND, for instance qa.f1 >= base + 5, "
    "forgetting.perplexity <= base * 1.1 or qa.exact_match >= 80"
)
SIGNS = {">=": ">=", "<=": "<=", ">": ">", "<": "<", "≥": ">=", "≤": "<="}
MEANT = {"=>": ">=", "=<": "<=", "==": ">=", "=": ">=", "!=": ">="}
NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?"
WHOLE = re.compile(
    r"\s*(?:tuned\.)?(?P<metric>[^<>=≥≤!]*?)\s*(?P<sign>[<>=≥≤!]+)\s*(?P<bound>.*?)\s*"
)
ALONE = re.compile(rf"(?P<minus>[+-]?)\s*(?P<number>{NUMBER})\s*(?P<percent>%?)")
AFTER = re.compile(rf"\s*(?P<by>[-+*−×x])\s*(?P<number>{NUMBER})\s*(?P<percent>%?)")
BEFORE = re.compile(rf"(?P<number>{NUMBER})\s*(?P<percent>%?)\s*[*×x]\s*(?P<name>.+)")
UNKNOWN = re.compile(rf"(?P<name>.*?)(?:\s*[+*×]\s*(?:{NUMBER})\s*%?|\s+[-−]\s*(?:{NUMBER})\s*%?)?")


@dataclass(frozen=True)
class Bound:
    """factor * the metric of `baseline` + offset; a mere number where there is no baseline."""

    offset: float = 0.0
    factor: float = 1.0
    baseline: str | None = None


@dataclass(frozen=True)
class Condition:
    """One condition of a gate, with the text that it was read from.

    percent: whether the bound is a number with a % of its own.
    """

    text: str
    suite: str
    metric: str
    sign: str
    bound: Bound
    percent: bool = False

    @property
    def at_least(self) -> bool:
        """Whether more is better here: its bound lies below."""
        return self.sign in (">", ">=")

    def holds(self, margin: float) -> bool:
        """Tell whether it is met by a metric that is `margin` above its bound."""
        return {
            ">=": margin >= 0, ">": margin > 0, "<=": margin <= 0, "<": margin < 0,
        }[self.sign]  # fmt: skip


def parse(text: str, baselines: Collection[str]) -> Condition:
    """Read one condition. Raises ValueError with what is wrong and what to write.

    `baselines` are the names that a bound may hold: they may have dashes and spaces, so that they
    have to be known.
    """
    whole = WHOLE.fullmatch(text)
    if whole is None:
        raise ValueError(f"has no comparison; {FORM}")
    sign = SIGNS.get(whole["sign"])
    if sign is None:
        meant = MEANT.get(whole["sign"], ">=")
        raise ValueError(f"{whole['sign']} is no comparison; write {meant} (there are >= <= > <)")
    suite, dot, metric = whole["metric"].partition(".")
    if not (suite and dot and metric) or re.search(r"[\s*+]", suite):
        raise ValueError(f"names no metric before {sign}; {FORM}")
    if not whole["bound"]:
        raise ValueError(f"says nothing after {sign}; {FORM}")
    bound, percent = _bound(whole["bound"], baselines)
    if not (math.isfinite(bound.offset) and math.isfinite(bound.factor)):
        raise ValueError(f"{whole['bound']} is too large to be a number")
    return Condition(" ".join(text.split()), suite, metric, sign, bound, percent)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a condition in which a baseline of `names` is called by its other name.

    What cannot be read is returned as it is.
    """
    whole = WHOLE.fullmatch(text)
    try:
        asked = parse(text, names).bound.baseline
    except ValueError:
        return text
    if whole is None or asked is None:
        return text
    at = whole.start("bound")
    return text[:at] + text[at:].replace(asked, names[asked], 1)


def _bound(text: str, baselines: Collection[str]) -> tuple[Bound, bool]:
    if number := ALONE.fullmatch(text):
        value = float(number["number"]) * (-1 if number["minus"] == "-" else 1)
        return Bound(value), bool(number["percent"])
    if share := BEFORE.fullmatch(text):
        if share["name"] not in baselines:
            raise ValueError(_no_baseline(share["name"], baselines))
        return Bound(0.0, _factor(share), share["name"]), False
    for name in sorted(baselines, key=len, reverse=True):
        if text == name:
            return Bound(0.0, 1.0, name), False
        after = AFTER.fullmatch(text[len(name) :]) if text.startswith(name) else None
        if after is not None:
            return _relative(name, after), False
    found = UNKNOWN.fullmatch(text)
    raise ValueError(_no_baseline(found["name"] if found else text, baselines))


def _relative(name: str, after: re.Match[str]) -> Bound:
    if after["by"] in "*×x":
        return Bound(0.0, _factor(after), name)
    value = float(after["number"])
    if after["percent"]:
        more = 1 + (-value if after["by"] in "-−" else value) / 100
        raise ValueError(
            f"{name} {after['by']} {after['number']} % can be read in two ways; write "
            f"{name} {after['by']} {after['number']} for so many points, or {name} * {more:g} for "
            "a share of it"
        )
    return Bound(-value if after["by"] in "-−" else value, 1.0, name)


def _factor(found: re.Match[str]) -> float:
    return float(found["number"]) / (100 if found["percent"] else 1)


def _no_baseline(name: str, baselines: Collection[str]) -> str:
    return (
        f"{name!r} is neither a number nor a baseline{did_you_mean(name, baselines)}; a bound is "
        "written 80, base, base + 5, base - 5 or base * 1.1, and an earlier run is a baseline if "
        f"compare.against names it (known: {', '.join(baselines)})"
    )
