"""Gives the members of a chat pseudonyms, as senders and wherever their names are mentioned."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.cleaning import GROUP, Cleaning, Log
from ftrecipe.data.entries import Entry
from ftrecipe.registry import only_with

_LEAST = 3  # letters of a part of a name that is looked for in texts
_TOKEN = re.compile(r"\w+")
_BETWEEN = r"[\s().\u00a0\u2010-\u2015-]{0,3}"  # what may stand between the digits of a number
_LETTERS = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ADDRESS = re.compile(r"\w@\w|://|www\.|/\S*\?\S*=|\w\.\w{2,}/", re.IGNORECASE)
_ADDRESS_END = re.compile(r"[\s<>\"()]")
_FAR = 500  # characters in which an address around a name begins and ends
_FILE_NAME = "The file's name holds a member's name; rename it."
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NUMBER = re.compile(r"\+?[\d\s().\u00a0\u202f\u2010-\u2015-]{7,}")
_TITLES = ("dr", "mr", "mrs", "ms", "prof", "herr", "frau", "sir", "miss", "mme", "señor", "señora")


@cache
def _words() -> frozenset[str]:
    """Return the names that are words too: `will` is not always Will."""
    lines = (Path(__file__).parent / "names_that_are_words.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


class Style(Enum):
    """How pseudonyms are made."""

    numbered = "numbered"  # Person 1, in the order in which they appear
    hashed = "hashed"  # Person 3f9a1c: the same for a name in every export with the same key


@GROUP.option("pseudonyms")
@dataclass
class Pseudonyms(Cleaning):
    """Nobody is called by name; the assistant is still chosen by the real one.

    All senders are known before the first text is changed, so a name is hidden also where it is
    mentioned before its owner writes; for that a chat's entries are all held in memory. Hidden
    are whole names, first and last names, `@` mentions and numbers that stand for a name; within
    addresses they become `person1`, so that a later step still finds an address to hide. Names
    of people who never write, names of files and nicknames are not known.
    key: a secret for style=hashed; who has it (it is in the run's own files) can test a name.
    """

    eager: ClassVar[bool] = True

    style: Style = Style.numbered
    label: str = "Person"
    key: str | None = only_with("style=hashed", None)

    def __post_init__(self) -> None:
        self._aliases: dict[str, str] = {}  # not a setting: who was met so far
        self._shown: dict[str, str] = {}  # what is looked for in texts, in lower case or exactly
        self._pattern: re.Pattern[str] | None = None
        self._others: re.Pattern[str] | None = None  # of numbers, and names without word ends
        self._starts: set[str] = set()  # the first words of names, in lower case
        self._files: set[str] = set()  # names of files that were looked at

    def learn(self, entries: Sequence[Entry]) -> None:
        senders = dict.fromkeys(entry.sender for entry in entries if entry.sender is not None)
        for sender in senders:
            if sender not in self._aliases and not self._is_alias(sender):
                self._aliases[sender] = self._new(sender, senders)
        self._prepare()

    def _is_alias(self, name: str) -> bool:
        return re.fullmatch(rf"{re.escape(self.label)} [0-9a-f]+", name) is not None

    def _new(self, sender: str, senders: Iterable[str]) -> str:
        if self.style is Style.hashed:
            key = (self.key or "").encode("utf-8", "surrogatepass")[:64]
            digest = blake2b(sender.encode("utf-8", "surrogatepass"), key=key, digest_size=4)
            return f"{self.label} {digest.hexdigest()}"
        number = len(self._aliases) + 1
        while (alias := f"{self.label} {number}") in senders or alias in self._aliases.values():
            number += 1
        return alias

    def _prepare(self) -> None:
        """Put all names into one pattern, longer ones first; of two with one name the first."""
        exact: dict[str, str] = {}
        loose: dict[str, str] = {}
        for name, alias in self._aliases.items():
            for form, same_case in _forms(name, self.label):
                known = exact if same_case else loose
                known.setdefault(form if same_case else form.lower(), alias)
        self._shown = {**loose, **exact}
        forms = [_inflected(form, form in exact)
                 for form in sorted((*loose, *exact), key=len, reverse=True)]  # fmt: skip
        others = [_bounded(form) for form in self._shown if _UNSPACED.search(form)]
        for name, alias in self._aliases.items():
            if _is_number(name):
                self._shown[_digits(name)] = alias
                others.append(r"\+?" + _BETWEEN.join(_digits(name)) + r"(?!\d)")
        self._pattern = _any([*others, *forms], "@?")
        self._others = _any(others)
        starts = {_TOKEN.findall(form.lower())[0] for form in (*loose, *exact)}
        self._starts = starts | {f"{start}s" for start in starts}

    def alias(self, name: str) -> str:
        return self._aliases.get(name, name)

    def mask(self, text: str) -> str:
        if text in self._aliases:
            return self._aliases[text]
        if self._pattern is None or not self._may_name(text):
            return text
        return self._pattern.sub(self._replaced, text)

    def _may_name(self, text: str) -> bool:
        """Say at little cost whether somebody may be named: a pattern of many names is slow."""
        if not self._starts.isdisjoint(_TOKEN.findall(text.lower())):
            return True
        return self._others is not None and self._others.search(text) is not None

    def _replaced(self, match: re.Match[str]) -> str:
        found = " ".join(match[0].removeprefix("@").split())
        forms = (found, found.lower(), _digits(found))
        alias = next((self._shown[form] for form in forms if form in self._shown), self.label)
        if not _is_in_address(match):
            return alias
        return ("@" if match[0].startswith("@") else "") + "".join(alias.split()).lower()

    def entries(self, entries: Iterable[Entry], log: Log) -> Iterator[Entry]:
        for entry in entries:
            self._look_at(entry.where.file, log)
            sender = None if entry.sender is None else self.alias(entry.sender)
            text = self.mask(entry.text)
            reasons = ["sender"] if sender != entry.sender else []
            reasons += ["mention"] if text != entry.text else []
            if reasons:
                before = f"{entry.sender}: {entry.text}"
                log.change(entry.where, reasons, before, f"{sender}: {text}")
                entry = entry._replace(sender=sender, text=text)
            yield entry

    def _look_at(self, file: str, log: Log) -> None:
        """Note a file whose name tells who is in it."""
        if file not in self._files:
            self._files.add(file)
            spaced = file.replace("_", " ")
            if self.mask(spaced) != spaced:
                log.note(_FILE_NAME)

    def faults(self) -> list[str]:
        if self.style is Style.hashed and not self.key:
            return ["key is not set; without a secret anybody can test a name: key=<a secret>"]
        if not self.label.strip():
            return ["label is empty; it comes before the number: Person"]
        return []


def _any(forms: list[str], before: str = "") -> re.Pattern[str] | None:
    return re.compile(f"{before}(?:{'|'.join(forms)})") if forms else None


def _is_number(name: str) -> bool:
    return _NUMBER.fullmatch(name.strip("~ \u202f")) is not None and len(_digits(name)) >= 7


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _bounded(form: str) -> str:
    """Return a pattern for a form of a name as a word of its own, where words have ends."""
    pattern = r"\s+".join(map(re.escape, form.split()))
    return pattern if _UNSPACED.search(form) else rf"(?<!\w){pattern}(?!\w)"


def _inflected(form: str, same_case: bool) -> str:
    """Return a pattern for a form of a name, also before a genitive's `s`, which stays: Annas."""
    pattern = _bounded(form)
    if _UNSPACED.search(form):
        return pattern
    if same_case:
        return pattern.removesuffix(r"(?!\w)") + r"(?=s?(?!\w))"
    written = r"\s+".join(re.escape(word[:1].upper()) + f"(?i:{re.escape(word[1:])})"
                          for word in form.split())  # fmt: skip
    return rf"(?i:{pattern})|(?<!\w){written}(?=s(?!\w))"


def _is_in_address(match: re.Match[str]) -> bool:
    """Say whether a name stands within an e-mail address or a web address."""
    text, at = match.string, match.start()
    before = _ADDRESS_END.split(text[max(0, at - _FAR) : at])[-1]
    after = _ADDRESS_END.split(text[at : match.end() + _FAR], maxsplit=1)[0]
    return _ADDRESS.search(before + after) is not None


def _forms(name: str, label: str) -> Iterator[tuple[str, bool]]:
    """Yield the forms of a name, each with whether only its own case counts."""
    whole = name.strip("~ \u202f\u00a0")
    if not _LETTERS.search(whole) or label.lower() == whole.lower():
        return
    if len(whole) >= _LEAST or _UNSPACED.search(whole):
        yield whole, whole.lower() in _words()
    parts = [part for part in _LETTERS.findall(whole) if part.lower() not in _TITLES]
    if len(parts) > 1 or parts[:1] != [whole]:
        for number, part in enumerate(dict.fromkeys([*parts[:1], *parts[-1:]])):
            if len(part) >= _LEAST and part.lower() != label.lower():
                yield part, number > 0 or part.lower() in _words()
