"""Finds what opens an account: keys of services, private keys, tokens, passwords."""

import re

_KEYS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}                      # AWS
    | sk-[A-Za-z0-9_-]{20,}                                    # OpenAI, Anthropic
    | [sr]k_(?:live|test)_[A-Za-z0-9]{16,}                     # Stripe
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{22,}          # GitHub
    | glpat-[\w-]{20,} | xox[abeoprs]-[\w-]{10,}               # GitLab, Slack
    | AIza[\w-]{35} | ya29\.[\w-]{20,}                         # Google
    | hf_[A-Za-z0-9]{20,} | npm_[A-Za-z0-9]{36} | pypi-[\w-]{40,} | dop_v1_[a-f0-9]{64}
    | SG\.[\w-]{16,}\.[\w-]{16,} | \d{8,10}:AA[\w-]{33}        # SendGrid, Telegram
    | eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?                  # JWT
    )""",
    re.VERBOSE,
)
_MARKS = ("AKIA", "ASIA", "ABIA", "ACCA", "sk-", "k_live_", "k_test_", "ghp_", "gho_", "ghu_",
          "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza", "ya29.", "hf_", "npm_", "pypi-",
          "dop_v1_", "SG.", ":AA", "eyJ")  # fmt: skip
_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_NAMES = (
    r"pass(?:word|wd|phrase|wort|code)?|pwd|contraseña|mot de passe|senha|secret(?:[_-]?key)?"
    r"|(?:api|private)[_-]?key|(?:access|auth|refresh|bearer)[_-]?token|client[_-]?secret"
)
_NAMED = re.compile(
    rf"(?P<name>(?:{_NAMES})[\"']?)(?P<gap>\s?(?:[:=]|\b(?:is|ist|lautet|est|es|é)\b)\s?)"
    r"(?:(?P<quote>[\"'])(?P<quoted>[^\"'\n]{4,200})(?P=quote)|(?P<bare>[^\s\"'`,;(){}<>\[\]]{4,200}))",
    re.IGNORECASE,
)
_SETS = re.compile(r"[:=]|\s(?:is|ist|lautet|est|es|é)\s", re.IGNORECASE)
_MENTIONS = ("pass", "pwd", "secret", "key", "token", "senha", "contrase")
_IDENTIFIER = re.compile(r"(?:[^\W\d]|[.’-])+[:.!?…]*")
_PLACEHOLDER = re.compile(
    r"(?:[*xX•.#_-]+|your[\w -]*|my[_-]?[^\W\d]+|[^\W\d]*pass(?:word|wort|wd)?|secret|string|none|"
    r"null|true|false|required|optional|https?:.*|\.\.\.|[%$]\w+.*|\{.*|<.*|.*\(\)?)[:.,!?]*",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<=://)[^\s/:@<>\"']{1,100}:[^\s/@<>\"']{1,200}(?=@)")
_BEARER = re.compile(r"(?<=\bBearer )[A-Za-z0-9._~+/-]{20,}=*")


def hide_secrets(text: str, tag: str) -> str:
    """Return text with `tag` in place of keys, tokens and the values that passwords are set to."""
    if any(mark in text for mark in _MARKS):
        text = _KEYS.sub(lambda _: tag, text)
    if "-----BEGIN" in text:
        text = _BLOCK.sub(lambda _: tag, text)
    if "://" in text and "@" in text:
        text = _USER.sub(lambda _: tag, text)
    if "Bearer " in text:
        text = _BEARER.sub(lambda _: tag, text)
    if _SETS.search(text) and any(map(text.lower().__contains__, _MENTIONS)):
        text = _NAMED.sub(lambda match: _value_hidden(match, tag), text)
    return text


def _value_hidden(match: re.Match[str], tag: str) -> str:
    """Hide the value only, unless it is a placeholder, a word of a sentence or a name in code."""
    value, quote = match["quoted"] or match["bare"], match["quote"] or ""
    if _PLACEHOLDER.fullmatch(value) or tag in value:
        return match[0]
    if not quote and not _is_bare_secret(match, value):
        return match[0]
    end = "" if quote else value[len(value.rstrip(".,:")) :]
    return f"{match['name']}{match['gap']}{quote}{tag}{end}{quote}"


def _is_bare_secret(match: re.Match[str], value: str) -> bool:
    follows = match.string[match.end() : match.end() + 1]
    if follows in ("(", "["):
        return False  # a call
    if not _IDENTIFIER.fullmatch(value):
        return True
    return match["gap"] == "=" and (not follows or follows.isspace()) and "." not in value
