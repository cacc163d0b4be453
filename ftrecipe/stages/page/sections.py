"""The sections of the page, each a piece of HTML; empty where there is nothing to tell."""

from html import escape
from typing import Any

from ftrecipe.data.audit.page.samples import LEGEND, tokens
from ftrecipe.page.words import number, size
from ftrecipe.stages.page.chart import Curve, Point, chart
from ftrecipe.stages.page.samples import Sample, pick
from ftrecipe.stages.page.story import Rows, Story, Suite
from ftrecipe.stages.page.words import Line, chosen, costs, findings, lines, measured, verdict

TOY = (
    "This is a toy model: it is embedded to show how tuning works and is far too small to be "
    "useful. Run the same data on a real one next, for instance model=smollm2_135m."
)
SHOWN_GROUPS = ("model", "peft", "quantization", "dataset", "hardware", "trainer")


def opening(story: Story) -> str:
    """The verdict, what the run was, and what it cost."""
    chips = "".join(
        f'<span class="chip"><b>{escape(group)}</b> {escape(chosen(story.choices[group]))}</span>'
        for group in SHOWN_GROUPS
        if group in story.choices
    )
    about = f" · {escape(story.description)}" if story.description else ""
    rest = "".join(f"<p>{escape(said)}</p>" for said in findings(story))
    toy = f'<p class="toy">{escape(TOY)}</p>' if story.toy else ""
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in costs(story)
    )
    return (
        f'<header><p class="kicker"><b>{escape(story.name)}</b>{about}</p>'
        f"<h1>{escape(verdict(story))}</h1>{rest}<p>{chips}</p>{toy}</header>"
        + (f'<div class="cards">{cards}</div>' if cards else "")
    )


def comparison(story: Story) -> str:
    """The before/after table."""
    told = measured(story)
    if not told:
        return ""
    head = "<tr><th></th><th>base</th><th>tuned</th><th>change</th></tr>"
    body = "".join(_suite_rows(suite) for suite in told)
    return (
        f'<h2>Before and after</h2><div class="scroll"><table>{head}{body}</table></div>'
        '<p class="note">Both models were measured in the same way on the same examples. '
        "Changes of percentages are in points.</p>"
    )


def _suite_rows(suite: Suite) -> str:
    head = (
        f'<tr class="suite"><td colspan="4">{escape(suite.name)} '
        f"<small>on {escape(suite.of)}</small></td></tr>"
    )
    rows = lines(suite)
    return head + "".join(_row(line, first=at == 0) for at, line in enumerate(rows))


def _row(line: Line, first: bool) -> str:
    word = {None: "even", True: "better", False: "worse"}[line.better]
    arrow = {"+": "▲ ", "−": "▼ "}.get(line.change[:1], "")
    said = f" <span>{word}</span>" if line.better is not None else ""
    return (
        f"<tr{' class=first' if first else ''}><td>{escape(line.metric)}</td>"
        f"<td>{escape(line.base)}</td><td>{escape(line.tuned)}</td>"
        f'<td class="{word}"><span>{arrow}{escape(line.change)}</span>{said}</td></tr>'
    )


def curves(story: Story) -> str:
    """How the loss went while training."""
    loss = [
        Curve("training loss", "train", _points(story.history, "loss")),
        Curve("validation loss", "held", _points(story.history, "eval_loss")),
    ]
    rate = Curve("learning rate", "rate", _points(story.history, "learning_rate"))
    drawn = chart("Loss", loss) + chart("Learning rate", [rate], height=200)
    return f"<h2>While it trained</h2>{drawn}" if drawn else ""


def _points(history: Rows, key: str) -> list[Point]:
    return [(row["step"], row[key]) for row in history if row.get(key) is not None]


def samples(story: Story) -> str:
    """Answers of both models side by side."""
    chosen_ones, total = pick(story.suites)
    if not chosen_ones:
        return ""
    shown = "".join(_sample(each) for each in chosen_ones)
    how = f"{len(chosen_ones)} of {total} questions, evenly spread; none was picked by hand."
    return f'<h2>Answers side by side</h2><p class="note">{how}</p>{shown}'


def _sample(sample: Sample) -> str:
    expected = " · ".join(sample.expected)
    return (
        f'<div class="sample"><h3>{escape(sample.question)}</h3>'
        f'<p><span class="label">expected</span> {escape(expected)}</p><div class="pair">'
        f"{_answer('base', sample.base, sample.base_right)}"
        f"{_answer('tuned', sample.tuned, sample.tuned_right)}</div></div>"
    )


def _answer(who: str, text: str | None, right: bool | None) -> str:
    mark = {None: "", True: '<span class="better">✓ right</span>'}.get(
        right, '<span class="worse">✗ wrong</span>'
    )
    if text is None:
        said, mark = '<span class="even">not measured</span>', ""
    else:
        said = escape(text) or '<span class="even">(nothing)</span>'
    return f'<div class="is-{who}"><span class="label">{who} {mark}</span><p>{said}</p></div>'


def data(story: Story) -> str:
    """What it was trained on: counts, warnings, and one row as the model sees it."""
    if story.data is None:
        return ""
    report = story.data
    warnings = "".join(f'<p class="warning">{escape(said)}</p>' for said in report["warnings"])
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{number(split['rows'])}</td>"
        f"<td>{number(split['total'])}</td><td>{number(split['supervised'])}</td></tr>"
        for name, split in report["tokens"].items()
    )
    head = "<tr><th></th><th>rows</th><th>tokens</th><th>in the loss</th></tr>"
    return (
        f'<h2>The data</h2>{warnings}<div class="scroll"><table>{head}{rows}</table></div>'
        f'<p class="note">{_share(report)}</p>{_seen(report["samples"])}'
    )


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
        f'<p>One row as the model sees it. <span class="where">{escape(first["where"])}</span></p>'
        f'{LEGEND}<div class="panel">{tokens(first)}</div>'
    )


def using(story: Story) -> str:
    """Commands to copy."""
    blocks = "".join(
        f'<div class="use"><h3>{escape(use.title)}</h3><pre>{escape(use.code)}</pre></div>'
        for use in story.usages
    )
    return f"<h2>Use it</h2>{blocks}" if blocks else ""


def config(story: Story) -> str:
    """The recipe to share, and the whole config by group."""
    groups = "".join(
        _group(group, chosen(story.choices[group]), story.config.get(group, {}))
        for group in story.choices
    )
    recipe = f"<pre>{escape(story.recipe)}</pre>" if story.recipe else ""
    return f"<h2>The recipe</h2>{recipe}<p></p>{groups}" if groups or recipe else ""


def _group(group: str, option: str, values: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(key)}</td><td><code>{escape(str(value))}</code></td></tr>"
        for key, value in flat(values).items()
    )
    name = f"{escape(group)} <b>{escape(option)}</b>"
    return f'<details><summary>{name}</summary><table class="words">{rows}</table></details>'


def flat(node: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values that are set, by dotted key."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        elif value is not None and key != "type":
            found[prefix + key] = value
    return found


def files(story: Story) -> str:
    """What lies in the run's folder."""
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{size(count)}</td></tr>"
        for name, count in story.files
    )
    table = f'<div class="scroll"><table>{rows}</table></div>'
    return f"<h2>Files</h2>{table}" if rows else ""
