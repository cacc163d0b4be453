"""Who speaks, how often, what is said twice, and what training would give away of the tests."""

from html import escape
from typing import Any

from ftrecipe.page.bars import Bar, bars, counted, share
from ftrecipe.page.histogram import Histogram, Mark

Report = dict[str, Any]

_ROLES = 12
_BARS = 12  # numbers of messages up to which each has a bar of its own


def section(report: Report) -> str:
    """Roles and turns of conversations, repeated examples, leaks."""
    return (
        f'<h2>What is in it</h2><div class="half">{_roles(report["roles"])}'
        f"{_turns(report['turns'])}</div><p></p>{_checks(report)}"
    )


def _roles(roles: dict[str, int]) -> str:
    if not roles:
        return ""
    return f'<div class="panel"><h3>Messages by role</h3>{counted(roles, _ROLES, "roles")}</div>'


def _turns(turns: Report) -> str:
    bins = [each for each in turns["histogram"] if each[2]]
    if not bins:
        return ""
    if len(bins) <= _BARS and all(low == high for low, high, _ in bins):
        whole = sum(count for _, _, count in bins)
        lines = [Bar(f"{low:,}", [("some", count)], f"{count:,}", share(count, whole))
                 for low, _, count in bins]  # fmt: skip
        drawn = bars(lines, max(count for _, _, count in bins))
        return f'<div class="panel"><h3>Messages in a conversation</h3>{drawn}</div>'
    return Histogram(
        title="Messages in a conversation",
        unit="messages",
        bins=bins,
        low=turns["min"],
        high=bins[-1][1] + 1,
        marks=[Mark("", f"median {turns['median']:,}", turns["median"])],
        width=400,
        height=200,
    ).figure()


def _checks(report: Report) -> str:
    double = report["duplicates"]
    rows = [
        ("training examples that repeat an earlier one word for word", double["repeated_examples"]),
        ("prompts with more than one answer", double["prompts_with_several_answers"]),
    ]
    for split, leak in report["contamination"].items():
        rows += [
            (f"prompts of the {split} split that are also in training", leak["same_prompt"]),
            (f"training examples with {leak['words']} words in a row of the {split} split",
             leak["same_words"]),
        ]  # fmt: skip
    template = report["template"]
    named = {
        "refused": "conversations that the chat template refuses or loses text of",
        "unrolled": "conversations that became one row an answer, as the template asks for",
        "spliced": "answers put after the generation prompt, which the template would not do",
        "disagrees": "rows where the template's own generation markers say otherwise",
    }
    rows += [(said, template[key]) for key, said in named.items() if template.get(key)]
    body = "".join(
        f'<tr><td>{escape(said)}</td><td class="{"worse" if count else "even"}">'
        f"{f'{count:,}' if count else '✓ none'}</td></tr>"
        for said, count in rows
    )
    return f'<div class="scroll"><table>{body}</table></div>'
