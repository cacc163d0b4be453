"""What was exported: how near each file is to the model that was measured."""

from collections.abc import Iterator
from html import escape
from typing import Any

from ftrecipe.page.words import cut, printable, size
from ftrecipe.stages.page.story import Story

WORDS = {"same": "✓ same", "degraded": "▼ degraded", "failed": "✗ failed",
         "unchecked": "not checked"}  # fmt: skip
TONES = {"same": "better", "degraded": "worse", "failed": "worse", "unchecked": "even"}
LONGEST = 400  # characters
HEADS = ("", "is", "size", "same answers", "log-probabilities apart", "KL", "measured again")
NOTE = (
    "Each file was loaded by the program that will run it, and asked what the trained model was "
    "asked: {prompts} prompts of the {split} split, answered with the likeliest token each time. "
    "The difference of log-probabilities is the largest one, the divergence (KL, in nats) a mean. "
    "Every figure is in export/*/gate.json."
)


def exported(story: Story) -> str:
    """A row a file, why one is not the same, and what was merged into what."""
    if not story.exports:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{_said(name)}</th><td class="{TONES[verdict]}">{WORDS[verdict]}</td>'
        + "".join(f"<td>{_said(value) or '–'}</td>" for value in values)
        + "</tr>"
        for name, verdict, *values in table(story.exports)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    why = "".join(f'<p class="warning">{_said(each)}</p>' for each in reasons(story.exports))
    merged = "".join(f'<p class="note">{_said(each)}</p>' for each in merges(story.exports))
    asked = next(iter(story.exports.values()))
    note = f'<p class="note">{NOTE.format(prompts=asked["prompts"], split=asked["split"])}</p>'
    return (
        f'<h2>What was exported</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{why}{merged}{note}"
    )


def table(exports: dict[str, dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield a row a file: its name, its verdict, and its figures in words, "" where not asked."""
    for target, gate in exports.items():
        for found in gate["artefacts"]:
            name = f"{target}: {found['name']}" if found["name"] else target
            engine = f"{name} ({found['engine']})" if _asked_twice(gate, found) else name
            yield engine, found["verdict"], *_figures(found)


def _asked_twice(gate: dict[str, Any], found: dict[str, Any]) -> bool:
    return sum(each["name"] == found["name"] for each in gate["artefacts"]) > 1


def _figures(found: dict[str, Any]) -> Iterator[str]:
    yield size(found["bytes"])
    greedy, apart, kl = (found.get(key) or {} for key in ("greedy", "logprobs", "kl"))
    yield f"{greedy['same']} of {greedy['of']}" if "same" in greedy else ""
    yield f"{apart['max']:.2g}" if "max" in apart else ""
    yield f"{kl['to_trained']:.1g}" if "to_trained" in kl else ""
    yield ", ".join(_suites(found.get("suites") or {}))


def _suites(suites: dict[str, Any]) -> Iterator[str]:
    for name, measured in suites.items():
        for metric, value in measured.get("metrics", {}).items() if name != "not_asked" else ():
            if value["counts"]:
                tuned, now = (f"{value[who]:.1f}" for who in ("tuned", "artefact"))
                yield f"{name}.{metric} {now}" + ("" if now == tuned else f" (trained {tuned})")


def reasons(exports: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield why a file is not the same."""
    for target, gate in exports.items():
        for found in gate["artefacts"]:
            name = f"{target} {found['name']}".strip()
            yield from (f"{name}: {why}" for why in found["reasons"] if found["verdict"] != "same")


def merges(exports: dict[str, dict[str, Any]]) -> Iterator[str]:
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
