"""Opens what lies behind a URL, through fsspec; a file is fetched once and read from a copy."""

import importlib
import importlib.util
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from ftrecipe.errors import DataError, did_you_mean
from ftrecipe.secrets import redacted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_COPIED = 2 * 2**30  # bytes; larger files are read where they lie
# What the drivers raise beside OSError.
_ERRORS = {
    "http": ("aiohttp", "ClientError"),
    "https": ("aiohttp", "ClientError"),
    "s3": ("botocore.exceptions", "BotoCoreError"),
    "s3a": ("botocore.exceptions", "BotoCoreError"),
    "gs": ("google.auth.exceptions", "GoogleAuthError"),
    "gcs": ("google.auth.exceptions", "GoogleAuthError"),
}


@dataclass(frozen=True)
class Url:
    """A file, a folder or a glob behind a URL."""

    text: str

    def __str__(self) -> str:
        return redacted(self.text)

    @property
    def scheme(self) -> str:
        """What comes before `://`, in small letters."""
        found = _SCHEME.match(self.text)
        assert found is not None
        return found.group(1).lower()

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(re.split("[?#]", str(self))[0]).name

    def check(self) -> None:
        """Raise DataError when nothing here can open such a URL; asks no network."""
        if importlib.util.find_spec("fsspec") is None:
            raise DataError(f"{self}: a URL needs the package fsspec; pip install 'ftrecipe[data]'")
        from fsspec.registry import known_implementations

        known = known_implementations.get(self.scheme)
        if known is None:
            hint = did_you_mean(self.scheme, known_implementations)
            raise DataError(f"{self}: {self.scheme}:// is no kind of URL that is known{hint}")
        package = known["class"].split(".")[0]
        if importlib.util.find_spec(package) is None:
            raise DataError(f"{self}: {self.scheme}:// needs the package {package}; "
                            f"pip install {package}")  # fmt: skip


def is_url(text: str) -> bool:
    """Say whether `text` begins as a URL does."""
    return _SCHEME.match(text) is not None


@dataclass(frozen=True)
class Remote:
    """One file behind a URL."""

    url: Url
    address: str  # as its file system names it
    system: "AbstractFileSystem"
    info: dict[str, Any]

    @property
    def size(self) -> int:
        """Its bytes; 0 where the server does not say."""
        return self.info.get("size") or 0

    def mark(self) -> str:
        """Return what changes when the file does, as far as its server tells."""
        keys = ("ETag", "etag", "mtime", "LastModified", "last_modified", "created", "size")
        return " ".join(f"{key}={self.info[key]}" for key in keys if self.info.get(key) is not None)

    def open(self) -> IO[bytes]:
        """Open its bytes."""
        if self.size > _COPIED:
            with _said(self.url):
                return self._opened()
        return open(self._copy.name, "rb")

    def _opened(self) -> Any:
        return self.system.open(self.address, "rb")

    @cached_property
    def _copy(self) -> Any:
        """A copy that is gone when this object is."""
        copy = tempfile.NamedTemporaryFile(prefix="ftrecipe-")  # noqa: SIM115
        with _said(self.url), self._opened() as source:
            while piece := source.read(2**20):
                copy.write(piece)
        copy.flush()
        return copy


def remote_files(url: Url, wanted: Callable[[str], bool]) -> list[tuple[str, Remote]]:
    """Return the files behind `url` with their names; those of a folder or glob that are `wanted`.

    Raises DataError when there are none, or they cannot be reached.
    """
    url.check()
    with _said(url):
        import fsspec

        system, root = fsspec.core.url_to_fs(url.text)
        if url.scheme in ("http", "https"):
            return [(url.name, Remote(url, root, system, system.info(root)))]
        return list(_listed(url, system, root, wanted))


def _listed(
    url: Url, system: "AbstractFileSystem", root: str, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, Remote]]:
    if any(mark in root for mark in "*?[") and not system.exists(root):
        found: Any = system.glob(root, detail=True)
        base = re.split(r"[*?\[]", root)[0].rpartition("/")[0]
    elif system.isdir(root):
        found, base = system.find(root, detail=True), root.rstrip("/")
    else:
        yield url.name, Remote(url, root, system, system.info(root))
        return
    for address, info in sorted(found.items()):
        name = address.removeprefix(base).lstrip("/")
        if info.get("type") == "file" and wanted(name):
            yield name, Remote(url, address, system, info)


@contextmanager
def _said(url: Url) -> Iterator[None]:
    """Turn what goes wrong on the way into a DataError that names the URL."""
    try:
        yield
    except ImportError as error:
        raise DataError(f"{url}: {error}") from None
    except (OSError, ValueError, *_errors(url.scheme)) as error:
        raise DataError(f"{url} {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    """Say why a URL cannot be read; fsspec takes every fault of a server for a missing file."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
    status = vars(cause).get("status")
    if status not in (None, 404):
        return f"cannot be read: HTTP status {status}"
    if status == 404 or isinstance(cause, FileNotFoundError):
        return "does not exist" + (" (HTTP status 404)" if status else "")
    return f"cannot be read: {cause or type(cause).__name__}"


def _errors(scheme: str) -> tuple[type[BaseException], ...]:
    module, name = _ERRORS.get(scheme, ("", ""))
    if not module or importlib.util.find_spec(module.split(".")[0]) is None:
        return ()
    return (vars(importlib.import_module(module))[name],)
