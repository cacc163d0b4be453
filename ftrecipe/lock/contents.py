"""What a lock says, laid out so that it can be compared value by value and shown to people."""

from collections.abc import Mapping
from typing import Any

MISSING = "–"
LONGEST = 60  # characters of a value that are shown
FOUND = {"device": "device_type", "precision": "precision"}  # of hardware: its name in `compute`


def flat(node: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return nested values by dotted key; lists and empty mappings are values."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{above}{key}.")
        else:
            found[above + key] = value
    return found


def config_of(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a lock, with the device and the precision that were found."""
    config = dict(lock["config"])
    if "compute" in lock:
        found = {key: lock["compute"][name] for key, name in FOUND.items()}
        config["hardware"] = config["hardware"] | found
    return config


def files_of(lock: Mapping[str, Any]) -> dict[str, str]:
    """Return the data files of a lock: key and name → hash; where they lie does not matter."""
    found: dict[str, str] = {}
    for file in lock.get("data", {}).get("files", []):
        several = sum(other["key"] == file["key"] for other in lock["data"]["files"]) > 1
        name = f"{file['key']} {file['name']}" if several else file["key"]
        found[name] = file.get("sha256") or file["mark"]
    return found


def weights_of(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights that training started from: name → hash."""
    model = lock.get("model", {})
    earlier = {f"earlier {name}": known for name, known in (model.get("from_run") or {}).items()}
    return {**model.get("files", {}), **earlier}


def equal(a: Any, b: Any) -> bool:
    """Tell whether two values are the same to the last bit; nan is nan."""
    return repr(a) == repr(b)


def _typed(value: Any) -> str:
    """Write a value as it is typed."""
    if isinstance(value, list):
        return f"[{', '.join(map(_typed, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any) -> str:
    """Write a value short: hashes by their beginning."""
    if value is None:
        return MISSING
    text = _typed(value)
    if len(text) in (40, 64) and not set(text) - set("0123456789abcdef"):
        return text[:12]
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
