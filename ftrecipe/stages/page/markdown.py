"""The story of a run in Markdown, short enough for a pull request or a chat."""

import re

from ftrecipe.stages.page.samples import pick
from ftrecipe.stages.page.sections import TOY
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.words import chosen, costs, findings, lines, measured, verdict

MARKS = {None: "", True: " (better)", False: " (worse)"}


def markdown(story: Story) -> str:
    """Return the verdict, the table, a few answers, and how to use the result."""
    parts = [
        f"# {cell(story.name)}",
        f"**{cell(verdict(story))}**",
        " ".join(cell(said) for said in findings(story)),
        f"> {TOY}" if story.toy else "",
        _table(story),
        _samples(story),
        _facts(story),
        *(f"{use.title}:\n\n```\n{use.code}\n```" for use in story.usages),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def cell(text: str) -> str:
    """Return text that cannot break out of a Markdown table or become markup."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", flat)


def _table(story: Story) -> str:
    rows = [line for suite in measured(story) for line in lines(suite)]
    if not rows:
        return ""
    head = "| suite | metric | base | tuned | change |\n|---|---|---:|---:|---:|\n"
    return head + "\n".join(
        f"| {cell(row.suite)} | {row.metric} | {row.base} | {row.tuned} "
        f"| {row.change}{MARKS[row.better]} |"
        for row in rows
    )


def _samples(story: Story) -> str:
    shown, _ = pick(story.suites, most=5)
    if not shown:
        return ""
    head = "| question | expected | base | tuned |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {cell(each.question)} | {cell(' · '.join(each.expected))} "
        f"| {_short(each.base)} | {_short(each.tuned)} |"
        for each in shown
    )


def _short(text: str | None, most: int = 200) -> str:
    if text is None:
        return "not measured"
    return cell(text if len(text) <= most else text[:most] + " …")


def _facts(story: Story) -> str:
    made = [f"{group} {cell(chosen(option))}" for group, option in story.choices.items()]
    took = [f"{name} {value}" for name, value in costs(story)]
    warned = [cell(said) for said in story.data["warnings"]] if story.data else []
    facts = [", ".join(made), ", ".join(took), *warned]
    return "\n".join(f"- {fact}" for fact in facts if fact)
