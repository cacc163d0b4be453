"""Asks whether a tracker's server is there, within seconds, before a run relies on it."""

import http.client
import urllib.error
import urllib.request

from ftrecipe.secrets import redacted

SECONDS = 3.0  # that a tracker's server has to answer before a run begins


def no_answer(server: str) -> str | None:
    """Return why a server gives no answer within seconds, None where it gives one of any kind.

    Asked as its own client will: through the proxies that the environment names.
    """
    try:
        request = urllib.request.Request(server, method="HEAD")
        urllib.request.urlopen(request, timeout=SECONDS).close()
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if (shown := redacted(server)) != server:  # the reason may repeat it out of its place
            return f"{shown} cannot be reached with a user and password in its address"
        return f"{server} cannot be reached: {reason}"
    return None
