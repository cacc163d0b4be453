"""How far a recipe reaches: files below the working folder, beside itself, or where people allow.

A recipe may come from anyone, so it names no other file of this machine. The command line may name
any; folders that all recipes may name are listed in the environment variable FTRECIPE_DATA.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

from ftrecipe.ollama.address import address, is_here
from ftrecipe.paths import typed
from ftrecipe.secrets import REDACTED

FILES = (
    "path", "validation_path", "test_path", "questions", "schema_path", "chat_template", "template",
    "from_run", "against", "include_path", "runs_dir",
)  # fmt: skip
SENT_TO = ("host",)  # where a run sends its model
PROGRAMS = ("llama_cpp",)  # folders of which a program is run
DOORS = ("extra", "deepspeed", "fsdp")  # what libraries do with their arguments is not known here
ALLOWED = "FTRECIPE_DATA"
LINK_LOCAL = ("169.254.", "fe80:", "::ffff:169.254.")
METADATA = ("metadata.google.internal", "metadata", "fd00:ec2::254", "100.100.100.200")


def outside(path: tuple[str, ...], value: Any, beside: Path) -> Iterator[str]:
    """Yield why a value names a file where a recipe in the folder `beside` may not go.

    `path` is the value's key.
    """
    name = path[len(path) - 1]
    passed_on = len(path) > 2 and path[1] in DOORS
    if not passed_on and name in SENT_TO and not _is_this_machine(value):
        yield (
            f"{value}: a recipe sends no model to another machine; name it on the command line: "
            f"{quote('.'.join(path) + '=' + str(value))}"
        )
    if not passed_on and name in PROGRAMS and value:
        yield (
            f"{value}: a recipe names no program of a machine; name it on the command line: "
            f"{quote('.'.join(path) + '=' + str(value))}"
        )
    if not passed_on and name not in FILES:
        return
    for text in _texts(value):
        if _is_template(name, text):
            continue
        if "${" in text:
            yield f"{text}: the name of a file is written out, and not taken from another key"
        elif _is_of_the_machine(text):
            yield f"{text}: is where a cloud gives a machine its credentials; no recipe reads that"
        elif leads_out(text, beside, by_name=not passed_on):
            yield (
                f"{text}: is outside the working folder and the recipe's own, where a recipe does "
                f"not reach; name it on the command line: {quote('.'.join(path) + '=' + text)}; or "
                f"allow its folder to all recipes: {ALLOWED}=<folder> in the environment"
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _is_this_machine(host: Any) -> bool:
    """Tell a host that is this machine, or is left to what the environment says."""
    try:
        return host is None or is_here(address(str(host)))
    except ValueError:
        return False


def _is_template(name: str, text: str) -> bool:
    return name in ("chat_template", "template") and ("{{" in text or "{%" in text)


def leads_out(text: str, beside: Path, by_name: bool = True) -> bool:
    """Tell a file that is neither below the working folder nor in `beside`, nor in a folder that
    people allow; `by_name` says that the text is nothing but a file's name."""
    place = text.removeprefix("file://")
    if place == text and ("://" in text or text.startswith("builtin:")):
        return False
    absolute = place.startswith(("/", "~", "\\")) or place[1:3] in (":\\", ":/")
    if not absolute and ".." not in place.replace("\\", "/").split("/"):
        return by_name and _is_linked_out(place, beside)
    file = Path(os.path.normpath(typed(place).absolute()))
    extra = [typed(one) for one in os.environ.get(ALLOWED, "").split(os.pathsep) if one]
    roots = [Path.cwd(), beside, *(folder.absolute() for folder in extra)]
    return not any(file.is_relative_to(root) for root in roots) or _is_linked_out(place, beside)


def _is_of_the_machine(url: str) -> bool:
    """Tell an address where a cloud gives a machine its own credentials."""
    try:
        host = (urlsplit(url.replace(REDACTED, "")).hostname or "").rstrip(".")
    except ValueError:  # nobody can ask there
        return False
    return host.startswith(LINK_LOCAL) or host in METADATA


def _is_linked_out(place: str, beside: Path) -> bool:
    """Tell a file beside the recipe that is a link to one elsewhere: it came with the recipe."""
    file, home = Path(os.path.normpath(typed(place).absolute())), beside.absolute()
    came_along = file.is_relative_to(home) and not Path.cwd().is_relative_to(home)
    return came_along and not file.resolve().is_relative_to(home.resolve())
