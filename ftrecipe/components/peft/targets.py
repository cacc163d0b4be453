"""Which modules of an architecture a PEFT config reaches, by PEFT's own matching of names."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Kind, Module, ends

TAKES = (Kind.linear, Kind.head, Kind.embedding)  # what an adapter can sit on
FIRST_NUMBER = r".*?\.[^.]*\.(\d+)\."  # a layer's, wherever layers are
Extra = Mapping[str, Any]


def targeted(
    architecture: Architecture, names: str | Sequence[str], extra: Extra
) -> list[tuple[Module, str]] | None:
    """Return the modules that an adapter is put on, one by one with their paths.

    `names` are `target_modules` as PEFT takes them; `extra` holds the other fields of its config.
    None where they reach something else than a linear layer or the embedding.
    """
    every = isinstance(names, str)
    modules = architecture.linears if every else architecture.named(names)
    found = [
        (module, path)
        for module in modules
        for path in module.paths
        if not _left_out(path, extra) and (every or _in_its_layers(path, extra))
    ]
    return found if all(module.kind in TAKES for module, _ in found) else None


def _left_out(path: str, extra: Extra) -> bool:
    """Tell what `exclude_modules` names, or `modules_to_save` trains whole."""
    excluded = extra.get("exclude_modules") or []
    if isinstance(excluded, str):
        left_out = _matches(excluded, path, "exclude_modules")
    else:
        left_out = ends(path, excluded)
    saved = extra.get("modules_to_save") or []
    return left_out or any(
        _matches(rf"(.*\.)?{name}(\..*)?", path, "modules_to_save") for name in saved
    )


def _in_its_layers(path: str, extra: Extra) -> bool:
    """Tell whether a module's layer is among `layers_to_transform`, all of them where not given."""
    wanted = extra.get("layers_to_transform")
    if wanted is None or wanted == []:
        return True
    patterns = extra.get("layers_pattern") or []
    named = [patterns] if isinstance(patterns, str) else patterns
    for pattern in [rf"(?:.*?\.)?{name}\.(\d+)\." for name in named] or [FIRST_NUMBER]:
        found = re.match(_checked(pattern, "layers_pattern"), path)
        if found is not None:
            return int(found[1]) in ([wanted] if isinstance(wanted, int) else wanted)
    return False


def saved(architecture: Architecture, extra: Extra) -> int:
    """Return the weights that `modules_to_save` copies and trains whole, tied ones apart."""
    names = tuple(extra.get("modules_to_save") or ())
    total = 0
    for module in architecture.modules:
        each = module.parameters // module.count
        total += each * sum(_lies_in(path, names) for path in module.holders)
    return total


def _lies_in(path: str, names: tuple[str, ...]) -> bool:
    """Tell whether a module or one around it ends in one of `names`, dots or none."""
    parts = path.split(".")
    return any(".".join(parts[:end]).endswith(names) for end in range(1, len(parts) + 1))


def biases(architecture: Architecture, targets: list[tuple[Module, str]], extra: Extra) -> int:
    """Return the biases that are trained: none, all, or those of the layers with an adapter."""
    asked = extra.get("bias", "none")
    if asked == "all":
        return sum(module.biases for module in architecture.modules)
    on_targets = isinstance(asked, str) and asked.endswith("_only")
    return sum(module.shape[0] for module, _ in targets if module.bias) if on_targets else 0


def rank(path: str, default: int, extra: Extra) -> int:
    """Return the rank of one module: that of the first `rank_pattern` that its path ends in."""
    patterns: Mapping[str, int] = extra.get("rank_pattern") or {}
    found = (r for key, r in patterns.items() if _matches(rf"(.*\.)?({key})", path, "rank_pattern"))
    return next(found, default)


def _matches(pattern: str, path: str, key: str) -> bool:
    return re.fullmatch(_checked(pattern, key), path) is not None


def _checked(pattern: str, key: str) -> "re.Pattern[str]":
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"peft.extra.{key}: {pattern!r} is no regular expression ({error})"
        ) from error
