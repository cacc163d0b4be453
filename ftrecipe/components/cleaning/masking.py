"""What all steps share that hide something: it is masked, removed, or its row is dropped."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import NamedTuple

from ftrecipe.components.cleaning import Cleaning, Log
from ftrecipe.data.example import Example

_DIGITS = "0123456789"
_ANY_DIGIT = re.compile(r"\d")
_ROUNDS = 8


class Action(Enum):
    """What becomes of what a step finds. In quarantine and samples it is masked always."""

    mask = "mask"  # a tag takes its place
    remove = "remove"  # nothing does
    drop = "drop"  # the whole row is left out


class Hider(NamedTuple):
    """One kind of thing to hide; `hide` returns a text with `tag` in its places.

    digits: how many digits it has at least, which spares the search in most texts.
    """

    kind: str
    tag: str
    hide: Callable[[str, str], str]
    digits: int = 0


@dataclass
class Masking(Cleaning):
    """A step that hides. It looks at every text of an example: names and tools' arguments too."""

    action: Action = Action.mask

    def hiders(self) -> list[Hider]:
        """Return what is hidden, in the order in which it is looked for."""
        raise NotImplementedError

    def mask(self, text: str) -> str:
        return _hidden(text, self.hiders(), [], remove=False)

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        found: list[str] = []
        remove = self.action is Action.remove
        hide = partial(_hidden, hiders=self.hiders(), found=found, remove=remove)
        for example in examples:
            found.clear()
            after = example.map_all(hide)
            if not found:
                yield example
                continue
            kinds = sorted(set(found))
            if self.action is Action.drop:
                log.drop(example, f"holds {kinds[0]}")
                continue
            log.change(example.where, kinds, _shown(example), _shown(after))
            yield after

    def tag_faults(self, key: str = "tag") -> list[str]:
        """Say which tags would themselves be taken for what they hide."""
        return [
            f"{key}={hider.tag}: would itself be taken for {other.kind}"
            for hider in self.hiders()
            for other in self.hiders()
            if other.hide(f"a {hider.tag} b", "") != f"a {hider.tag} b"
        ]


def _hidden(text: str, hiders: list[Hider], found: list[str], remove: bool) -> str:
    """Return a text with all hidden that is to be; the kinds that were are added to `found`.

    What is hidden can lay open what stood close to it, so it is looked at again.
    """
    for _ in range(_ROUNDS):
        before, digits = text, -1
        for hider in hiders:
            if hider.digits:
                digits = digits if digits >= 0 else _count_of_digits(text)
                if digits < hider.digits:
                    continue
            after = hider.hide(text, "" if remove else hider.tag)
            if after != text:
                found.append(hider.kind)
                text = after
        if text == before:
            break
    return text


def _count_of_digits(text: str) -> int:
    if text.isascii():
        return sum(map(text.count, _DIGITS))
    return len(_ANY_DIGIT.findall(text))


def _shown(example: Example) -> str:
    """Return all that was said, and by whom, for a sample."""
    said = []
    for value in example.plain().values():
        messages = value if isinstance(value, list) else []
        said += [value] if isinstance(value, str) else [_line(message) for message in messages]
    return "\n".join(said)


def _line(message: object) -> str:
    if not isinstance(message, dict):
        return str(message)
    extra = [str(value) for key, value in message.items() if key not in ("role", "content")]
    return " ".join([*extra, message.get("content", "")])
