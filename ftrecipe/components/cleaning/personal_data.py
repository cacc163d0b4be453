"""Hides what names a person or opens an account: addresses, numbers, keys; one step for all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from ftrecipe.components.cleaning import GROUP, Log, package_faults
from ftrecipe.components.cleaning.credentials import hide_secrets
from ftrecipe.components.cleaning.identifiers import (
    hide_addresses,
    hide_cards,
    hide_ibans,
    hide_national_ids,
)
from ftrecipe.components.cleaning.links import hide_emails, hide_urls
from ftrecipe.components.cleaning.masking import Hider, Masking
from ftrecipe.components.cleaning.phones import hide_phones, note_numbers, region_faults
from ftrecipe.components.cleaning.recognizer import hide_entities
from ftrecipe.data.example import Example
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.registry import only_with

# In the order in which they are looked for: a card number is no phone number.
_HIDES = {
    hider.kind: hider
    for hider in (
        Hider("secret", "<SECRET>", hide_secrets),
        Hider("url", "<URL>", hide_urls),
        Hider("email", "<EMAIL>", hide_emails),
        Hider("iban", "<IBAN>", hide_ibans, digits=8),
        Hider("card", "<CARD>", hide_cards, digits=12),
        Hider("ip", "<IP>", hide_addresses, digits=1),
        Hider("national_id", "<ID>", hide_national_ids, digits=7),
        Hider("phone", "<PHONE>", hide_phones, digits=7),
    )
}


class Library(Enum):
    """What can find more than patterns can: names of people and places."""

    presidio = "presidio"


@GROUP.option("personal_data")
@dataclass
class PersonalData(Masking):
    """All kinds of personal data that a pattern and a check digit can find with few mistakes.

    kinds: which; `url` is one too. tags: the tag of a kind, where another is wanted.
    region: the country (US, DE) whose phone numbers are found also without +.
    library: presidio finds names and places too, in texts of `language`; much slower.
    """

    kinds: list[str] = field(default_factory=lambda: [kind for kind in _HIDES if kind != "url"])
    tags: dict[str, str] = field(default_factory=dict)
    region: str | None = None
    library: Library | None = None
    language: str = only_with("library", "en")

    def hiders(self) -> list[Hider]:
        found = [hider for kind, hider in _HIDES.items() if kind in self.kinds]
        found = [hider._replace(tag=self.tags.get(hider.kind, hider.tag)) for hider in found]
        if self.region and "phone" in self.kinds:
            found[-1] = found[-1]._replace(hide=partial(hide_phones, region=self.region))
        if self.library is not None:
            entities = partial(hide_entities, language=self.language)
            found.append(Hider("name", self.tags.get("name", "<NAME>"), entities))
        return found

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        for example in super().examples(examples, log):
            if "phone" in self.kinds:
                note_numbers(example, self.region, log)
            yield example

    def faults(self) -> list[str]:
        found = [
            f"{key}: {kind} is not a kind{did_you_mean(kind, _HIDES)} (known: {listed([*_HIDES])})"
            for key, named in (("kinds", self.kinds), ("tags", self.tags))
            for kind in named
            if kind not in _HIDES and not (key == "tags" and kind == "name")
        ]
        found += region_faults(self.region) if "phone" in self.kinds else []
        if self.library is not None:
            found += package_faults(f"library={self.library.value}", "presidio_analyzer")
        return found or self.tag_faults("tags")
