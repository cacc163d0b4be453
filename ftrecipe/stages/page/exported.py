"""What was exported: how near each file is to the model that was measured."""

from collections.abc import Iterator
from html import escape
from typing import Any

from ftrecipe.amounts import size
from ftrecipe.page.words import cut, printable
from ftrecipe.stages.page.story import Story

Exports = dict[str, dict[str, Any]]
"""By target, what its gate.json says."""

WORDS = {"same": "✓ same", "degraded": "▼ degraded", "failed": "✗ failed",
         "unchecked": "not checked"}  # fmt: skip
TONES = {"same": "better", "degraded": "worse", "failed": "worse", "unchecked": "even"}
LONGEST = 600  # characters
MOST_REASONS = 3
HEADS = ("", "is", "size", "same answers", "loss", "Δ log p", "KL")
NOTE = (
    "Each file was loaded by the program that will run it, and asked what the trained model was "
    "asked: {prompts} prompts of the {split} split, answered with the likeliest token each time. "
    "Loss is that of the reference answers, in nats a token. "
    "Δ log p is the largest difference of a log-probability, KL a mean, in nats; the suites were "
    "asked again of each file. Every figure is in export/*/gate.json."
)


def exported(story: Story) -> str:
    """A row a file, why one is not the same, and what was merged into what."""
    if not story.exports:
        return ""
    rows = "".join(
        f"<tr><td>{_said(name)}</td>"
        f'<td class="{TONES[verdict]}"><span>{WORDS[verdict]}</span></td>'
        + "".join(f"<td><span>{_said(value) or '–'}</span></td>" for value in values)
        + "</tr>"
        for name, verdict, *values in table(story.exports)
    )
    head = "".join(f'<th scope="col">{_said(name)}</th>' for name in heads(story.exports))
    why = "".join(f'<p class="warning">{_said(each)}</p>' for each in reasons(story.exports))
    merged = "".join(f'<p class="note">{_said(each)}</p>' for each in merges(story.exports))
    asked = next(iter(story.exports.values()))
    note = f'<p class="note">{NOTE.format(prompts=asked["prompts"], split=asked["split"])}</p>'
    return (
        f'<h2>What was exported</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{why}{merged}{note}"
    )


def heads(exports: Exports) -> list[str]:
    """Return what stands above the columns of `table`."""
    return [*HEADS, *(f"{suite}.{metric}" for suite, metric in _headlines(exports).items())]


def table(exports: Exports) -> Iterator[tuple[str, ...]]:
    """Yield a row a file: its name, its verdict, and its figures in words, "" where not asked."""
    headlines = _headlines(exports)
    for target, gate in exports.items():
        for found in gate["artefacts"]:
            name = f"{target} {found['name']}".strip()
            engine = f"{name} ({found['engine']})" if _asked_twice(gate, found) else name
            again = (_again(found, suite, metric) for suite, metric in headlines.items())
            yield engine, found["verdict"], *_figures(found), *again


def _headlines(exports: Exports) -> dict[str, str]:
    """Return, by suite that was asked again, the first metric that counts."""
    found: dict[str, str] = {}
    for gate in exports.values():
        for suite, told in (pair for each in gate["artefacts"] for pair in _suites(each).items()):
            counts = [metric for metric, value in told["metrics"].items() if value["counts"]]
            if counts:
                found.setdefault(suite, counts[0])
    return found


def _suites(found: dict[str, Any]) -> dict[str, Any]:
    suites = found.get("suites") or {}
    return {} if "not_asked" in suites else suites


def _asked_twice(gate: dict[str, Any], found: dict[str, Any]) -> bool:
    return sum(each["name"] == found["name"] for each in gate["artefacts"]) > 1


def _figures(found: dict[str, Any]) -> Iterator[str]:
    yield size(found["bytes"])
    greedy, apart, kl = (found.get(key) or {} for key in ("greedy", "logprobs", "kl"))
    yield f"{greedy['same']} of {greedy['of']}" if "same" in greedy else ""
    yield _loss(found.get("loss") or {})
    yield f"{apart['max']:.2g}" if "max" in apart else ""
    yield f"{kl['to_trained']:.1g}" if "to_trained" in kl else ""


def _loss(loss: dict[str, Any]) -> str:
    """Return the loss of the reference answers, with the trained model's where they differ."""
    if "trained" not in loss:
        return ""
    tuned, now = (f"{loss[who]:.3f}" for who in ("trained", "artefact"))
    return now if now == tuned else f"{now}, was {tuned}"


def _again(found: dict[str, Any], suite: str, metric: str) -> str:
    """Return a metric of the file, with that of the trained model where they differ."""
    value = _suites(found).get(suite, {"metrics": {}})["metrics"].get(metric)
    if value is None:
        return ""
    tuned, now = (f"{value[who]:.1f}" for who in ("tuned", "artefact"))
    return now if now == tuned else f"{now}, was {tuned}"


def reasons(exports: Exports) -> Iterator[str]:
    """Yield why a file is not the same."""
    for target, gate in exports.items():
        for found in gate["artefacts"]:
            if found["verdict"] == "same":
                continue
            name, why = f"{target} {found['name']}".strip(), found["reasons"]
            left = len(why) - MOST_REASONS
            more = f"; and {left} more, in gate.json" if left > 0 else ""
            aside = found["name"] in gate.get("rejected", []) and gate["kept"] is not None
            place = " (in rejected/)" if aside else ""
            told = f": {'; '.join(why[:MOST_REASONS])}{more}" if why else ""
            yield f"{name}{place}{told}"


def merges(exports: Exports) -> Iterator[str]:
    """Yield, of a quantized base, which merge was kept, and how far off each of them is."""
    told = {merge_line(gate["merge"]) for gate in exports.values() if gate.get("merge") is not None}
    yield from sorted(told)


INTO = {"base": "the base in 16 bits", "dequantized": "the base as it was quantized"}


def merge_line(merge: dict[str, Any]) -> str:
    """Return which of the two merges was kept, with the figures of both."""
    figures = "; ".join(
        f"into {INTO.get(into, into)}: log-probabilities apart by {far['mean_dlogp']:.2g} in the "
        f"mean, {far['max_dlogp']:.2g} at most, KL {far['kl']:.2g}"
        for into, far in merge["into"].items()
    )
    return f"The adapter was merged into {INTO.get(merge['kept'], merge['kept'])} ({figures})."


def _said(text: Any) -> str:
    return escape(cut(printable(str(text)), LONGEST))
