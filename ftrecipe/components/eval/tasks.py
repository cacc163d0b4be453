"""Tasks of lm-evaluation-harness, loaded by it: its own, and those of a folder of YAML files.

Templates in a folder's files are Jinja, which the harness renders without a sandbox: here they are
rendered in one.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError, did_you_mean


def load(names: Sequence[str], folder: Path | None, where: str) -> Any:
    """Return tasks and groups with their data sets.

    Raises ConfigError, beginning with `where`, with each name that is none, or with the data set
    that cannot be had.
    """
    manager = _manager(folder, own=False) if folder else None
    if manager is None or not set(names) <= set(manager.all_tasks):
        manager = _manager(folder, own=True)
    known = manager.all_tasks
    wrong = [name for name in names if name not in known]
    if wrong:
        raise ConfigError(
            f"{where}: lm-evaluation-harness has no task {name}{did_you_mean(name, known)} "
            "(python -m lm_eval ls tasks lists them)"
            for name in wrong
        )
    with sandboxed():
        return {name: _loaded(manager, name, where) for name in dict.fromkeys(names)}


def together(loaded: dict[str, Any]) -> dict[str, Any]:
    """Return what was loaded by name as one, as the harness wants it."""
    parts = ("tasks", "groups", "group_map")
    return {
        part: {name: one for found in loaded.values() for name, one in found.get(part, {}).items()}
        for part in parts
    }


@contextmanager
def sandboxed() -> Iterator[None]:
    """Have the harness render templates so that they cannot reach into Python."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from lm_eval import utils

    own: Any = utils.env
    safe = ImmutableSandboxedEnvironment(
        loader=own.loader, undefined=own.undefined, keep_trailing_newline=own.keep_trailing_newline
    )
    safe.filters.update(own.filters)
    utils.env = safe
    try:
        yield
    finally:
        utils.env = own


@cache
def _manager(folder: Path | None, own: bool) -> Any:
    """Return the harness's index of tasks; that of its own takes some seconds to make."""
    from lm_eval.tasks import TaskManager

    quiet()
    return TaskManager(include_path=folder, include_defaults=own)


def _loaded(manager: Any, name: str, where: str) -> Any:
    """Load one task with its data set; whatever is wrong with either, the harness raises."""
    from jinja2 import TemplateError

    try:
        return manager.load([name])
    except (OSError, ValueError, KeyError, TypeError, ImportError, TemplateError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{where}: {name} cannot be loaded: {first}; a data set of the hub has to be in its "
            "cache here, or the hub reachable (HF_HUB_OFFLINE is not set to 1)"
        ) from error


def quiet() -> None:
    """Leave what the harness says of its work to its warnings."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
