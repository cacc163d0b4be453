"""recipes/shared.json: where each added recipe came from, and the hash of every file of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ftrecipe.door.recipes import OWN
from ftrecipe.door.vet import NAME
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import now, read_json, write_json

FILE = OWN / "shared.json"


@dataclass(frozen=True)
class Pin:
    """One added recipe."""

    source: str
    ref: str | None
    commit: str | None
    files: Mapping[str, str]  # below recipes/ → SHA-256
    added: str = field(default_factory=now)


def read(file: Path = FILE) -> dict[str, Pin]:
    """Return the pins by the recipes' names. Raises ConfigError for a broken file."""
    if not file.is_file():
        return {}
    try:
        found = {name: Pin(**values) for name, values in read_json(file)["recipes"].items()}
        sound = all(_is_sound(pin) for pin in found.values())
    except (TypeError, KeyError, AttributeError):
        sound, found = False, {}
    if not sound:
        raise ConfigError(f"{file}: is not as it was written; take it from your version history")
    return found


def _is_sound(pin: Pin) -> bool:
    """Tell a pin whose files lie in the folder of recipes."""
    return isinstance(pin.source, str) and all(
        NAME.fullmatch(name) and isinstance(digest, str) for name, digest in pin.files.items()
    )


def write(pins: Mapping[str, Pin], file: Path = FILE) -> None:
    """Write all pins, sorted by name, so that a version history of them reads well."""
    write_json(file, {"recipes": {name: asdict(pins[name]) for name in sorted(pins)}})
