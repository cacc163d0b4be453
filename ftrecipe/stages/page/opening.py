"""The top of the page: the gate, the verdict, what else was found, what it was and what it cost."""

from html import escape

from ftrecipe.page.words import cut, printable, took
from ftrecipe.stages.page.advice import advice
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.verdict import findings, gate_line, verdict
from ftrecipe.stages.page.words import chosen, costs

TOY = (
    "This is a toy model: it is embedded to show how tuning works and is far too small to be "
    "useful. Run the same data on a real one next, for instance model=smollm2_135m."
)
SHOWN_GROUPS = ("model", "peft", "quantization", "dataset", "hardware", "trainer")


def opening(story: Story) -> str:
    """The verdict, what the run was, and what it cost."""
    said = verdict(story)
    about = f" · {escape(printable(story.description))}" if story.description else ""
    sentence = escape(printable(said.text))
    if said.head:
        sentence = (
            f'<span class="{said.tone or "even"}">{escape(printable(said.head))}:</span> '
            f'<span class="body">{escape(printable(said.body))}.</span>'
        )
    rest = "".join(f"<li>{escape(printable(each))}</li>" for each in findings(story))
    toy = f'<p class="toy">{escape(TOY)}</p>' if story.toy else ""
    return (
        f'<header><p class="kicker"><b>{escape(printable(story.name))}</b>{about}</p>{_gate(story)}'
        f"<h1>{sentence}</h1>{_warnings(story)}"
        f"{f'<ul class=findings>{rest}</ul>' if rest else ''}<p>{_chips(story)}</p>{toy}</header>"
        f"{_cards(story)}{_took(story)}"
    )


def _gate(story: Story) -> str:
    if story.gate is None:
        return ""
    passed = story.gate["passed"]
    lines = "".join(
        f'<li class="{"better" if each["passed"] else "worse"}">'
        f"<span>{'✓' if each['passed'] else '✗'}</span> <code>{_said(each['condition'])}</code> "
        f"<small>{_said(each.get('reason') or '')}</small></li>"
        for each in story.gate["conditions"]
    )
    style, mark = ("passed", "✓") if passed else ("failed", "✗")
    return (
        f'<div class="gate {style}"><p><b>{mark} {escape(gate_line(story))}</b></p>'
        f"<ul>{lines}</ul></div>"
    )


def _warnings(story: Story) -> str:
    return "".join(f'<p class="warning">{_said(each)}</p>' for each in story.warnings)


def _took(story: Story) -> str:
    told = took(story.seconds)
    return f'<p class="note">The stages took {escape(told)}.</p>' if told else ""


def _said(text: str) -> str:
    return escape(cut(printable(str(text)), 300))


def _chips(story: Story) -> str:
    return "".join(
        f'<span class="chip"><b>{escape(group)}</b> {_said(chosen(story.choices[group]))}</span>'
        for group in SHOWN_GROUPS
        if group in story.choices
    )


def _cards(story: Story) -> str:
    cards = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(name)}</span></div>'
        for name, value in costs(story)
    )
    return f'<div class="cards">{cards}</div>' if cards else ""


def next_steps(story: Story) -> str:
    """What to try next."""
    told = "".join(
        f"<li>{escape(printable(each.text))}"
        + "".join(f" <code>{escape(printable(key))}</code>" for key in each.keys)
        + "</li>"
        for each in advice(story)
    )
    return f'<h2>What to try next</h2><ul class="advice">{told}</ul>' if told else ""
