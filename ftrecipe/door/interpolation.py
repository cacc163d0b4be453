"""Values taken from other keys, `${group.field}`: which may be written, and what cannot be taken.

Anything more that OmegaConf knows, resolvers above all, reaches beyond the run and is refused.
"""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, EnumNode, ListConfig, Node
from omegaconf.errors import OmegaConfBaseException

from ftrecipe.errors import did_you_mean
from ftrecipe.nested import wanted

OPENED = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
ALLOWED = re.compile(r"\$\{([A-Za-z_]\w*(?:\.[\w-]+)*)\}")
REFUSED = (
    "resolvers (${name:…}) are not allowed; ${group.field} takes the value of another key, and "
    "\\${ is just text"
)


def is_refused(text: str) -> bool:
    """Tell whether OmegaConf would find more in a text than the plain names of other keys."""
    return bool(OPENED.search(ALLOWED.sub("", _without_escapes(text))))


def _without_escapes(text: str) -> str:
    """Drop pairs of backslashes, and escaped openings, which are text."""
    return text.replace("\\\\", "").replace("\\${", "")


def unresolved(root: DictConfig) -> Iterator[tuple[str, str]]:
    """Yield the keys whose value cannot be taken from another one, and why."""
    for node in _leaves(root):
        if node._is_interpolation():
            try:
                node._dereference_node()
            except (OmegaConfBaseException, RecursionError):
                yield str(node._get_full_key(None)), _reason(root, node)


def _leaves(node: Any) -> Iterator[Node]:
    if not isinstance(node, DictConfig | ListConfig) or node._is_interpolation():
        yield node
    elif not node._is_none() and not node._is_missing():
        held = node._content
        for inner in held.values() if isinstance(held, dict) else held or ():
            yield from _leaves(inner)


def _reason(root: DictConfig, node: Node) -> str:
    text = str(node._value())
    for name in ALLOWED.findall(text):
        group, _, _ = name.partition(".")
        if _find(root, name) is None:
            known = [str(key) for key in root] if group not in root else _below(root, name)
            return f"there is no {name} to take a value from{did_you_mean(name, known)}"
        if name == node._get_full_key(None):
            return "takes its own value"
    kind = isinstance(node, EnumNode) and "one of its choices"
    return f"must be {kind or wanted(node)}, and {text} is not"


def _below(root: DictConfig, name: str) -> list[str]:
    above = name.rpartition(".")[0]
    parent = _find(root, above)
    return [f"{above}.{key}" for key in parent] if isinstance(parent, DictConfig) else []


def _find(root: DictConfig, name: str) -> Any:
    """Return the node of a dotted key as it was set, None if there is none."""
    node: Any = root
    for part in name.split("."):
        if not isinstance(node, DictConfig) or part not in node.keys():  # noqa: SIM118
            return None
        node = node._get_node(part)
    return node
