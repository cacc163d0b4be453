"""Finds web addresses and e-mail addresses in text."""

import re

_URL = re.compile(
    r"(?:\b(?:https?|ftps?|wss?|file)://|\bwww\d?\.(?=[\w-]))[^\s<>\"`]+", re.IGNORECASE
)
# Without a scheme only where a path follows, and at the ends that links are shared with.
_BARE = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9-]{1,63}\.){1,4}"
    r"(?:com|org|net|io|me|ly|be|gl|gg|co|tv|de|uk|fr|es|it|nl|app|dev|ai|info)/[^\s<>\"`]+",
    re.IGNORECASE,
)
_CLOSING = {")": "(", "]": "[", "}": "{"}
_EMAIL = re.compile(
    r"[\w+][\w.+%'-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w@])"
)
_SPELLED = re.compile(  # alice (at) example (dot) com
    r"\b[\w.+-]{1,64} ?[\[(] ?at ?[\])] ?[\w-]{1,63}(?: ?(?:\.|[\[(] ?(?:dot|punkt|punto) ?[\])]) ?"
    r"[\w-]{1,63}){1,4}",
    re.IGNORECASE,
)


def hide_urls(text: str, tag: str) -> str:
    """Return text with `tag` in place of every web address; marks that end a sentence stay."""
    if "://" in text or "www" in text or "WWW" in text or "Www" in text:
        text = _URL.sub(lambda match: _replaced(match, tag), text)
    if "/" in text and "." in text:
        text = _BARE.sub(lambda match: _replaced(match, tag), text)
    return text


def _replaced(match: re.Match[str], tag: str) -> str:
    return tag + match[0][_end(match[0]) :]


def _end(url: str) -> int:
    """Return where an address ends: before marks of the sentence around it."""
    end = len(url)
    while end:
        last = url[end - 1]
        opening = _CLOSING.get(last)
        if last in ".,;:!?'*_’”»…" or (
            opening and url.count(last, 0, end) > url.count(opening, 0, end)
        ):
            end -= 1
        else:
            break
    return end


def hide_emails(text: str, tag: str) -> str:
    """Return text with `tag` in place of every e-mail address, spelled-out ones too."""
    if "@" in text:
        text = _EMAIL.sub(tag.replace("\\", r"\\"), text)
    if "at)" in text or "at]" in text or "AT)" in text or "at )" in text or "at ]" in text:
        text = _SPELLED.sub(tag.replace("\\", r"\\"), text)
    return text
