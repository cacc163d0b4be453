"""Tags: words that people give a run, kept in its own folder."""

import re
from collections.abc import Sequence

from ftrecipe.errors import ConfigError
from ftrecipe.flock import held
from ftrecipe.rundir import RunDir, read_json, write_json

TAG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LOCK = ".tags.lock"  # one person at a time; the run itself may go on meanwhile


def tags_of(rundir: RunDir) -> list[str]:
    """Return a run's tags, sorted. Raises ConfigError for a file that holds none."""
    try:
        known = read_json(rundir.tags)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{rundir.tags}: cannot be read: {error.strerror}") from None
    tags = known.get("tags") if isinstance(known, dict) else None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ConfigError(f"{rundir.tags}: holds no tags; mend or remove it")
    return sorted(tags)


def change(rundir: RunDir, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Add and remove tags; return those that the run has then. Raises ConfigError for no words,
    for tags that it does not have, and for what is no tag."""
    faults = [fault for tag in (*add, *remove) if (fault := _fault(tag))]
    if not add and not remove:
        faults.append("no tag is named; write runs tag RUN word")
    if faults:
        raise ConfigError(faults)
    with held(rundir.path / LOCK):
        known = tags_of(rundir)
        if lacking := [tag for tag in remove if tag not in known]:
            have = f" (it has {', '.join(known)})" if known else " (it has none)"
            raise ConfigError(f"{rundir.path}: is not tagged {', '.join(lacking)}{have}")
        tags = sorted({*known, *add} - set(remove))
        if tags != known or not rundir.tags.is_file():
            write_json(rundir.tags, {"tags": tags})
    return tags


def _fault(tag: str) -> str | None:
    if TAG.fullmatch(tag):
        return None
    plain = re.sub(r"[^a-z0-9._-]+", "-", tag.strip().lower()).strip("-._")[:64]
    hint = f"; did you mean {plain}?" if TAG.fullmatch(plain) else ""
    return f"{tag!r} is no tag: one word of small letters, digits, dots, dashes, underscores{hint}"
