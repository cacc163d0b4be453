"""Reads files out of one commit of a git repository: fetched by git, never checked out.

No hook, filter, submodule or link of the repository has any effect, and git asks nothing.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.errors import ConfigError
from ftrecipe.exchange.tree import LARGEST, text_only, too_large
from ftrecipe.secrets import redacted

PROTOCOLS = "https:ssh:file"
REF = re.compile(r"[A-Za-z0-9][\w./-]{0,199}")
PATIENCE = 120  # seconds that one fetch may take
LINK, SUBMODULE = "120000", "160000"
SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false",
    "transfer.fsckObjects=true", "protocol.ext.allow=never", "gc.auto=0",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of `git ls-tree`."""

    mode: str
    digest: str
    size: int


@dataclass(frozen=True)
class Commit:
    """The files of one commit."""

    repository: Path
    commit: str
    entries: dict[str, Entry]

    def names(self) -> list[str]:
        """Return the plain files; links and submodules are none."""
        return [name for name, one in self.entries.items() if one.mode not in (LINK, SUBMODULE)]

    def has(self, name: str) -> bool:
        """Tell whether there is anything of this path."""
        return name in self.entries

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        entry = self.entries.get(name)
        if entry is None:
            raise ConfigError(f"{name}: there is no such file in commit {self.commit[:12]}")
        if entry.mode in (LINK, SUBMODULE):
            raise ConfigError(f"{name}: is a link; a shared recipe holds plain files only")
        if entry.size > LARGEST:
            raise too_large(name, entry.size)
        return text_only(name, _git(self.repository, "cat-file", "blob", entry.digest))


@contextmanager
def fetched(url: str, ref: str | None) -> Iterator[Commit]:
    """Give the files of `ref` (a branch, tag or commit; None: the default branch) for a while.

    Raises ConfigError with git's own reason where it cannot be fetched.
    """
    if shutil.which("git") is None:
        raise ConfigError(f"{redacted(url)}: git is not installed here")
    if ref is not None and (not REF.fullmatch(ref) or ".." in ref):
        raise ConfigError(f"{redacted(url)}@{ref}: {ref} is no branch, tag or commit")
    with tempfile.TemporaryDirectory(prefix="ftrecipe-git-") as scratch:
        repository = Path(scratch)
        _git(repository, "init", "--quiet", "--bare", "--template=", ".")
        try:
            _git(
                repository, "fetch", "--quiet", "--depth=1", "--no-tags",
                "--no-recurse-submodules", "--", url, ref or "HEAD",
            )  # fmt: skip
        except ConfigError as error:
            where = f"{redacted(url)}@{ref}" if ref else redacted(url)
            raise ConfigError(f"{where}: {fault}" for fault in error.faults) from None
        commit = _git(repository, "rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
        yield Commit(repository, commit, dict(_entries(repository, commit)))


def _entries(repository: Path, commit: str) -> Iterator[tuple[str, Entry]]:
    listed = _git(repository, "ls-tree", "-r", "-l", "-z", commit)
    for line in filter(None, listed.decode("utf-8", "replace").split("\0")):
        about, _, name = line.partition("\t")
        mode, _, digest, size = about.split()
        yield name, Entry(mode, digest, 0 if size == "-" else int(size))


def _git(repository: Path, *words: str) -> bytes:
    """Run git in `repository`; return what it prints. Raises ConfigError with its last words."""
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    environment = {name: value for name, value in os.environ.items() if name != "GIT_DIR"} | {
        "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": PROTOCOLS, "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C",
    }  # fmt: skip
    try:
        done = subprocess.run(
            ["git", *settings, *words], cwd=repository, env=environment, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ConfigError(f"git {words[0]}: nothing came within {PATIENCE} s") from None
    if done.returncode:
        said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line]
        reason = next((line for line in said if line.startswith(("fatal", "error"))), "failed")
        raise ConfigError(f"git {words[0]}: {redacted(reason)}")
    return done.stdout
