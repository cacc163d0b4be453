"""The story of a run in Markdown, short enough for a pull request or a chat."""

import re
from collections.abc import Sequence
from typing import Any

from ftrecipe.page.words import cut, printable, took
from ftrecipe.results import BASE
from ftrecipe.stages.page.advice import advice
from ftrecipe.stages.page.exported import heads, merges, reasons, table
from ftrecipe.stages.page.moves import Move, moves
from ftrecipe.stages.page.opening import TOY
from ftrecipe.stages.page.samples import SEED, answering, drawn
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.texts import title_of
from ftrecipe.stages.page.verdict import findings, gate_line, verdict
from ftrecipe.stages.page.words import Line, chosen, costs, lines, measured, who

WORDS = {"better": "better", "worse": "**worse**", "changed": "changed", "even": "no real change",
         "": ""}  # fmt: skip
MOST_ROWS = 40
MOST_SAMPLES = 5
MOST_MOVES = 3


def markdown(story: Story) -> str:
    """Return the verdict, the table, what to try, and the rest folded."""
    parts = [
        f"# {cell(story.name)}",
        _gate(story),
        f"**{cell(verdict(story).text)}**",
        "\n".join(f"> {cell(said)}" for said in story.warnings),
        "\n".join(f"- {cell(said)}" for said in findings(story)),
        f"> {TOY}" if story.toy else "",
        _tables(story),
        exports(story.exports),
        _advice(story),
        _folded("Where it got better, and where worse", _moves(story)),
        _folded(f"Answers at random (seed {SEED}, not cherry-picked)", _samples(story)),
        _folded("What it was and what it took", _facts(story)),
        _folded("How to use it", _using(story)),
    ]
    return printable("\n\n".join(part for part in parts if part), keep="\n") + "\n"


def cell(text: str) -> str:
    """Return text that cannot break out of a Markdown table or become markup.

    GitHub looks for people, issues and formulas after it has read the backslashes, and not across
    tags: what would call one stands in a tag of its own.
    """
    flat = printable(" ".join(text.split()))
    plain = re.sub(r"([\\`*_\[\]<>|~]|#(?!\d))", r"\\\1", flat)
    return re.sub(r"(\$|@(?=\w)|#(?=\d))", r"<span>\1</span>", plain)


def code(text: str) -> str:
    """Return text as code, in which nothing is markup but what would end it."""
    return f"`{cut(' '.join(text.split()), 200).replace('`', chr(39))}`"


def _gate(story: Story) -> str:
    if story.gate is None:
        return ""
    told = [
        f"- {'✅' if each['passed'] else '❌'} {cell(each['condition'])}"
        f"{': ' + cell(each['reason']) if each.get('reason') else ''}"
        for each in story.gate["conditions"]
    ]
    return "\n".join([f"**{cell(gate_line(story))}**", "", *told])


def _folded(title: str, body: str) -> str:
    """Return a part that GitHub shows closed."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>" if body else ""


def _tables(story: Story) -> str:
    told = measured(story)
    rows = [line for suite in told for line in lines(suite)]
    others = [
        _folded(
            f"Against {cell(who(name, story))}",
            _table(
                [line for suite in told if name in suite.values for line in lines(suite, name)],
                cell(name),
            ),
        )
        for name in story.others
    ]
    return "\n\n".join(part for part in (_table(rows, BASE), *others) if part)


def _table(rows: Sequence[Line], name: str) -> str:
    shown = [row for row in rows if "." not in row.key][:MOST_ROWS]
    if not shown:
        return ""
    head = (
        f"| suite | metric | {name} | tuned | change | 95 % interval | |\n"
        "|---|---|---:|---:|---:|---:|---|\n"
    )
    return head + "\n".join(
        f"| {cell(row.suite)} | {cell(row.metric)} | {row.before} | {row.after} | {row.shift} "
        f"| {row.interval} | {WORDS[row.verdict]} |"
        for row in shown
    )


def exports(found: dict[str, dict[str, Any]]) -> str:
    """Return a row a file that was exported, and why one is not what was measured."""
    if not found:
        return ""
    rows = [f"| {' | '.join(cell(text) for text in row)} |" for row in table(found)]
    names = ["exported", *heads(found)[1:]]
    head = f"| {' | '.join(map(cell, names))} |\n|{'---|' * len(names)}"
    told = [f"- {cell(text)}" for text in (*reasons(found), *merges(found))]
    return "\n".join([head, *rows, *(["", *told] if told else [])])


def _advice(story: Story) -> str:
    told = [f"- {cell(each.text)}{' '.join(['', *map(code, each.keys)])}" for each in advice(story)]
    return "\n".join(["**What to try next**", "", *told]) if told else ""


def _moves(story: Story) -> str:
    suite = answering(story)
    found = moves(suite) if suite is not None else None
    if suite is None or found is None:
        return ""
    counted = f"{suite.name}: {found.better} better, {found.worse} worse, {found.same} the same."
    rows = [("better", move) for move in found.gains[:MOST_MOVES]]
    rows += [("worse", move) for move in found.losses[:MOST_MOVES]]
    if not rows:
        return cell(counted)
    head = "| | question | expected | base | tuned |\n|---|---|---|---|---|\n"
    return f"{cell(counted)}\n\n{head}" + "\n".join(_move(word, move) for word, move in rows)


def _move(word: str, move: Move) -> str:
    wanted = " · ".join(str(each) for each in move.before.get("expected") or [])
    said = [
        title_of(move.before),
        wanted,
        *(str(row.get("answer", "")) for row in (move.before, move.after)),
    ]
    return f"| {word} | {' | '.join(_short(each) for each in said)} |"


def _samples(story: Story) -> str:
    suite = answering(story)
    if suite is None:
        return ""
    found = drawn(suite, MOST_SAMPLES)
    names = list(found[0].answers)
    heads = ["question", "expected", *(cell(name) for name in names)]
    head = f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
    return head + "\n".join(
        "| "
        + " | ".join(
            _short(text)
            for text in (
                title_of(each.example),
                " · ".join(str(one) for one in each.example["expected"]),
                *(each.answers[name] for name in names),
            )
        )
        + " |"
        for each in found
    )


def _short(text: str, most: int = 200) -> str:
    return cell(cut(text, most))


def _facts(story: Story) -> str:
    made = [
        f"{cell(group)} {cell(chosen(option))}" for group, option in story.choices.items() if option
    ]
    costing = [f"{name} {value}" for name, value in costs(story)]
    stages = took(story.seconds)
    warned = [cell(said) for said in story.data["warnings"]] if story.data else []
    changed = [code(f"{each.key}={each.value}") for each in story.settings]
    facts = [", ".join(made), ", ".join(changed), ", ".join(costing), *warned]
    facts += [f"the stages took {stages}"] if stages else []
    return "\n".join(f"- {fact}" for fact in facts if fact)


def _using(story: Story) -> str:
    return "\n\n".join(f"{use.title}:\n\n```\n{use.code}\n```" for use in story.usages)
