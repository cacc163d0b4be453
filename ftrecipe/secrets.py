"""What is secret, and text without it: by values of the environment, and by shapes of known keys.

What data says is not looked at here; cleaning does that.
"""

import html
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote

REDACTED = "[redacted]"
GIVEN = "FTRECIPE_SECRET_"  # begins the variables that carry secret values to workers
SHORTEST = 6  # characters; shorter values of the environment are words that anything may hold
WHOLE_WORD = 16  # characters; shorter values are taken for secret only as words of their own

# Words of variables' names; TOKENIZERS_PARALLELISM and HF_TOKEN_PATH hold no secret.
_NAMES = re.compile(
    r"(?:^|_)(?:TOKENS?|API_?KEYS?|SECRETS?|PASSWORDS?|PASSWD|PASS|PWD|PASSPHRASE|CREDENTIALS?|"
    r"ACCESS_?KEYS?(?:_ID)?|PRIVATE_?KEYS?|KEY$|AUTH|PGPASSWORD|CONNECTION_STRING)"
    r"(?:$|_(?!(?:PATH|FILE|DIR|URL|HOST|NAME|TYPE|MODE|SOCK|ENABLED|TTL|TIMEOUT)\b)[A-Z0-9_]*)"
)
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_NO_VALUE = frozenset({"disabled", "offline", "online", "enabled", "default", "dryrun"})

_KEY = (
    r"(?:(?:hub|api|auth|access|bearer|session|refresh|secret|private)[_-]?(?:token|key)s?|"
    r"passwords?|passwd|passphrase|secret|credentials?|aws_secret_access_key)"
)
# After a colon, a word that another one follows is a sentence: "password: always ask twice".
_SENTENCE = r"[^\W\d_]{1,30}[,.;!?]?[ ][^\W\d_]{1,30}(?:[\s,.;!?)]|\Z)"
_SCHEME = r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,29}://"  # bounded: text may be megabytes
_URL = re.compile(_SCHEME + r"[^\s\"'<>]+")
_QUERY = re.compile(
    r"(?i)[?&;](?:\w*token|auth|api_?key|key|sig|signature|\w*secret|password|passwd|pwd|"
    r"x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|googleaccessid)"
    r"=([^&#;]+)"
)
_CREDENTIALS = (
    _SCHEME + r"[^\s/?#:@]{0,200}:([^\s/?#]{1,500})@",  # https://user:password@host
    _SCHEME + r"([A-Za-z0-9_.~%-]{16,500})@",  # https://token@host
)
_PRIVATE_KEY = r"(-----BEGIN (?:[A-Z]+ ){0,5}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z))"
# What text has, in small letters, that may have a shape; and the shape, whose one group is secret.
# Sources: the documentation of the keys' issuers.
_SHAPES = tuple(
    (marks, re.compile(pattern))
    for marks, pattern in (
        *((("@",), pattern) for pattern in _CREDENTIALS),
        (("hf_",), r"\b(hf_[A-Za-z0-9]{16,})"),
        (("sk-",), r"\b(sk-[A-Za-z0-9_-]{0,80}?[A-Za-z0-9]{16}[A-Za-z0-9_-]*)"),
        (("gh",), r"\b(gh[pousr]_[A-Za-z0-9]{20,})"),
        (("github_pat_",), r"\b(github_pat_[A-Za-z0-9_]{22,})"),
        (("glpat-",), r"\b(glpat-[A-Za-z0-9_-]{16,})"),
        (("xox",), r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,})"),
        (("akia", "asia"), r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b"),
        (("aiza",), r"\b(AIza[A-Za-z0-9_-]{35})"),
        (("pypi-",), r"\b(pypi-[A-Za-z0-9_-]{32,})"),
        # a JSON web token
        (("eyj",), r"\b(eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
        (("bearer ", "basic "), r"(?i)\b(?:bearer|basic) ([A-Za-z0-9._~+/-]{12,}={0,2})"),
        (
            ("token", "key", "pass", "secret", "credential"),
            rf"(?i)\b{_KEY}[\"']?[ ]?[=:][ ]?[\"']?(?:(?<!: )|(?!{_SENTENCE}))"
            r"([^\s\"',;&}\])\[{]{6,})",
        ),
        (("private key",), _PRIVATE_KEY),
    )
)
_KEY_NAME = re.compile(rf"(?i)(?:^|[._-]){_KEY}$")


@dataclass(frozen=True)
class Redactor:
    """Takes what is secret out of text, by the values that it knows, and by shape."""

    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Redactor":
        """Know the secret values of an environment, however they are quoted."""
        return _redactor(tuple(environment.items()))

    def __call__(self, text: str) -> str:
        """Return `text` with every secret in it replaced by `[redacted]`."""
        for value in self.values:
            if value in text:
                text = _without(text, value)
        if "://" in text:
            text = _URL.sub(lambda url: _QUERY.sub(_replaced, url[0]), text)
        small = text.lower()
        for marks, shape in _SHAPES:
            if any(mark in small for mark in marks):
                text = shape.sub(_replaced, text)
        return text

    def tree(self, value: Any) -> Any:
        """Return plain JSON values with every text in them redacted, and all below secret keys."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {
                self(key) if isinstance(key, str) else key: REDACTED
                if isinstance(below, str) and below and is_secret_key(str(key))
                else self.tree(below)
                for key, below in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.tree(item) for item in value]
        return value


@lru_cache(maxsize=8)
def _redactor(environment: tuple[tuple[str, str], ...]) -> Redactor:
    found = {form for value in _values(environment) for form in _forms(value)}
    return Redactor(tuple(sorted(found, key=len, reverse=True)))


def redacted(text: str) -> str:
    """Return `text` without the secrets of this process's environment, and without known shapes."""
    return Redactor.of(os.environ)(text)


def redacted_tree(value: Any) -> Any:
    """Return plain JSON values without secrets."""
    return Redactor.of(os.environ).tree(value)


def is_secret_name(name: str) -> bool:
    """Tell whether the name of an environment variable says that its value is secret."""
    upper = name.upper()
    return upper not in _FOLDERS and _NAMES.search(upper) is not None


def is_secret_key(key: str) -> bool:
    """Tell whether the name of a setting, `trainer.extra.hub_token`, says that it is secret."""
    return _KEY_NAME.search(key) is not None


def _values(environment: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in environment:
        parts = [
            found
            for shape in (*(one for _, one in _SHAPES), _QUERY)
            for found in shape.findall(value)
        ]
        yield from (part for part in parts if len(part) >= SHORTEST)
        secret = name.startswith(GIVEN) or is_secret_name(name)
        if secret and not (name.startswith(GIVEN) and parts) and _says_something(value):
            yield value
            yield from (line for line in value.splitlines() if len(line.strip()) >= WHOLE_WORD)


def _says_something(value: str) -> bool:
    """Tell a secret from a switch, a small number and a place."""
    return (
        len(value) >= SHORTEST
        and value.lower() not in _NO_VALUE
        and not (value.startswith("/") and os.path.exists(value))
    )


def _forms(value: str) -> set[str]:
    """Return how a value may be written: as it is, and quoted for URLs, HTML, JSON and Python."""
    forms = {value.strip(), unquote(value)}
    forms |= {quote(value, safe=""), quote(value), quote_plus(value), html.escape(value)}
    forms |= {
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
    }
    return {form for form in forms if len(form) >= SHORTEST}


def _without(text: str, value: str) -> str:
    if len(value) >= WHOLE_WORD:
        return text.replace(value, REDACTED)
    return re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", REDACTED, text)


def _replaced(found: "re.Match[str]") -> str:
    if REDACTED in found[1] or found[1] == REDACTED[1:-1]:
        return found[0]
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + REDACTED + found[0][end:]


class RedactedStream:
    """A text stream that lets no secret through; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write `text` without its secrets; return its length, as a caller expects."""
        self.stream.write(redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines without their secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
