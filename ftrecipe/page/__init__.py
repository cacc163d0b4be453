"""What the pages of a run and of a sweep share: the sheet they are written on."""

from html import escape

from ftrecipe.page.style import STYLE
from ftrecipe.page.words import printable


def sheet(title: str, body: str, source: str) -> str:
    """Return one self-contained HTML page; it loads nothing and runs nothing.

    `title` and `source`, where the page was made from, are plain text; `body` is HTML. Characters
    that would turn or hide what stands beside them are written as their names, wherever they are.
    """
    whole = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{STYLE}</style></head>\n<body><main>\n{body}\n"
        f"<footer>Made by ftrecipe from the files in {escape(source)}</footer>\n"
        "</main></body></html>\n"
    )
    return printable(whole, keep="\n\t")
