"""Reads lists and objects that are written in cells: JSON, Python literals, and nearly JSON.

What is nearly JSON is mended only where it cannot mean anything else: the mended value is made of
the very words and brackets of the cell, but for quotes, commas, escapes, the spelling of true,
false and null, and brackets that are missing at the end.
"""

import ast
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from ftrecipe.data.example import RowFault

_LARGEST = 2**20  # characters of a cell that is read
_MENDED = 2**17  # characters of a cell that may be mended
_CONTAINER = re.compile(
    r"""\s*(?:\[\s*(?:[\[\]{"'\d-]|true|false|null|none|nan)|\{\s*(?:["'}]|\w+\s*:\s*["'\d\[{]))""",
    re.IGNORECASE,
)
_ADJACENT = re.compile(r"""['"]\s*['"]""")
_BORDER = re.compile(r"""['"]\s*(?:[,:\]}]|$)|(?:[,:\[{]|^)\s*['"]""")
_WORDS = re.compile(r"""[\[\]{}:]|[^\s,\[\]{}:'"`“”‘’\\]+""")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SPELLED = {"true": "true", "false": "false", "null": "null", "none": "null", "nan": "nan"}


class Parsed(NamedTuple):
    """What a cell holds, and how it had to be read: "JSON", "Python literals" or "mended JSON"."""

    value: Any
    how: str


def looks_contained(text: str) -> bool:
    """Say whether a cell begins as a list or an object does, and not as a sentence in brackets."""
    return text.lstrip()[:1] in ("[", "{") and _CONTAINER.match(text) is not None


def container(text: str) -> Parsed:
    """Return the list or object that a cell holds. Raises RowFault, with the reason, for none."""
    if len(text) > _LARGEST:
        raise RowFault(f"a list or object of more than {_LARGEST:,} characters")
    try:
        return Parsed(json.loads(text), "JSON")
    except RecursionError:
        raise RowFault("a list or object that is nested too deeply") from None
    except ValueError as error:
        reason = str(error)
    found = _python(text)
    if found is not None:
        return Parsed(found, "Python literals")
    return Parsed(_mended(text, reason), "mended JSON")


def _python(text: str) -> list[Any] | dict[Any, Any] | None:
    """Return the value of Python literals, or None where the text is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if _ADJACENT.search(text) and _side_by_side(text):
        return None  # ['a' 'b'], a printed NumPy array: Python would read ['ab']
    return _plain(value) if isinstance(value, (list, dict, tuple)) else None


def _side_by_side(text: str) -> bool:
    """Say whether two strings stand beside each other without a comma."""
    try:
        kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(text).readline)
                 if token.type not in (tokenize.NL, tokenize.NEWLINE)]  # fmt: skip
    except (tokenize.TokenError, SyntaxError):
        return True
    return any(pair == (tokenize.STRING,) * 2 for pair in pairwise(kinds))


def _plain(value: Any) -> Any:
    """Return the value as JSON has it. Raises RowFault for what JSON has not."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise RowFault(f"holds a Python value that JSON has not ({type(value).__name__})")


def _mended(text: str, reason: str) -> Any:
    """Return what json_repair makes of the text, if it can mean nothing else."""
    from json_repair import loads

    if len(text) <= _MENDED and text.rstrip()[-1:] in "]}\"',":
        try:
            value = loads(text, skip_json_loads=True)
            if isinstance(value, (list, dict)) and _same(text, value) and not _swallowed(value):
                return value
        except (ValueError, RecursionError, IndexError):
            pass
    raise RowFault(f"neither JSON nor Python literals, and not clear enough to mend ({reason})")


def _same(text: str, value: Any) -> bool:
    """Say whether a value has the words and brackets of a text, but for brackets at its end."""
    written = list(_words(_ESCAPE.sub(_unescaped, text)))
    meant = list(_flat(value))
    extra = meant[len(written) :]
    return meant[: len(written)] == written and all(mark in "]}" for mark in extra)


def _swallowed(value: Any) -> bool:
    """Say whether a text holds what looks like the end of one and the start of the next."""
    if isinstance(value, dict):
        return any(map(_swallowed, [*value.keys(), *value.values()]))
    if isinstance(value, list):
        return any(map(_swallowed, value))
    return isinstance(value, str) and _BORDER.search(value) is not None


def _unescaped(found: re.Match[str]) -> str:
    code, mark = found.groups()
    if code:
        return chr(int(code, 16))
    return {"n": " ", "r": " ", "t": " ", "b": " ", "f": " "}.get(mark, mark)


def _words(text: str) -> Iterator[str]:
    for found in _WORDS.finditer(text):
        yield _SPELLED.get(found.group().lower(), found.group())


def _flat(value: Any) -> Iterator[str]:
    """Yield the words and brackets of a value, as `_words` finds them in its text."""
    if isinstance(value, dict):
        yield "{"
        for key, item in value.items():
            yield from _words(key)
            yield ":"
            yield from _flat(item)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _flat(item)
        yield "]"
    elif isinstance(value, str):
        yield from _words(value)
    else:
        yield from _words(json.dumps(value))


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with every value as text, or as a list of texts joined by commas.

    An object's fields, and those of a list of objects, are columns of their own: `genres.name`.
    """
    flat: dict[str, Any] = {}
    for column, value in record.items():
        flat[column] = _written(value)
        for field, inner in _fields(value).items():
            flat.setdefault(f"{column}.{field}", inner)
    return flat


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if not isinstance(value, list):
        return value
    if any(isinstance(item, (list, dict)) for item in value):
        return json.dumps(value, ensure_ascii=False)
    return ", ".join(_word(item) for item in value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of an object, or those of a list of objects, each field's as one text."""
    if isinstance(value, dict):
        inner = {str(key): item for key, item in value.items()}
        return {name: text for name, text in flattened(inner).items() if name}
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return {}
    names = dict.fromkeys(name for item in value for name in item)
    return {name: _written([item[name] for item in value if item.get(name) is not None])
            for name in names}  # fmt: skip
