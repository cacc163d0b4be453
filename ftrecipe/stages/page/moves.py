"""Where the tuned model got better and where it got worse: the examples that changed the most."""

from dataclasses import dataclass
from html import escape

from ftrecipe.compare.pairs import pairs
from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Suite
from ftrecipe.stages.page.texts import expected, quoted, side_by_side, title_of
from ftrecipe.stages.page.words import amount, in_sentence, measured

MOST = 10
OPEN = 3
Row = dict


@dataclass(frozen=True)
class Move:
    """One example: its rows, what each is worth, and the line of its file that it stands in."""

    before: Row
    after: Row
    was: float
    now: float
    line: int


@dataclass(frozen=True)
class Moves:
    """The largest changes either way, and how many there are of each kind."""

    gains: list[Move]
    losses: list[Move]
    better: int
    worse: int
    same: int


def moves(suite: Suite, most: int = MOST) -> Moves | None:
    """Return the examples that changed the most; None where two models cannot be paired."""
    direction = "min" if _by_loss(suite) else suite.eval.direction(suite.telling)
    after, before = pairs(suite.rows.get(TUNED, []), suite.rows.get(BASE, []), suite.eval.identity)
    if not after or direction is None:
        return None
    sign = 1 if direction == "max" else -1
    places = {id(row): line for line, row in enumerate(suite.rows[TUNED], 1)}
    values = zip(before, after, suite.each(before), suite.each(after), strict=True)
    found = [Move(*four, places[id(four[1])]) for four in values]
    ranked = sorted(found, key=lambda move: sign * (move.was - move.now))
    gained = [move for move in ranked if sign * (move.now - move.was) > 0]
    lost = [move for move in ranked if sign * (move.now - move.was) < 0]
    lost.sort(key=lambda move: sign * (move.now - move.was))
    return Moves(gained[:most], lost[:most], len(gained), len(lost),
                 len(found) - len(gained) - len(lost))  # fmt: skip


def section(story: Story) -> str:
    """Every suite whose rows can be read, then those of numbers alone, folded."""
    found = [(suite, told) for suite in measured(story) if (told := moves(suite))]
    body = "".join(_suite(suite, told, at == 0) for at, (suite, told) in enumerate(found))
    return f"<h2>Where it got better, and where worse</h2>{body}" if body else ""


def _suite(suite: Suite, found: Moves, first: bool) -> str:
    said = f"{found.better:,} better, {found.worse:,} worse, {found.same:,} the same"
    measure = _measure(suite)
    head = f"<b>{escape(suite.name)}</b> <small>{escape(measure)} · {said}</small>"
    lists = _list("Got better", suite, found.gains, found.better) + _list(
        "Got worse", suite, found.losses, found.worse
    )
    if not lists:
        return f'<p class="note">{head}</p>'
    readable = any(title_of(move.before) for move in [*found.gains, *found.losses])
    opened = " open" if readable and first else ""
    return f'<details class="moves"{opened}><summary>{head}</summary>{lists}</details>'


def _measure(suite: Suite) -> str:
    return "loss of a token" if _by_loss(suite) else in_sentence(suite.telling)


def _by_loss(suite: Suite) -> bool:
    return "nll" in next(iter(suite.rows.get(TUNED, [])), {})


def _list(title: str, suite: Suite, found: list[Move], count: int) -> str:
    if not found:
        return ""
    of = f"the {len(found)} largest of {count:,}" if count > len(found) else f"all {count}"
    drawn = [_move(suite, move) for move in found]
    rest = drawn[OPEN:]
    more = f"<details><summary>{len(rest)} more</summary>{''.join(rest)}</details>" if rest else ""
    return f"<h3>{title} <small>{of}</small></h3>{''.join(drawn[:OPEN])}{more}"


def _move(suite: Suite, move: Move) -> str:
    loss = _by_loss(suite)
    was, now = (
        f"{value:.2f}" if loss else amount(suite, suite.telling, value)
        for value in (move.was, move.now)
    )
    place = f"line {move.line} of eval/{suite.name}.jsonl"
    score = f'<span class="score">{escape(was)} → {escape(now)}</span>'
    called = title_of(move.before)
    if not called:
        place = " · ".join(filter(None, [str(move.before.get("where", "")), place]))
        return f'<p class="line">{score} <span class="where">{escape(place)}</span></p>'
    return (
        f'<div class="sample"><div class="asked">{quoted(called, 600)}{score}</div>'
        f"{expected(move.before)}{_answers(move)}</div>"
    )


def _answers(move: Move) -> str:
    if "answer" not in move.before or "answer" not in move.after:
        return ""
    before, after = side_by_side(str(move.before["answer"]), str(move.after["answer"]))
    return (
        f'<div class="pair"><div class="is-base"><span class="label">base</span>{before}</div>'
        f'<div class="is-tuned"><span class="label">tuned</span>{after}</div></div>'
    )
