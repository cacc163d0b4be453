"""What a run was made of and what it left: its data, its settings, its files, and their use."""

from html import escape
from typing import Any

from ftrecipe.amounts import number, size
from ftrecipe.data.audit.page.samples import LEGEND, tokens
from ftrecipe.page.words import cut, printable
from ftrecipe.stages.page.settings import flat, said
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.words import chosen

MOST_FILES = 60
MOST_WARNINGS = 8
LONGEST = 400  # characters


def data(story: Story) -> str:
    """What it was trained on: counts, warnings, and one row as the model sees it."""
    if story.data is None:
        return ""
    report = story.data
    warnings = "".join(f'<p class="warning">{_said(each)}</p>' for each in _some(report))
    rows = "".join(
        f"<tr><td>{_said(name)}</td><td>{number(split['rows'])}</td>"
        f"<td>{number(split['total'])}</td><td>{number(split['supervised'])}</td></tr>"
        for name, split in report["tokens"].items()
    )
    head = "<tr><th></th><th>rows</th><th>tokens</th><th>in the loss</th></tr>"
    return (
        f'<h2>The data</h2>{warnings}<div class="scroll"><table>{head}{rows}</table></div>'
        f'<p class="note">{_share(report)}</p>{_seen(report["samples"])}'
    )


def _said(text: Any) -> str:
    return escape(cut(printable(str(text)), LONGEST))


def _some(report: dict[str, Any]) -> list[str]:
    told = report["warnings"]
    left = len(told) - MOST_WARNINGS
    return [*told[:MOST_WARNINGS], *([f"and {left} more"] if left > 0 else [])]


def _share(report: dict[str, Any]) -> str:
    left = sum(report["dropped"].values())
    left += sum(source["rows_malformed"] for source in report["sources"])
    read = sum(source["rows_read"] for source in report["sources"])
    told = f" {left:,} of {read:,} rows were left out." if left else ""
    masked = f"{report['masked_share']:.0%} of the tokens are masked: read, not learned."
    return f"{masked}{told} All about it is in data/report.html."


def _seen(samples: list[dict[str, Any]]) -> str:
    if not samples:
        return ""
    first = samples[0]
    return (
        f'<p>One row as the model sees it. <span class="where">{_said(first["where"])}</span></p>'
        f'<div class="panel">{LEGEND}{tokens(first)}</div>'
    )


def using(story: Story) -> str:
    """Commands to copy."""
    blocks = "".join(
        f'<div class="use"><h3>{escape(use.title)}</h3><pre>{escape(use.code)}</pre></div>'
        for use in story.usages
    )
    return f"<h2>Use it</h2>{blocks}" if blocks else ""


def config(story: Story) -> str:
    """What differs from the defaults; folded, the recipe to share and every value by group."""
    groups = "".join(
        _group(group, chosen(story.choices[group]), story.config.get(group, {}))
        for group in story.choices
    )
    recipe = _folded("The recipe", "to share: recipe.yaml", f"<pre>{escape(story.recipe)}</pre>")
    every = _folded("Every value", "by group", groups)
    told = _settings(story) + (recipe if story.recipe else "") + (every if groups else "")
    return f"<h2>The configuration</h2>{told}" if told else ""


def _settings(story: Story) -> str:
    rows = "".join(
        f"<tr><td><code>{_said(each.key)}</code></td><td><code>{_said(each.value)}</code></td>"
        f'<td class="even"><code>{_said(each.default)}</code></td></tr>'
        for each in story.settings
    )
    if not rows:
        return ""
    head = "<tr><th>set</th><th>to</th><th>default</th></tr>"
    return f'<div class="scroll"><table class="words settings">{head}{rows}</table></div>'


def _folded(title: str, about: str, body: str) -> str:
    return f"<details><summary>{title} <small>{about}</small></summary>{body}</details>"


def _group(group: str, option: str, values: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_said(key)}</td><td><code>{_said(said(value))}</code></td></tr>"
        for key, value in flat(values).items()
    )
    name = f"{_said(group)} <b>{_said(option)}</b>"
    return f'<details><summary>{name}</summary><table class="words">{rows}</table></details>'


def files(story: Story) -> str:
    """What lies in the run's folder."""
    rows = "".join(
        f"<tr><td><code>{_said(name)}</code></td><td>{size(count)}</td></tr>"
        for name, count in story.files[:MOST_FILES]
    )
    left = len(story.files) - MOST_FILES
    rows += f'<tr><td class="even">and {left} more</td><td></td></tr>' if left > 0 else ""
    table = f'<div class="scroll"><table>{rows}</table></div>'
    return f"<h2>Files</h2>{table}" if rows else ""
