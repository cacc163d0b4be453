"""Hides web addresses."""

from dataclasses import dataclass

from ftrecipe.components.cleaning import GROUP
from ftrecipe.components.cleaning.links import hide_urls
from ftrecipe.components.cleaning.masking import Hider, Masking


@GROUP.option("urls")
@dataclass
class Urls(Masking):
    """Addresses with a scheme or `www.`, and shared links without either (`t.me/name`)."""

    tag: str = "<URL>"

    def hiders(self) -> list[Hider]:
        return [Hider("url", self.tag, hide_urls)]

    def faults(self) -> list[str]:
        return self.tag_faults()
