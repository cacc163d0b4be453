"""Sample rows with every token marked as what it is: trained, context, special or padding."""

from html import escape
from typing import Any

from ftrecipe.page.bars import Part, share, strip
from ftrecipe.page.words import is_hidden, printable, shown

Report = dict[str, Any]

_BREAK = '<b class="break"></b>'  # where one turn follows another on one line; not copied
_OPEN = 3  # samples that are shown without a click

LEGEND = (
    '<div class="legend tokens"><span class="t-trained"><i>trained</i><i> on</i></span>'
    '<span class="t-context"><i>context,</i><i> only read</i></span>'
    '<span class="t-special is-trained"><i>special, trained</i></span>'
    '<span class="t-special"><i>special, only read</i></span>'
    '<span class="t-padding"><i>padding</i></span>'
    '<span><b data-is="↵"></b> line break</span></div>'
)


def section(report: Report) -> str:
    """The samples, as one batch would hold them."""
    rows = report["samples"]
    if not rows:
        return ""
    longest = max(row["length"] for row in rows)
    shown_rows = "".join(
        _panel(row, longest) if at < _OPEN else _folded(row, longest) for at, row in enumerate(rows)
    )
    return (
        "<h2>What the model will learn</h2>"
        '<p class="note">Rows of the training split as the model sees them, a shade a token. The '
        "first and some drawn by chance; none was picked by hand. Padding is shown as if these "
        f"were one batch.</p>{LEGEND}{shown_rows}"
    )


def _panel(row: Report, longest: int) -> str:
    return (
        f'<div class="panel"><h3>{_title(row)}</h3>{_strip(row, longest)}'
        f"{tokens(row, longest)}</div>"
    )


def _folded(row: Report, longest: int) -> str:
    return (
        f"<details><summary>{_title(row)}{_strip(row, longest)}</summary>"
        f"{tokens(row, longest)}</details>"
    )


def _title(row: Report) -> str:
    learned = share(row["supervised"], row["length"])
    return (
        f"{escape(printable(row['where']))} <small>· {row['length']:,} tokens, "
        f"{row['supervised']:,} trained ({learned or '0 %'})</small>"
    )


def _strip(row: Report, longest: int) -> str:
    """Return the row's whole mask as one thin bar, drawn against the longest row."""
    parts: list[Part] = [
        ("trained" if piece["trained"] else "context", piece["count"]) for piece in row["pieces"]
    ]
    ends: list[Part] = [("", row["cut"]), ("padding", longest - row["length"])]
    return strip([*parts, *ends], longest, "strip")


def tokens(row: Report, longest: int = 0) -> str:
    """Return every token of a row; padding up to `longest` is told in one mark."""
    body, before = "", ""
    for piece in row["pieces"]:
        special = piece["kind"] == "special"
        body += (_BREAK if special and before == "special" else "") + _piece(piece)
        before = piece["kind"]
    if row["cut"]:
        body += f'<span class="t-padding"><i>… {row["cut"]:,} more tokens</i></span>'
    if (padding := longest - row["length"]) > 0:
        body += f'<span class="t-padding"><i>[pad] × {padding:,}</i></span>'
    return f'<pre class="tokens" dir="auto">{body}</pre>'


def _piece(piece: Report) -> str:
    trained = " is-trained" if piece["trained"] else ""
    between = _BREAK if piece["kind"] == "special" else ""
    drawn = between.join(f"<i>{visible(token)}</i>" for token in piece["tokens"])
    return f'<span class="t-{piece["kind"]}{trained}">{drawn}</span>'


def visible(token: str) -> str:
    """Return a token as HTML: what has no form gets one, which is not copied with the text."""
    return "".join(_character(token, at) for at in range(len(token)))


def _character(token: str, at: int) -> str:
    character = token[at]
    if character == "\n":
        return '<b data-is="↵"></b>\n'
    if character == "\t":
        return '<b data-is="→"></b>\t'
    if character == "\xa0" or (character == " " and _stands_out(token, at)):
        return f'<b class="dot" data-is="·">{character}</b>'
    if is_hidden(character):
        return f'<b data-is="{escape(shown(character))}"></b>'
    return escape(character)


def _stands_out(token: str, at: int) -> bool:
    """Say whether a space is not simply the one before a word."""
    after = token[at + 1 : at + 2]
    return after in ("", " ", "\n", "\t") or (at > 0 and token[at - 1].isspace())
