"""From figures to a verdict, with every reason for it: same, degraded or failed. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.components.export import Closeness

SAME, UNCHECKED, DEGRADED, FAILED = "same", "unchecked", "degraded", "failed"
ORDER = (SAME, UNCHECKED, DEGRADED, FAILED)  # from the best to the worst

LIMITS = {Closeness.exact: 1e-4, Closeness.rounded: 0.05}
"""How far apart log-probabilities of likely tokens may be, in nats, computed in float32."""

SELDOM = 20
"""How many times as far apart all other tokens may be: what a row of the vocabulary in another's
place exceeds, and rounding does not. In float16, measured: 0.03 of SmolLM2 135M."""

IN_16_BITS = 0.5
"""The same where a machine has no room for float32: so far apart are two ways to compute one model
in bfloat16."""

FAR = {Closeness.exact: 1e-5, Closeness.rounded: 0.02}
"""KL(trained ‖ artefact), in nats, from which on no way to compute or to round explains it.

Measured of rounding: 2e-6 for the tiny model in bfloat16; for SmolLM2 135M 0.002 in bfloat16 and
4e-7 in float16. With one layer's adapter dropped: 0.1 to 1.7 of three layers; of thirty 0.002 to
0.003, which is more than float16 does, and no more than bfloat16 does.
"""

BENT, BENT_FLOOR = 20, 0.3
"""How many times as far from the trained model quantised numbers may be in a long text as after
short prompts, and the mean KL up to which they may in any case.

It finds positions that are quite wrong, and no finer ones: of SmolLM2 135M, a long text is 0.9
(q8_0) and 1.3 (q4_k_m) times as far off, and with a `rope_theta` of twice the value 3.6 and 1.4
times. That one is told by what the file says of itself (`settings`).
"""

LOST = 0.5
"""Of how far an artefact is from the trained model, how far it is from the base: below it, the
tune is lost."""


@dataclass
class Verdict:
    """What is wrong with an artefact: of which kind, and in words."""

    failed: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        """The verdict."""
        if self.failed:
            return FAILED
        if self.degraded:
            return DEGRADED
        return UNCHECKED if self.unchecked else SAME

    @property
    def reasons(self) -> list[str]:
        """All that is wrong, the worst first."""
        return [*self.failed, *self.degraded, *self.unchecked]


def worst(words: list[str]) -> str:
    """Return the verdict of a whole: that of its worst part; where there is none, `unchecked`."""
    return max(words, key=ORDER.index, default=UNCHECKED)


def limit_of(closeness: Closeness, compute: str) -> float | None:
    """Return how far apart log-probabilities may be; None for quantised numbers."""
    if closeness is Closeness.quantized:
        return None
    return LIMITS[closeness] if compute == "float32" else IN_16_BITS


def judged(figures: dict[str, Any], closeness: Closeness, points: float, rounds: bool) -> Verdict:
    """Return the verdict on one artefact's figures, as gate.json has them.

    What differs although nothing was rounded to make it differ is another model, and fails. Of
    exact and rounded numbers suites only tell how bad it is: within the limits, they have what
    small numbers of examples and other ways to compute give them.

    points: how much worse suites may be. rounds: whether the trained model itself computes with
    rounded numbers (a quantised base), so that another way to compute it is another rounding.
    """
    limit = limit_of(closeness, figures["compute"])
    off = list(_bent(figures) if limit is None else _off(figures, limit))
    worse = list(_worse(figures["suites"], points)) if off or limit is None else []
    far = _is_far(figures, closeness) or bool(worse)
    another = bool(off) and far and not rounds and limit is not None
    found = Verdict(failed=[*_unlike(figures), *_lost(figures)])
    (found.failed if another else found.degraded).extend([*off, *worse])
    found.unchecked = list(_unchecked(figures, closeness))
    return found


def _unchecked(figures: dict[str, Any], closeness: Closeness) -> Iterator[str]:
    """Yield what nobody could look at."""
    for name in ("greedy", "logprobs", "tokenization", "template", "ends", "suites"):
        seen_otherwise = name == "template" and "same" in (figures["streamed"] or {})
        if "not_asked" in figures[name] and not seen_otherwise:
            yield f"{name} could not be asked: {figures[name]['not_asked']}"
    if closeness is Closeness.quantized and not figures["suites"]:
        yield (
            "suites: none that writes answers was measured on the trained model, so nothing says "
            "what quantisation costs; add one, eval=[qa] for instance"
        )


def _unlike(figures: dict[str, Any]) -> Iterator[str]:
    """Yield what has to be the same to the last token, and is not."""
    yield from _first(figures["tokenization"], "texts are tokenised otherwise", "text")
    yield from _first(figures["template"], "conversations are rendered otherwise", "conversation")
    streamed = figures["streamed"]
    if streamed and streamed.get("first"):
        yield (
            f"template: {streamed['of'] - streamed['same']} of {streamed['of']} questions are "
            "answered otherwise by its own template than by the ids that were trained on"
        )
    if lost := figures["ends"].get("lost"):
        yield f"ends: {', '.join(lost)} ended answers in training, and ends none here"
    if cutting := figures["ends"].get("cutting"):
        yield f"ends: {', '.join(cutting)} ends answers here, and is a part of texts"
    for name, value in figures["settings"].get("differing", {}).items():
        yield f"settings: {name} is {_said(value['artefact'])} instead of {_said(value['trained'])}"
    ended = figures["greedy"].get("ended")
    if ended and 2 * ended["ran_on"] > ended["of"]:
        yield (
            f"ends: {ended['ran_on']} of {ended['of']} answers that the trained model ended go on "
            "here: what should end them does not"
        )
    for name in ("logprobs", "far", "loss"):
        if (figures[name] or {}).get("finite") is False:
            yield f"{name}: some are not numbers: its weights overflow"


def _first(found: dict[str, Any], what: str, key: str) -> Iterator[str]:
    first = found.get("first")
    if not first:
        return
    name = json.dumps(first[key], ensure_ascii=False)
    said = f"{found['of'] - found['same']} of {found['of']} {what}, first {name}"
    if "refused" in first:
        yield f"{said}: {first['refused']}"
        return
    yield (
        f"{said} at token {first['position']}: {' '.join(first['found_pieces'])} "
        f"({_listed(first['found'])}) instead of {' '.join(first['expected_pieces'])} "
        f"({_listed(first['expected'])})"
    )


def _said(value: Any) -> str:
    return "not set" if value is None else str(value)


def _listed(ids: list[int]) -> str:
    return " ".join(map(str, ids))


def _off(figures: dict[str, Any], limit: float) -> Iterator[str]:
    """Yield by how much log-probabilities and answers are beyond what may be."""
    apart, said = figures["logprobs"], figures["greedy"]
    if apart.get("finite") and not apart["max"] <= limit:
        yield f"logprobs: up to {apart['max']:.2g} apart; the limit is {limit:g}"
    if apart.get("finite") and not apart["max_all"] <= SELDOM * limit:
        yield (
            f"logprobs: of tokens that neither model finds likely, up to {apart['max_all']:.2g} "
            f"apart; the limit is {SELDOM * limit:g}"
        )
    long, loss = figures["far"] or {}, figures["loss"] or {}
    if "max" in long and not (long["max"] <= limit and long["max_all"] <= SELDOM * limit):
        yield _positions(figures, f"up to {long['max']:.2g} apart; the limit is {limit:g}")
    if "max" in loss and not loss["max"] <= limit:
        yield (
            f"loss: of the reference answers {loss['artefact']:.4g} instead of "
            f"{loss['trained']:.4g}, of one of them {loss['max']:.2g} off; the limit is {limit:g}"
        )
    if said.get("margins"):
        close = sum(margin < limit for margin in said["margins"])
        tied = f", {close} of them at a tie (two tokens within {limit:g})" if close else ""
        yield f"greedy: {len(said['margins'])} of {said['of']} answers differ{tied}"


def _positions(figures: dict[str, Any], what: str) -> str:
    """Return what is said of a long text; where short prompts are right, positions are at fault."""
    return (
        f"positions: in a text of {figures['far']['tokens']} tokens, log-probabilities are {what} "
        "(where short prompts are right: rope_theta, rope scaling or a sliding window)"
    )


def _bent(figures: dict[str, Any]) -> Iterator[str]:
    """Yield that quantised numbers are much further off in a long text than in short ones."""
    long, kl = figures["far"] or {}, figures["kl"]
    if kl and "kl" in long and long["kl"] > max(BENT_FLOOR, BENT * kl["to_trained"]):
        short = kl["to_trained"]
        yield _positions(figures, f"KL {long['kl']:.2g} apart, after short prompts KL {short:.2g}")


def _is_far(figures: dict[str, Any], closeness: Closeness) -> bool:
    """Tell an artefact that its kind of numbers does not explain."""
    kl = figures["kl"]
    kind = closeness if figures["compute"] == "float32" else Closeness.rounded
    found = max(kl["to_trained"] if kl else 0.0, (figures["far"] or {}).get("kl", 0.0))
    return kind in FAR and found > FAR[kind]


def _lost(figures: dict[str, Any]) -> Iterator[str]:
    """Yield that an artefact is rather the base than the trained model, if it is."""
    kl = figures["kl"]
    if kl and kl["to_base"] is not None and kl["to_base"] < LOST * kl["to_trained"]:
        yield (
            f"the tune is lost: it is nearer to the base (KL {kl['to_base']:.2g}) than to the "
            f"trained model (KL {kl['to_trained']:.2g})"
        )


def _worse(suites: dict[str, Any], points: float) -> Iterator[str]:
    """Yield which metrics are worse by more than so many points."""
    for suite, found in suites.items() if "not_asked" not in suites else ():
        for metric, value in found["metrics"].items():
            if value["counts"] and value["worse_by"] > points:
                each = 100 / found["examples"]
                few = f", and one example is {each:.1f}" if each > points else ""
                yield (
                    f"{suite}.{metric}: {value['artefact']:.1f} instead of {value['tuned']:.1f} on "
                    f"{found['examples']} examples; {points:g} points may be lost{few}"
                )
