"""Pushes one folder to a repository of the hub: files of known kinds, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from ftrecipe.digest import sha256
from ftrecipe.errors import ConfigError, StageError, did_you_mean
from ftrecipe.hub import unreachable

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.gguf")
# What a model is; nothing else leaves this machine. A gate.json quotes the data, so it stays.
KINDS = (
    *WEIGHTS, "README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "config.json",
    "generation_config.json", "adapter_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt",
    "tokenizer.model", "spiece.model", "chat_template.jinja", "additional_chat_templates/*.jinja",
)  # fmt: skip


@dataclass(frozen=True)
class Pushed:
    """What went to one repository. files: SHA-256 by name. removed: weights of an earlier push."""

    repo_id: str
    private: bool
    commit: str
    url: str
    files: dict[str, str]
    left_out: list[str]
    removed: list[str]


def known(name: str, kinds: tuple[str, ...] = KINDS) -> bool:
    """Tell whether a file of that name, folders and all, is of one of these kinds."""
    return any(fnmatchcase(name, kind) and name.count("/") == kind.count("/") for kind in kinds)


def files_of(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the files that may be pushed by their names, and the names of the others."""
    every = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    sent = {name: file for name, file in every.items() if known(name)}
    return sent, [name for name in every if name not in sent]


def quoting(folder: Path, place: str) -> list[str]:
    """Return the settings among the files to push that name `place`, a folder of this machine."""
    if not Path(place).is_absolute():
        return []
    sent = files_of(folder)[0].items()
    settings = [(name, file) for name, file in sent if name.endswith("config.json")]
    return [name for name, file in settings if place in file.read_text("utf-8")]


def push(folder: Path, repo_id: str, private: bool, message: str) -> Pushed:
    """Make the repository if need be, and put a folder's files there in one commit.

    Raises ConfigError for a repository that is public and was to be private, StageError where the
    hub does not take it.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    files, left_out = files_of(folder)
    hashes = {name: sha256(file) for name, file in files.items()}
    with answering(repo_id):
        api = HfApi()
        api.create_repo(repo_id, private=private, exist_ok=True)
        there = api.model_info(repo_id)
        if private and not there.private:
            raise ConfigError(public(repo_id))
        old = [each.rfilename for each in there.siblings or []]
        removed = [name for name in old if known(name, WEIGHTS) and name not in files]
        commit = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, file) for name, file in files.items()),
                *(CommitOperationDelete(name) for name in removed),
            ],
            commit_message=message,
        )
    url = str(commit.repo_url)
    return Pushed(repo_id, bool(there.private), commit.oid, url, hashes, left_out, removed)


def lacking(repo_ids: list[str], private: bool) -> Iterator[str]:
    """Yield why nothing could be pushed to these repositories now; asks the hub."""
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import HfHubHTTPError, HTTPError

    if constants.HF_HUB_OFFLINE:
        yield "HF_HUB_OFFLINE is set, and pushing needs the hub; unset it"
    elif get_token() is None:
        yield (
            "there is no token for the hub here; set HF_TOKEN to one that may write, or log in: "
            "hf auth login"
        )
    elif why := unreachable():
        yield why
    else:
        try:
            yield from _refusals(HfApi(), repo_ids, private)
        except HfHubHTTPError as error:
            yield _status(error)
        except HTTPError as error:
            yield f"the hub cannot be asked: {error}"


def _refusals(api: "HfApi", repo_ids: list[str], private: bool) -> Iterator[str]:
    """Yield why this account or its token cannot write there, and repositories that are public."""
    from huggingface_hub.errors import RepositoryNotFoundError

    who = api.whoami()
    if who.get("auth", {}).get("accessToken", {}).get("role") == "read":
        yield "the token for the hub may only read; set HF_TOKEN to one that may write"
    own = [who["name"], *(each["name"] for each in who.get("orgs", []))]
    for space in dict.fromkeys(repo_id.partition("/")[0] for repo_id in repo_ids):
        if space not in own:
            yield (
                f"repo_id={repo_ids[0]}: the token's account {who['name']} is not {space}, nor in "
                f"an organization of that name{did_you_mean(space, own)}"
            )
            return
    for repo_id in repo_ids if private else []:
        try:
            there = api.model_info(repo_id)
        except RepositoryNotFoundError:  # it will be made
            continue
        if not there.private:
            yield public(repo_id)


def public(repo_id: str) -> str:
    """Say that a repository is not private, which a push does not change."""
    return (
        f"repo_id={repo_id}: this repository is there and public; make it private on the hub, "
        "name another one, or say export.hub.private=false"
    )


@contextmanager
def answering(repo_id: str) -> Iterator[None]:
    """Raise StageError, in a line, where the hub does not answer or does not take something."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError as error:
        raise StageError(f"export.hub: {repo_id}: {_status(error)}") from None
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise StageError(f"export.hub: {repo_id}: the hub cannot be reached: {error}") from None
    except RuntimeError as error:  # how the client says that the upload of a file broke off
        why = f"{error} {error.__cause__ or ''}".splitlines()[0].strip()
        raise StageError(f"export.hub: {repo_id}: {why}") from error


def _status(error: "HfHubHTTPError") -> str:
    """Return what the hub said, in a line."""
    code = error.response.status_code
    if code == 401:
        return "the hub does not know this token; set HF_TOKEN to a valid one that may write"
    said = error.server_message or "no reason given"
    return f"the hub answered with HTTP status {code}: {said}"
