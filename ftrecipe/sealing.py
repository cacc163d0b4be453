"""Config values that hold a secret: they are not written down, but given to workers by environment.

`dataset.path` travels as FTRECIPE_SECRET_DATASET__PATH; what is written is its redacted text.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.secrets import GIVEN, REDACTED, Redactor, is_secret_key

PROSE = ("description",)  # said to people, and used for nothing: stays without its secret


def variable(key: str) -> str:
    """Return the environment variable that carries the value of a dotted key."""
    return GIVEN + re.sub(r"[^A-Z0-9_]", "_", key.upper().replace(".", "__"))


def secrets_of(config: Any) -> dict[str, str]:
    """Return the values of a plain config that hold a secret, by the variable that carries each."""
    redact = Redactor.of(os.environ)
    return {
        variable(at): value
        for at, value in texts(config, "")
        if value and (is_secret_key(at) or redact(value) != value)
        if REDACTED not in value and at not in PROSE
    }


def texts(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield every text in nested values with its dotted key; items of a list by their number."""
    if isinstance(node, str):
        yield key, node
    elif isinstance(node, Mapping):
        for name, below in node.items():
            yield from texts(below, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list | tuple):
        for number, below in enumerate(node):
            yield from texts(below, f"{key}.{number}")


def opened(node: Any, environment: Mapping[str, str], key: str = "", where: str = "") -> Any:
    """Return a plain config, or one value of it, whole again.

    Raises ConfigError with every value whose variable is missing, or holds something else.
    """
    faults: list[str] = []
    whole = _opened(node, environment, key, where, faults)
    if faults:
        raise ConfigError(faults)
    return whole


def _opened(
    node: Any, environment: Mapping[str, str], key: str, where: str, faults: list[str]
) -> Any:
    if isinstance(node, Mapping):
        return {
            name: _opened(below, environment, f"{key}.{name}" if key else str(name), where, faults)
            for name, below in node.items()
        }
    if isinstance(node, list):
        return [
            _opened(below, environment, f"{key}.{number}", where, faults)
            for number, below in enumerate(node)
        ]
    if not isinstance(node, str) or REDACTED not in node or key in PROSE:
        return node
    name = variable(key)
    known = environment.get(name)
    if known is not None and _fits(node, known):
        return known
    place = f"{where}: " if where else ""
    why = (
        "holds a secret, which is never written down; give the whole value again:"
        if known is None
        else f"is not what {name} holds; give it the whole value of this one:"
    )
    faults.append(f"{place}{key}={node} {why} export {name}=<value>")
    return node


def _fits(sealed: str, whole: str) -> bool:
    """Tell whether `sealed` is `whole` without its secrets, and nothing else."""
    pattern = ".+".join(re.escape(part) for part in sealed.split(REDACTED))
    return re.fullmatch(pattern, whole, re.DOTALL) is not None
