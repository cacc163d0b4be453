"""Every field of every option is read by something, and every number declares its bounds."""

import ast
from collections import defaultdict
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import ftrecipe
from ftrecipe.config import GROUPS, Consent, RunConfig

SOURCE = Path(ftrecipe.__file__).parent
# What an option of a group is called where it is handed on; "self" is looked at in its own class.
CALLED = {
    "dataset": {"dataset", "source", "part"},
    "cleaning": {"step"},
    "eval": {"suite", "option"},
    "export": {"target"},
    "RunConfig": {"run"},
}
CLASSES = [
    (group.name, name, cls) for group in GROUPS.values() for name, cls in group.classes.items()
]
OPTIONS = [pytest.param(group, cls, id=f"{group}={name}") for group, name, cls in CLASSES]


@cache
def reads() -> dict[str, set[str]]:
    """Return by attribute what it is read from, all over the package: names, and `Class.self`."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in SOURCE.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        _Reads(found).visit(tree)
        for owner in _taken_by_name(tree):
            for text in _texts(tree):
                found[text].add(owner)
    return found


def _taken_by_name(tree: ast.AST) -> set[str]:
    """Return the `x` of every vars(….x) in a module: its fields are read by names in texts."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    taken = [one.args[0] for one in calls if ast.unparse(one.func) == "vars"]
    return {node.attr for node in taken if isinstance(node, ast.Attribute)}


def _texts(tree: ast.AST) -> set[str]:
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in constants if isinstance(text, str)}


class _Reads(ast.NodeVisitor):
    def __init__(self, found: dict[str, set[str]]) -> None:
        self.found = found
        self.inside = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self.inside = self.inside, node.name
        self.generic_visit(node)
        self.inside = outer

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.ctx, ast.Load):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else ""
            name = owner.id if isinstance(owner, ast.Name) else name
            self.found[node.attr].add(f"{self.inside}.self" if name == "self" else name)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Count what getattr(self, name) reads: the names stand in the same function as texts."""
        calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
        if any(isinstance(one, ast.Name) and one.id in ("getattr", "vars") for one in calls):
            for text in _texts(node):
                self.found[text].add(f"{self.inside}.self")
        self.generic_visit(node)


def is_read(group: str, cls: type, name: str) -> bool:
    """Tell whether a field is read where an object of the class, or one like it, is at hand."""
    family = {kind.__name__ for kind in cls.__mro__}
    family |= {kind.__name__ for kind in _subclasses(cls)}
    owners = {f"{kind}.self" for kind in family} | {group, group.lower()} | CALLED.get(group, set())
    return bool(reads()[name] & owners)


def _subclasses(cls: type) -> set[type]:
    below = set(cls.__subclasses__())
    return below | {one for kind in below for one in _subclasses(kind)}


@pytest.mark.parametrize(("group", "cls"), OPTIONS)
def test_every_field_of_an_option_is_read(group: str, cls: type) -> None:
    assert [one.name for one in fields(cls) if not is_read(group, cls, one.name)] == []


@pytest.mark.parametrize("cls", [RunConfig, Consent])
def test_every_field_of_a_run_is_read(cls: type) -> None:
    assert [one.name for one in fields(cls) if not is_read(cls.__name__, cls, one.name)] == []


def nested(cls: type) -> list[type]:
    """Return the dataclasses within a dataclass."""
    inner = [kind for kind in get_type_hints(cls).values() if is_dataclass(kind)]
    return [kind for kind in inner if isinstance(kind, type)]


WITHIN = sorted(
    {kind for _, _, cls in CLASSES for kind in nested(cls)}, key=lambda one: one.__name__
)


@pytest.mark.parametrize("cls", WITHIN, ids=lambda one: one.__name__)
def test_every_field_within_a_field_is_read(cls: type) -> None:
    assert [one.name for one in fields(cls) if not is_read(cls.__name__, cls, one.name)] == []


def test_a_field_that_nothing_reads_is_found() -> None:
    class Unread(GROUPS["peft"].classes["lora"]):
        nothing_reads_this: int = 3

    assert not is_read("peft", Unread, "nothing_reads_this")
    assert is_read("peft", Unread, "r")


def numbers(cls: type) -> list[str]:
    """Return the fields of a class that hold numbers."""
    hints = get_type_hints(cls)
    kinds = (int, float, int | None, float | None)
    return [one.name for one in fields(cls) if hints[one.name] in kinds]


EVERY = [
    *(pytest.param(cls, id=f"{group}={name}") for group, name, cls in CLASSES),
    *(pytest.param(cls, id=cls.__name__) for cls in [RunConfig, Consent, *WITHIN]),
]


@pytest.mark.parametrize("cls", EVERY)
def test_every_number_declares_its_bounds(cls: Any) -> None:
    declared = {one.name: one.metadata for one in fields(cls)}
    assert [name for name in numbers(cls) if "low" not in declared[name]] == []


@pytest.mark.parametrize("cls", EVERY)
def test_every_default_is_within_its_bounds(cls: Any) -> None:
    for one in fields(cls):
        if one.name in numbers(cls) and one.default is not None:
            high = one.metadata["high"]
            assert one.metadata["low"] <= one.default
            assert high is None or one.default <= high
