"""Writes a Modelfile so that Ollama's own parser reads from it what was meant."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

QUOTES = ('"""', '"')
SPACES = " \t\r\n"
UNPRINTED = ("C", "Z")  # categories of which Ollama's parser keeps a space, tabs and new lines only


@dataclass(frozen=True)
class Modelfile:
    """What Ollama is told of a model besides its weights.

    source: the name of the GGUF beside the Modelfile. template: None for the one in the GGUF.
    """

    source: str
    system: str = ""
    template: str | None = None
    stop: tuple[str, ...] = ()
    num_ctx: int | None = None
    license: str | None = None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters by name, as the API takes them."""
        given: dict[str, object] = {"stop": list(self.stop), "num_ctx": self.num_ctx}
        return {name: value for name, value in given.items() if value}

    @property
    def text(self) -> str:
        """The file. Raises ValueError where a text cannot be written in it."""
        return "\n".join([f"FROM ./{self.source}", *self._lines()]) + "\n"

    @property
    def lost(self) -> list[str]:
        """The characters, by code point, that Ollama drops when it reads them from a Modelfile."""
        texts = (self.system, self.template or "", self.license or "")
        return [f"U+{ord(one):04X}" for one in sorted({*"".join(texts)}) if not _is_kept(one)]

    def _lines(self) -> Iterator[str]:
        if self.template is not None:
            yield f"TEMPLATE {quoted('template', self.template)}"
        if self.system:
            yield f"SYSTEM {quoted('system prompt', self.system)}"
        for text in self.stop:
            yield f"PARAMETER stop {quoted('end token', text)}"
        if self.num_ctx is not None:
            yield f"PARAMETER num_ctx {self.num_ctx}"
        if self.license:
            yield f"LICENSE {quoted('license', self.license)}"


def quoted(what: str, text: str) -> str:
    """Return a text in quotes that Ollama's parser takes off again.

    The parser has no escapes: a value ends at the end of the first line that ends in the quotes
    with which it began. Raises ValueError where neither kind of quotes will do.
    """
    plain = '"' not in text and len(text.splitlines()) < 2
    for quote in reversed(QUOTES) if plain else QUOTES:
        written = f"{quote}{text}{quote}"
        if _unquoted(written) == text and not _ends_early(written):
            return written
    raise ValueError(
        f"the {what} cannot be written in a Modelfile: a line in it ends in quotes "
        '("""), which would end it there; change that line'
    )


def _ends_early(written: str) -> bool:
    """Tell whether a line before the last one looks like the end of the value."""
    ends = [at for at, letter in enumerate(written) if letter in "\r\n"]
    return any(_unquoted(written[:at].strip(SPACES)) is not None for at in ends)


def _unquoted(written: str) -> str | None:
    """Return what the parser takes a whole value for; None where it would read on."""
    for quote in QUOTES:
        if written.startswith(quote):
            whole = len(written) >= 2 * len(quote) and written.endswith(quote)
            return written[len(quote) : len(written) - len(quote)] if whole else None
    return written


def _is_kept(letter: str) -> bool:
    return letter in SPACES or not unicodedata.category(letter).startswith(UNPRINTED)
