"""Where an Ollama server answers: what people write for it, as an address."""

import os
from urllib.parse import urlsplit

VARIABLE = "OLLAMA_HOST"
PORT = 11434
PORTS = {"http": 80, "https": 443}  # of an address that names its scheme, as Ollama reads it
EVERYWHERE = ("0.0.0.0", "::")  # where a server listens, and nobody can be called
HERE = ("127.0.0.1", "::1", "localhost")


def address(host: str | None) -> str:
    """Return the address of a host as it was written, else of OLLAMA_HOST, else of this machine.

    Raises ValueError where it is none.
    """
    text = (host or os.environ.get(VARIABLE) or "127.0.0.1").strip()
    scheme = text.partition("://")[0] if "://" in text else None
    if scheme not in (None, *PORTS):
        raise ValueError(f"{text} is no address of an Ollama server; write http://<host>:{PORT}")
    parts = urlsplit(text if scheme else f"http://{text}")
    try:
        port = parts.port or PORTS.get(scheme or "", PORT)
    except ValueError:
        raise ValueError(f"{text}: its port is no number from 0 to 65535") from None
    name = parts.hostname or "127.0.0.1"
    name = "127.0.0.1" if name in EVERYWHERE else name
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme or 'http'}://{shown}:{port}{parts.path.rstrip('/')}"


def is_here(where: str) -> bool:
    """Tell whether an address is of this machine, so that no proxy lies between."""
    return urlsplit(where).hostname in HERE
