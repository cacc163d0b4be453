"""What the front asks of the worker that talks: plain values, and all that it needs."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from ftrecipe.components.eval import Decoding
from ftrecipe.talk.choice import Loadable

TUNED, BASE = "tuned", "base"


@dataclass(frozen=True)
class Speaker:
    """Somebody who answers: how it is called, a run's folder and name, and what of it is loaded.

    what: None for the model as it was before this run's training.
    """

    name: str
    run: str
    run_name: str
    what: Loadable | None

    @property
    def title(self) -> str:
        """The run with what is loaded of it, as a log keeps it."""
        return f"{self.run_name} ({self.what.name if self.what else self.name})"


@dataclass(frozen=True)
class Asked:
    """One chat. other: who answers beside the tuned model. log, ask: None for none.

    context: the most tokens that a model looks at. where: the person's own folder. raw: the model
    continues texts, since it has learned no conversations.
    """

    tuned: Speaker
    other: Speaker | None
    where: str
    system: str = ""
    log: str | None = None
    ask: str | None = None
    as_json: bool = False
    raw: bool = False
    context: int = 4096
    decoding: Decoding = field(default_factory=Decoding)
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it as one word of a command line."""
        plain = asdict(self) | {"tuned": _plain(self.tuned), "other": _plain(self.other)}
        return json.dumps(plain)

    @classmethod
    def of(cls, text: str) -> "Asked":
        """Read what `text` has written."""
        plain = json.loads(text)
        decoding = plain["decoding"]
        made = {
            "tuned": _speaker(plain["tuned"]),
            "other": _speaker(plain["other"]) if plain["other"] else None,
            "decoding": Decoding(**decoding | {"stop": tuple(decoding["stop"])}),
            "notes": tuple(plain["notes"]),
        }
        return cls(**plain | made)


def _plain(speaker: Speaker | None) -> dict[str, Any] | None:
    if speaker is None:
        return None
    return vars(speaker) | {"what": speaker.what.plain() if speaker.what else None}


def _speaker(plain: dict[str, Any]) -> Speaker:
    what = Loadable.of(plain["what"]) if plain["what"] else None
    return Speaker(plain["name"], plain["run"], plain["run_name"], what)
