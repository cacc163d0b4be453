"""What `recipes add SOURCE` means: a file, a folder, a git repository at a ref, an address."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ftrecipe.errors import ConfigError, listed
from ftrecipe.exchange import git, web
from ftrecipe.exchange.tree import Fetched, Folder, Tree
from ftrecipe.paths import typed
from ftrecipe.secrets import redacted

ENDINGS = (".yaml", ".yml")
_GIT = re.compile(r"(?:git\+)?((?:https|ssh|file)://[^#]+|[\w.-]+@[\w.-]+:[^#]+)(?:#(.*))?")


@dataclass(frozen=True)
class Source:
    """Where recipes come from: their files, those that were asked for, and how that is pinned."""

    tree: Tree
    recipes: list[str]
    named: str  # as it is written down, without credentials
    ref: str | None = None
    commit: str | None = None


@contextmanager
def opened(text: str) -> Iterator[Source]:
    """Give the source that `text` names. Raises ConfigError where it is none."""
    found = _GIT.fullmatch(text)
    if found and (text.startswith("git") or _is_repository(found[1])):
        url, ref = _ref(found[1])
        with git.fetched(url, ref) as commit:
            asked = _asked(commit, (found[2] or "").strip("/"), redacted(text))
            yield Source(commit, asked, redacted(text), ref, commit.commit)
    elif text.startswith("git+"):
        raise ConfigError(f"{redacted(text)}: git is fetched by https://, ssh:// or file://")
    elif "://" in text:
        web.check(text)
        name = PurePosixPath(urlsplit(text).path).name or "recipe"
        name = name if name.endswith(ENDINGS) else f"{name}.yaml"
        yield Source(Fetched({name: web.fetch(text)}), [name], redacted(text))
    else:
        yield _local(text)


def _is_repository(url: str) -> bool:
    """Tell a repository from one file by its address."""
    path = re.sub(r"@[^/@]*$", "", url)
    return path.endswith(".git") or not url.startswith("https://")


def _ref(url: str) -> tuple[str, str | None]:
    """Split `https://host/repo@ref`; an @ before the path belongs to the host."""
    before, at, ref = url.rpartition("@")
    is_ref = bool(at) and "/" in before.partition("://")[2]
    if not is_ref and at and "://" not in url:
        is_ref = ":" in before  # git@host:repo@ref
    return (before, ref) if is_ref else (url, None)


def _asked(tree: git.Commit, path: str, named: str) -> list[str]:
    """Return the recipe at `path`, or all that lie in the folder `path`."""
    names = tree.names()
    if path in names or path.endswith(ENDINGS):
        return [path]
    folder = f"{path}/" if path else ""
    inside = [name.removeprefix(folder) for name in names if name.startswith(folder)]
    own = [name for name in inside if name.endswith(ENDINGS) and "/" not in name]
    if own:
        return [folder + name for name in own]
    deeper = [folder + name for name in inside if name.endswith(ENDINGS)]
    hint = f"; name one: {named.partition('#')[0]}#{deeper[0]}" if deeper else ""
    known = f" (there are {listed(deeper, 8)})" if deeper else ""
    raise ConfigError(f"{named}: there is no recipe (*.yaml) in that folder{known}{hint}")


def _local(text: str) -> Source:
    place = typed(text).absolute()
    if place.is_symlink():
        raise ConfigError(f"{text}: is a link; name the recipe itself")
    if place.is_dir():
        own = sorted(file.name for kind in ENDINGS for file in place.glob(f"*{kind}"))
        if not own:
            raise ConfigError(f"{text}: there is no recipe (*.yaml) in that folder")
        return _rooted(place, own, text)
    if not place.is_file():
        raise ConfigError(
            f"{text}: there is no such file or folder; a source is a path, "
            "git+https://host/repository@ref#path, or https://host/recipe.yaml"
        )
    return _rooted(place.parent, [place.name], text)


def _rooted(folder: Path, names: list[str], text: str) -> Source:
    """Return a local source whose root is its folder of recipes, where parents are found."""
    root = next((one for one in (folder, *folder.parents) if one.name == "recipes"), folder)
    below = folder.relative_to(root)
    return Source(Folder(root), [(below / name).as_posix() for name in names], redacted(text))
