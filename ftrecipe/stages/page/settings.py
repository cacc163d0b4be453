"""Which values a run has that are not the defaults, each with what the default is."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

from omegaconf import OmegaConf

from ftrecipe.config import GROUPS, RunConfig, packaged


@dataclass(frozen=True)
class Setting:
    """One value that was set: its key, it, and what it would have been; "" where unknown."""

    key: str
    value: str
    default: str


def settings(boundary: dict[str, Any]) -> list[Setting]:
    """Return what run.json says was set, by key; the options that were chosen are not in it."""
    found = flat(boundary.get("differences", {}), unset=True)
    choices = boundary["choices"]
    return [Setting(key, said(value), _default(key, choices)) for key, value in found.items()]


def flat(node: dict[str, Any], prefix: str = "", unset: bool = False) -> dict[str, Any]:
    """Return the values by dotted key; with `unset` those too that are set to nothing."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.", unset)
        elif key != "type" and (unset or value is not None):
            found[prefix + key] = value
    return found


def said(value: Any) -> str:
    """Return a value as it is typed."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, list):
        return f"[{', '.join(said(each) for each in value)}]"
    return str(getattr(value, "value", value))


def _default(key: str, choices: dict[str, Any]) -> str:
    """Return what the chosen option's file says, else its class."""
    first, _, rest = key.partition(".")
    if first not in GROUPS:
        return _of_class(RunConfig, key)
    option = choices.get(first)
    if GROUPS[first].many:
        option, _, rest = rest.partition(".")
    file = packaged("conf") / first / f"{option}.yaml"
    if not file.is_file():
        return ""
    written = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    assert isinstance(written, dict)
    values = flat({str(name): value for name, value in written.items()}, unset=True)
    if rest in values:
        return said(values[rest])
    schema = next(
        (
            str(each).removesuffix("_schema")
            for each in written["defaults"]
            if "_schema" in str(each)
        ),
        "",
    )
    classes = GROUPS[first].classes
    return _of_class(classes[schema], rest) if schema in classes else ""


def _of_class(cls: Any, key: str) -> str:
    """Return the default of a dotted key of nested dataclasses."""
    name, _, rest = key.partition(".")
    known = {each.name: each for each in fields(cls)}
    if name not in known:
        return ""
    made = known[name].default
    if made is MISSING:
        factory = known[name].default_factory
        made = None if factory is MISSING else factory()
    if rest:
        return _of_class(type(made), rest) if hasattr(made, "__dataclass_fields__") else ""
    return said(made)
