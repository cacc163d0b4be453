"""Names of models as Ollama writes them: `[host/][namespace/]model[:tag]`."""

import re
from dataclasses import dataclass

PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
NAME = re.compile(rf"((?:[A-Za-z0-9_.:-]+/)?(?:{PART}/)?{PART})(?::({PART}))?")
TUNED, BASE, LATEST, PREVIOUS, CANDIDATE = "tuned", "base", "latest", "previous", "candidate"
OURS = (BASE, LATEST, PREVIOUS, CANDIDATE)  # tags that point to what is switched


@dataclass(frozen=True)
class Name:
    """A model by the tags that it gets; `tuned` is the one of the model itself."""

    model: str
    tuned: str = TUNED

    @property
    def before(self) -> str:
        """The tag of what `tuned` was before it was this model."""
        return f"{self.tuned[:72]}-before"

    def tagged(self, tag: str) -> str:
        """Return the name with a tag: "faq:base"."""
        return f"{self.model}:{tag}"


def fault(text: str, switched: bool = False) -> str | None:
    """Return why a text is no name of a model, None where it is one.

    switched: whether its tag may be one of those that are switched.
    """
    found = NAME.fullmatch(text)
    if found is None:
        return "is no name of a model; letters, digits, _ . - and one tag, as in faq or team/faq:v2"
    if found[2] in OURS and not switched:
        return f"its tag {found[2]} is one that is switched; name the model without it"
    return None


def named(text: str) -> Name:
    """Return a name that has no fault, with the tag that was asked for."""
    found = NAME.fullmatch(text)
    assert found is not None, text  # `fault` was asked
    return Name(found[1], found[2] or TUNED)


def clash(base: str, name: Name) -> str | None:
    """Return why a base cannot be had beside a model of that name, None where it can."""
    if full(base) != name.tagged(LATEST):
        return None
    return (
        "is the name that is switched to the tuned model; give that another one: "
        f"export.ollama.model={name.model}-tuned"
    )


def full(name: str) -> str:
    """Return a name with its tag, as the server lists it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:{LATEST}"


def from_run(run: str) -> str:
    """Return the name that a run's model gets: its own, in the letters that Ollama takes."""
    plain = re.sub(r"[^a-z0-9_.-]+", "-", run.lower()).strip("-._")
    return plain[:80] or "tuned"
