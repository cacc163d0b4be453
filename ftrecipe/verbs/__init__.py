"""What ftrecipe can be told to do: one module a verb, each with a function of the verb's name.

The function takes the words after the verb and returns the exit code; its first docstring line is
what the help says.
"""

import ast
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path

from ftrecipe.aliases import VERBS, meant
from ftrecipe.errors import ConfigError, did_you_mean

Verb = Callable[[list[str]], int]
NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
DEFAULT = "run"
HELP = "help"
ASKING = {"--help", "-h"}


def split(line: list[str]) -> tuple[str, list[str]]:
    """Return the verb and the words after it; without a verb it is `run`, without words `help`."""
    if not line or line[0] in ASKING:
        return HELP, line[1:]
    first = line[0]
    verb, rest = (first, line[1:]) if first in NAMES else (DEFAULT, line)
    if ASKING & set(rest):
        return HELP, [verb]
    meant_one = first.isidentifier() and (first in VERBS or did_you_mean(first, NAMES))
    if first not in NAMES and meant_one and not Path(first).exists():
        must_exist(first)
    return verb, rest


def must_exist(verb: str) -> None:
    """Raise ConfigError with the nearest verb if there is none of that name."""
    if verb not in NAMES:
        ours = VERBS.get(verb.lower())
        hint = f"; did you mean {ours}?" if ours else did_you_mean(verb, NAMES)
        raise ConfigError(f"{verb} is not a verb{hint} (verbs: {', '.join(NAMES)})")


def load(verb: str) -> Verb:
    """Import one verb's module, and only that one."""
    return getattr(importlib.import_module(f"ftrecipe.verbs.{verb}"), verb)


def summary(verb: str) -> str:
    """Return the first line of a verb's docstring, without importing it."""
    return docstring(verb).splitlines()[0]


def docstring(verb: str) -> str:
    """Return the docstring of a verb's function, read from its source."""
    source = (Path(__file__).parent / f"{verb}.py").read_text("utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == verb:
            return ast.get_docstring(node) or verb
    raise AssertionError(f"verbs/{verb}.py has no function {verb}")


def flags(words: list[str], *known: str) -> tuple[set[str], list[str]]:
    """Take a verb's flags out of its words. Raises ConfigError for one that it does not have."""
    found = {word for word in words if word.startswith("-") and "=" not in word}
    unknown = sorted(found - set(known))
    if unknown:
        raise ConfigError(
            f"{unknown[0]} is not a flag here{did_you_mean(unknown[0], known)}"
            + (f" (flags: {', '.join(known)})" if known else "")
            + f"; configuration is written key=value{_as_key(unknown[0])}"
        )
    return found, [word for word in words if word not in found]


def valued(words: list[str], *known: str) -> tuple[dict[str, str], list[str]]:
    """Take the flags that have a value out of the words: `--to x`, or `--to=x`.

    Raises ConfigError for one without a value, or named twice.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        flag, equals, value = word.partition("=")
        if flag not in known:
            rest.append(word)
            continue
        if not equals:
            value = next(waiting, "")
        if not value or value.startswith("--"):
            raise ConfigError(f"{flag}: what should it be? write {flag} <value>")
        if flag in found:
            raise ConfigError(f"{flag} is named twice: {found[flag]} and {value}")
        found[flag] = value
    return found, rest


def _as_key(flag: str) -> str:
    """Return how a flag is written as a key, in the words of ours where another tool's is known."""
    word = flag.lstrip("-").replace("-", "_")
    return f": {meant(word) or word}=…" if word else ""
