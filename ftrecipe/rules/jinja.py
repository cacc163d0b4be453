"""What in a chat template would do more than write a conversation; nothing is rendered here.

transformers renders templates in a sandbox, without files and without Python's inner names. It
counts nothing, so that a template may ask for any amount of time or memory: what does so in the
usual ways is found here, by its text, before a run begins.
"""

import math
import re
from collections.abc import Iterator

MOST = 9_999  # in a number: nothing in a conversation is counted further
MOST_REPEATS = 1_000_000  # the numbers of all range(n) and * n, multiplied
DEEPEST = 3  # loops within loops: messages, their parts, the parts' fields

_CODE = re.compile(r"\{[%{](.*?)[%}]\}", re.DOTALL)
_TEXT = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_WIDTH = re.compile(r"[%:][^\s'\"]{0,8}?(\d{5,})")  # '%99999s', '{:>99999}'
_REPEATS = re.compile(r"\brange\([^()]*?(\d+)\s*[,)]|\*\s*(\d+)|(\d+)\s*\*")
_FILES = re.compile(r"^[-+\s]*(include|import|from|extends)\b")
_NUMBER = re.compile(r"(?<![\w.])\d[\d_]*")
_DOUBLES = re.compile(r"\bset\s+([\w.]+)\s*=.*\b\1\s*[~+*]\s*\1\b")
_OUTER = re.compile(r"[-+\s]*(for|endfor)\b")


def faults(template: str) -> Iterator[str]:
    """Yield why a template is not to be rendered."""
    code = _CODE.findall(template)
    codes = [_TEXT.sub("''", one) for one in code]  # texts are no code
    whole = "\n".join(codes)
    if found := next((one for one in map(_FILES.match, codes) if one), None):
        yield f"{found[1]} reads other files; a template is one text"
    if "__" in "\n".join(code):  # in a text, too: x["__class__"]
        yield "names with two underscores reach into Python; a template has no use for them"
    large = [text for text in _NUMBER.findall(whole) if int(text) > MOST]
    if large:
        yield f"counts to {large[0][:20]}; nothing in a conversation is counted beyond {MOST}"
    wide = [text for one in code for said in _TEXT.findall(one) for text in _WIDTH.findall(said)]
    if wide:
        yield f"pads to {wide[0][:20]} characters; nothing in a conversation is that wide"
    if math.prod(int("".join(one)) or 1 for one in _REPEATS.findall(whole)) > MOST_REPEATS:
        yield f"repeats within repeats, more than {MOST_REPEATS:,} times in all"
    if "**" in whole:
        yield "** makes numbers of any size; a template has no use for it"
    if found := next((one for one in map(_DOUBLES.search, codes) if one), None):
        yield f"{found[1]} is put together with itself, which doubles it each time"
    if _depth(codes) > DEEPEST:
        yield f"loops within loops, more than {DEEPEST} deep"


def _depth(codes: list[str]) -> int:
    """Return how many loops lie within one another at most."""
    depth = deepest = 0
    for code in codes:
        word = found[1] if (found := _OUTER.match(code)) else ""
        depth += (word == "for") - (word == "endfor")
        deepest = max(deepest, depth)
    return deepest
