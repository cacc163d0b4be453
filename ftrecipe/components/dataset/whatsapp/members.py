"""Finds out who wrote: where a name ends, if it has colons, and what is no name but a notice."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ftrecipe.components.dataset.whatsapp.headers import MARKS, SPACES
from ftrecipe.components.dataset.whatsapp.phrases import MARK, Phrases, trimmed

_MOST = 200_000  # names that are kept apart while counting
_LONGEST = 120  # characters of a name
_RARE = 5  # a notice does not come as often as this with the same words before a colon
_SETTLED = 200  # messages after which it is plain whether a name has a colon
_SECOND = 60  # how far on a second colon is looked for
_PAIRS = ("“”", "„“", "«»", "「」", "『』", "‹›", "《》")
_LABELS = frozenset({
    "note", "ps", "p.s", "edit", "update", "re", "fwd", "fw", "question", "answer", "q", "a", "ok",
    "todo", "reminder", "fyi", "link", "https", "http", "time", "date", "location", "poll",
    "option", "total", "status", "tip", "ad", "cc",
})  # fmt: skip
_MARKS = re.compile(f"[{MARKS}]+")
_ODD_SPACES = re.compile(f"[{SPACES}]+")
_SENDER = re.compile(
    rf"(?s)(?P<name>[^\n:：]{{1,{_LONGEST}}}?)[{SPACES}{MARKS}]*+"
    rf"[:：](?=[{SPACES}{MARKS}\n]|$)(?P<text>.*)"
)


def display(name: str) -> str:
    """Return a name without marks, odd spaces, and the `~` of those who are no contact."""
    seen = _ODD_SPACES.sub(" ", _MARKS.sub("", name)).strip()
    return seen[1:].lstrip() if seen.startswith("~") and seen.strip("~ ") else seen


@dataclass
class NameCount:
    """What stood before the first colon of each message, and between that and the second."""

    firsts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, Counter[str]] = field(default_factory=dict)
    marked: Counter[str] = field(default_factory=Counter)  # how often the app's mark came after it
    colons: set[str] = field(default_factory=set)  # names with a colon before the app's mark
    _settled: set[str] = field(default_factory=set)  # names that many texts have shown to be whole

    def add(self, bodies: list[str]) -> None:
        """Count the texts of one piece that have a colon somewhere."""
        names = [body.partition(": ")[0] for body in bodies]
        self.firsts.update(names)
        both = zip(names, bodies, strict=True)
        for first, body in [(first, body) for first, body in both if first not in self._settled]:
            at = len(first) + 2
            if (end := body.find(": ", at, at + _SECOND)) > 0:
                self.seconds.setdefault(first, Counter())[body[at:end]] += 1
        for first in set(names) - self._settled:
            if self.firsts[first] > _SETTLED:
                twice = sum(self.seconds.get(first, Counter()).values())
                if 2 * twice < self.firsts[first]:
                    self._settled.add(first)
        for body in [body for body in bodies if MARK in body and f": {MARK}" in body]:
            name = body.partition(f": {MARK}")[0]
            first = name.partition(": ")[0]
            if first != name and "\n" not in name and len(name) <= _LONGEST:
                self.colons.add(name)
            self.marked[first] += first == name
        if len(self.firsts) > _MOST:
            self._forget()

    def _forget(self) -> None:
        """Drop what came once, if names are as many as messages: notices without a sender."""
        self.firsts = Counter({name: many for name, many in self.firsts.items() if many > 1})
        self.seconds = {name: self.seconds[name] for name in self.firsts if name in self.seconds}

    def suspects(self) -> dict[str, set[str]]:
        """Return the words before a first colon that may be no whole name, with what may follow."""
        found: dict[str, set[str]] = {}
        for first, seconds in self.seconds.items():
            likely = {
                second for second, many in seconds.items() if self._likely(first, second, many)
            }
            if (
                likely
                and "\n" not in first
                and 2 * sum(seconds[s] for s in likely) >= self.firsts[first]
            ):
                found[first] = likely
        return found

    def _likely(self, first: str, second: str, many: int) -> bool:
        if f"{first}: {second}" in self.colons:
            return True
        letter = trimmed(second)[:1]
        return (
            many > 1
            and "\n" not in second
            and len(second.split()) <= 5
            and not letter.islower()
            and second[-1:] not in "?!.,;)"
            and "//" not in second
            and second.casefold() not in _LABELS
            and second not in self.firsts  # somebody is quoted
        )


@dataclass
class Members:
    """Who may have written a message.

    whole: what stands before a first colon and is a whole name, with the name to show.
    long: names that have a colon in them, by what is before that.
    groups: names after which only the app wrote: the group's own.
    """

    phrases: Phrases
    whole: dict[str, str] = field(default_factory=dict)
    long: dict[str, list[str]] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, count: NameCount, seen: Iterable[str], phrases: Phrases) -> "Members":
        """Decide from the counts; `seen` are all messages that a suspect name begins."""
        members = cls(phrases)
        members.long = _long_names(count.suspects(), seen)
        for name, many in count.firsts.items():
            if name in members.long or not members.is_name(name, many):
                continue
            members.whole[name] = display(name)
            if count.marked[name] == many:
                members.groups.add(display(name))
        return members

    def is_name(self, name: str, many: int = 1) -> bool:
        """Say whether what stands before a colon names somebody, and does not tell something."""
        if "\n" in name or len(name) > _LONGEST or not display(name):
            return False
        return many >= _RARE or not (_in_quotes(name) or self.phrases.names_something(name))

    def split(self, body: str) -> tuple[str | None, str]:
        """Divide what follows a header into sender and text; the sender of a notice is None."""
        first, colon, text = body.partition(": ")
        for name in self.long.get(first, ()):
            if body.startswith(f"{name}: "):
                return display(name), body[len(name) + 2 :]
            if colon and trimmed(body).startswith(f"{name} "):
                return None, body
        if colon and first in self.whole:
            return self.whole[first], text
        found = _SENDER.match(body)
        if found is None or not self.is_name(found["name"]):
            return None, body
        rest = found["text"]
        if not rest.strip() and "\n" not in rest and found["name"] not in self.whole:
            known = display(found["name"]) in self.whole.values()
            return (display(found["name"]), "") if known or _short(found["name"]) else (None, body)
        return display(found["name"]), rest


def _short(name: str) -> bool:
    return len(name.split()) <= 4


def _in_quotes(text: str) -> bool:
    """Say whether a text ends inside quotation marks: what is after it is quoted too."""
    if text.count('"') % 2:
        return True
    if "„" in text:
        return text.count("„") > text.count("“") + text.count("”")
    return any(text.count(pair[0]) > text.count(pair[1]) for pair in _PAIRS)


def _long_names(suspects: dict[str, set[str]], seen: Iterable[str]) -> dict[str, list[str]]:
    """Keep the suspects of which every message goes on as a longer name would."""
    refuted: set[str] = set()
    for body in seen:
        first, _, rest = body.partition(": ")
        if first in suspects and not any(
            rest.startswith((f"{second}: ", f"{second} ", f"{second}'"))
            for second in suspects[first]
        ):
            refuted.add(first)
    return {
        first: sorted((f"{first}: {second}" for second in seconds), key=len, reverse=True)
        for first, seconds in suspects.items()
        if first not in refuted
    }
