"""The markup of Slack's messages, turned into the text that members see."""

import re
from collections.abc import Callable, Mapping

_MARK = re.compile(r"<([^<>]+)>")
_ESCAPED = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))  # all that Slack escapes; & comes last


def plain(text: str, member: Callable[[str], str], channels: Mapping[str, str]) -> str:
    """Return `text` with mentions as names and links as their labels."""

    def replaced(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target.startswith("@"):
            return f"@{label or member(target[1:])}".replace("@@", "@")
        if target.startswith("#"):
            return f"#{label or channels.get(target[1:], target[1:])}"
        if target.startswith("!"):
            return label or f"@{target[1:].partition('^')[0]}"
        return label or target.removeprefix("mailto:")

    if "<" in text:
        text = _MARK.sub(replaced, text)
    if "&" in text:
        for escaped, character in _ESCAPED:
            text = text.replace(escaped, character)
    return text
