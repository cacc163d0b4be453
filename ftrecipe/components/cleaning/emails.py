"""Hides e-mail addresses."""

from dataclasses import dataclass

from ftrecipe.components.cleaning import GROUP
from ftrecipe.components.cleaning.links import hide_emails
from ftrecipe.components.cleaning.masking import Hider, Masking


@GROUP.option("emails")
@dataclass
class Emails(Masking):
    """Addresses with an `@`, and those written out: `alice (at) example (dot) com`."""

    tag: str = "<EMAIL>"

    def hiders(self) -> list[Hider]:
        return [Hider("email", self.tag, hide_emails)]

    def faults(self) -> list[str]:
        return self.tag_faults()
