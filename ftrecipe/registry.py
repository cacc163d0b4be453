"""The named options of one config group: registered by decorator, looked up by name."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import Field, field
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from ftrecipe.errors import ConfigError, did_you_mean, listed

T = TypeVar("T", bound=type)
LAST_SEED = 2**32 - 1  # of numpy


class Group:
    """One config group: its base class, and the classes that its options are made of.

    `many` groups (eval, export) may have several options chosen at once.
    """

    all: ClassVar[dict[str, "Group"]] = {}

    def __init__(self, name: str, base: type, many: bool = False) -> None:
        self.name, self.base, self.many = name, base, many
        self.classes: dict[str, type[Any]] = {}
        Group.all[name] = self

    def option(self, name: str) -> Callable[[T], T]:
        """Register the decorated dataclass under `name`; a second one of that name is a bug."""

        def register(cls: T) -> T:
            if name in self.classes:
                raise ValueError(f"{self.name}={name} is registered twice")
            self.classes[name] = cls
            return cls

        return register

    def get(self, name: str) -> type[Any]:
        """Return the class registered as `name`. Raises ConfigError with the nearest name."""
        if name not in self.classes:
            names = sorted(self.classes)
            hint = did_you_mean(name, names)
            raise ConfigError(f"{self.name}={name} is not known{hint} (known: {listed(names)})")
        return self.classes[name]

    @property
    def added(self) -> list[str]:
        """The options whose classes come from other packages, by entry point."""
        home = __name__.partition(".")[0]
        return [name for name, cls in self.classes.items() if cls.__module__.split(".")[0] != home]

    def name_of(self, cls: type[Any]) -> str:
        """Return the name under which `cls` was registered."""
        return next(name for name, known in self.classes.items() if known is cls)


def load_all(package: ModuleType) -> None:
    """Import every module below `package`, then what installed packages add by entry point."""
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
    for point in entry_points(group="ftrecipe.components"):
        point.load()


def bounded(default: Any, low: float, high: float | None = None) -> Any:
    """Return a dataclass field for a number from `low` to `high`; a rule reads the bounds."""
    return field(default=default, metadata={"low": low, "high": high})


def only_with(needed: str, declared: Any, said: str = "") -> Any:
    """Return a dataclass field that has an effect only where another one is set; a rule reads it.

    `needed` is a field or property of the same class that must be true, or `<field>=<value>`;
    `said` are the words for it where its name alone does not say what to do. `declared` is the
    default, or the field that `bounded` or `field` made.
    """
    made = declared if isinstance(declared, Field) else field(default=declared)
    return _with_fact(made, only_with=needed, only_with_said=said)


def never_with(other: str, declared: Any) -> Any:
    """Return a dataclass field that has no effect where the field `other` is set."""
    made = declared if isinstance(declared, Field) else field(default=declared)
    return _with_fact(made, never_with=other)


def _with_fact(declared: "Field[Any]", **facts: str) -> Any:
    return field(
        default=declared.default,
        default_factory=declared.default_factory,  # type: ignore[call-overload]
        metadata={**declared.metadata, **facts},
    )
