"""Fetches one recipe from the web: https only, to its end only if it is small."""

import http.client
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from ftrecipe.door.vet import LARGEST
from ftrecipe.errors import ConfigError
from ftrecipe.secrets import redacted

PATIENCE = 20.0  # seconds without an answer
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


def fetch(url: str) -> bytes:
    """Return the bytes behind `url`. Raises ConfigError where they cannot or may not be taken."""
    check(url)
    opener = urllib.request.build_opener(_Redirects)
    try:
        with opener.open(urllib.request.Request(url), timeout=PATIENCE) as answer:
            data = answer.read(LARGEST + 1)
    except urllib.error.HTTPError as error:
        raise ConfigError(f"{redacted(url)}: HTTP status {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ConfigError(f"{redacted(url)}: cannot be read: {redacted(str(reason))}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{redacted(url)}: larger than {LARGEST // 1024} KiB, so it is no recipe")
    if data.lstrip()[:15].lower().startswith((b"<!doctype", b"<html")):
        raise ConfigError(
            f"{redacted(url)}: is a web page; give the address of the file "
            "itself, or of a repository: git+https://…"
        )
    return data


def check(url: str) -> None:
    """Raise ConfigError for an address at which somebody on the way could change the recipe."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"{redacted(url)}: is no address: {error}") from None
    if parts.username is not None:
        raise ConfigError(
            f"{redacted(url)}: a user and password in an address are not sent; for what is not "
            "public, git+https://… with your credential helper, or git@host:repository"
        )
    safe = parts.scheme == "https"
    if not safe and not (parts.scheme == "http" and parts.hostname in THIS_MACHINE):
        raise ConfigError(
            f"{redacted(url)}: only https:// is taken, so that nobody on the way changes the recipe"
        )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where one could have asked at first."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Check the new address."""
        check(newurl)
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise ConfigError(f"{redacted(req.full_url)}: leads away from https://")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
