"""Asks the Hugging Face hub once, before libraries do, whether what a run names can be had."""

import os
from typing import Any

from ftrecipe.errors import ConfigError, StageError
from ftrecipe.model_folder import CONFIG

SECONDS = 5.0  # that a hub has to answer; libraries ask seven times, over fifty seconds
OFFLINE = "HF_HUB_OFFLINE"


def reach_model(name: str, revision: str | None) -> str | None:
    """Look whether a model's config.json can be had; return a remark where only from the cache.

    Raises ConfigError where there is no such model, or it is gated, and StageError where the hub
    cannot be reached and nothing of the model is in the cache.
    """
    from huggingface_hub import constants, try_to_load_from_cache

    where = f"model.path={name}"
    why = f"{OFFLINE} is set" if constants.HF_HUB_OFFLINE else _asked(name, revision, where)
    if why is None:
        return None
    known = try_to_load_from_cache(name, CONFIG, revision=revision)
    if not isinstance(known, str):
        raise StageError(
            f"{where}: {why}, and this model is not in the cache here; connect, "
            "or name a folder with the model: model=./folder"
        )
    return None if constants.HF_HUB_OFFLINE else f"{why}; the model is taken from the cache"


def stay_offline() -> None:
    """Let no library of this process, and of its children, ask a hub that cannot be reached."""
    from huggingface_hub import constants

    os.environ[OFFLINE] = "1"
    constants.HF_HUB_OFFLINE = True


def unreachable() -> str | None:
    """Return why the hub cannot be asked, None where it answers."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.errors import HTTPError

    if constants.HF_HUB_OFFLINE:
        return None
    try:
        get_session().head(constants.ENDPOINT, timeout=SECONDS)
    except HTTPError as error:
        return _no_answer(error)
    return None


def _asked(name: str, revision: str | None, where: str) -> str | None:
    """Ask for the model's config.json; return why there was no answer, None where there was."""
    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    url = hf_hub_url(name, CONFIG, revision=revision)
    try:
        get_hf_file_metadata(url, token=get_token(), timeout=SECONDS)
    except GatedRepoError:
        raise ConfigError(f"{where}: {_gated(name)}") from None
    except RevisionNotFoundError:
        raise ConfigError(f"{where}: the hub has no revision {revision!r} of it") from None
    except RepositoryNotFoundError:
        raise ConfigError(
            f"{where}: the hub has no such model, or it is private and "
            f"{'this token may not see it' if get_token() else 'HF_TOKEN is not set'}; "
            "check the name, or name a folder: model=./folder"
        ) from None
    except RemoteEntryNotFoundError:
        raise ConfigError(f"{where}: has no config.json on the hub; it is no model") from None
    except HfHubHTTPError as error:
        return _refusal(error.response.status_code, name, where)
    except HTTPError as error:
        return _no_answer(error)
    return None


def _refusal(status: int, name: str, where: str) -> str:
    """Return why the hub did not answer. Raises ConfigError where it wants to know who asks."""
    if status in (401, 403):
        raise ConfigError(f"{where}: {_gated(name)}")
    return f"the hub answered with HTTP status {status}"


def _gated(name: str) -> str:
    """Say how a model is had that is given only to those who ask."""
    from huggingface_hub import constants, get_token

    page = f"{constants.ENDPOINT}/{name}"
    if get_token() is None:
        return (
            f"this model is gated, and HF_TOKEN is not set; accept its terms at {page}, "
            "then set HF_TOKEN to a token of yours"
        )
    return f"this model is gated, and the token in use may not read it; ask for access at {page}"


def _no_answer(error: Any) -> str:
    from huggingface_hub import constants

    reason = str(error) or type(error).__name__
    return f"the hub ({constants.ENDPOINT}) cannot be reached: {reason}"
