"""Target `ollama`: a Modelfile beside its GGUF, and, if asked for, a model on an Ollama server."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.export import GROUP, Artefact, Asking, Export, Tuned, Usage
from ftrecipe.components.export.gguf import Gguf
from ftrecipe.components.export.ollama_told import context, license_text, question, stops
from ftrecipe.errors import ConfigError
from ftrecipe.ollama import names, registering
from ftrecipe.ollama.address import address
from ftrecipe.ollama.modelfile import Modelfile
from ftrecipe.ollama.server import Server
from ftrecipe.paths import typed
from ftrecipe.registry import bounded, only_with

if TYPE_CHECKING:
    from ftrecipe.components.model import Model as BaseModel
    from ftrecipe.memory.architecture import Architecture

FILE = "Modelfile"
QUESTIONS = 3
CHECK_SECONDS = 10.0


@GROUP.option("ollama")
@dataclass
class Ollama(Export):
    """A Modelfile and its GGUF; with `register` also a model on an Ollama server.

    gguf_type: one of those of export.gguf.types. template: in Go's language, as a file or as text;
    None for the chat template in the GGUF. num_ctx: the tokens of a conversation; None for 4096, or
    the length it was trained on if that is longer, as far as the model goes. model: the name that
    it gets; None for the run's. base: a model of the server to be had beside it as <name>:base.
    host: None for OLLAMA_HOST or this machine. timeout: seconds without any progress.
    """

    needs_merge: ClassVar[bool] = True
    package: ClassVar[str | None] = "gguf"
    relation: ClassVar[str] = "quantized"
    library: ClassVar[str] = "gguf"
    after_others: ClassVar[bool] = True

    gguf_type: str = "q8_0"
    template: str | None = None
    num_ctx: int | None = bounded(None, 16)
    register: bool = False
    model: str | None = None
    base: str | None = only_with("register", None)
    host: str | None = None
    timeout: float = bounded(300.0, 1, 3600)

    @property
    def _gguf(self) -> Gguf:
        """The target that writes the file."""
        return Gguf(types=[self.gguf_type])

    def size(self, adapter: float, merged: float) -> float:
        """Return that of the GGUF, though it may be the one of the target `gguf`."""
        return self._gguf.size(adapter, merged)

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield what no GGUF, Modelfile or server can be made of."""
        if not self._is_written(beside):
            for fault in self._gguf.faults(beside, model):
                yield fault.replace("types", "gguf_type", 1)
        most = None if model is None else model.max_positions
        if self.num_ctx is not None and most is not None and self.num_ctx > most:
            yield f"num_ctx={self.num_ctx}: this model goes up to {most} tokens; use {most}"
        yield from self._template_faults()
        yield from self._name_faults()

    def _is_written(self, beside: dict[str, Export]) -> bool:
        """Tell whether another target of the run writes the GGUF, and answers for it."""
        there = beside.get("gguf")
        return isinstance(there, Gguf) and self.gguf_type in there.types

    def misfits(self, beside: dict[str, Export], model: "BaseModel") -> Iterator[str]:
        """Yield what its GGUF has no place for."""
        if not self._is_written(beside):
            yield from self._gguf.misfits(beside, model)

    def remarks(self, model: "BaseModel") -> Iterator[str]:
        """Yield what its GGUF does otherwise."""
        yield from self._gguf.remarks(model)

    def foresee(self, beside: dict[str, Export], tuned: Tuned) -> None:
        """Raise ConfigError for what no GGUF holds, and what no Modelfile says."""
        if not self._is_written(beside):
            self._gguf.foresee(beside, tuned)
        self._text(self._told(tuned, "model.gguf"))

    def _text(self, told: Modelfile) -> str:
        """Return a Modelfile's text. Raises ConfigError for words that it cannot hold."""
        try:
            return told.text
        except ValueError as error:
            raise ConfigError(f"export=ollama: {error}") from None

    def _template_faults(self) -> Iterator[str]:
        if self.template is None:
            return
        if "{" not in self.template and not typed(self.template).is_file():
            yield f"template={self.template}: is neither a file nor a template in Go's language"
        elif "{%" in self._go_template():
            yield (
                "template: is Jinja, and Ollama's are in Go's language; leave it out: the chat "
                "template of the training is in the GGUF"
            )

    def _name_faults(self) -> Iterator[str]:
        wrong = self.model is not None and names.fault(self.model)
        if wrong:
            yield f"model={self.model}: {wrong}"
        if self.base is not None:
            why = names.fault(self.base, switched=True)
            if why is None and self.model is not None and not wrong:
                why = names.clash(self.base, names.named(self.model))
            if why is not None:
                yield f"base={self.base}: {why}"
        try:
            address(self.host)
        except ValueError as error:
            yield f"host: {error}"

    def lacks(self) -> Iterator[str]:
        """Yield what the GGUF needs, and why the server could not take the model now."""
        yield from self._gguf.lacks()
        if not self.register:
            return
        if find_spec("ollama") is None:
            yield "register=true needs the package ollama; pip install 'ftrecipe[export]'"
            return
        yield from registering.lacking(
            Server(self.host, min(self.timeout, CHECK_SECONDS)), self.base
        )

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write the Modelfile and put the GGUF beside it: that of `gguf`, or one of its own."""
        stem = tuned.name.replace("/", "-")
        source = f"{stem}-{self.gguf_type}.gguf"
        told = self._told(tuned, source)
        (folder / FILE).write_text(self._text(told), encoding="utf-8")
        if told.lost:
            tuned.say(f"warning: Ollama drops {', '.join(told.lost)} of what it reads in a "
                      "Modelfile; export.ollama.register=true brings them")  # fmt: skip
        made = tuned.made("gguf")
        if made is not None and (made / source).is_file():
            _link(made / source, folder / source)
        else:
            self._gguf.write(tuned, folder)

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the GGUF, which llama.cpp loads."""
        return self._gguf.artefacts(folder)

    def usage(self, asking: Asking) -> list[Usage]:
        """Return the commands of Ollama."""
        name = self._name(asking.name).model
        create = f"ollama create {name} -f {quote(f'{asking.folder}/{FILE}')}"
        return [Usage("Talk to it with Ollama", f"{create}\nollama run {name}")]

    def deliver(self, tuned: Tuned, folder: Path) -> list[Artefact]:
        """Register the model, if that was asked for, and switch its names to it."""
        if not self.register:
            return []
        file = self.artefacts(folder)[0]
        wanted = registering.Wanted(
            name=self._name(tuned.name),
            file=file.path,
            modelfile=self._told(tuned, file.path.name),
            templated=tuned.tokenizer.chat_template is not None,
            base=self.base,
            questions=[question(tuned, asked) for asked in tuned.questions(QUESTIONS)],
        )
        server = self._server()
        served = registering.register(server, wanted, _person(tuned))
        return [Artefact(served, "ollama", file.path, file.closeness, server.address, served)]

    def withdraw(self, tuned: Tuned, folder: Path) -> None:
        """Switch the names on the server back."""
        registering.withdraw(self._server(), self._name(tuned.name), _person(tuned))

    def _server(self) -> Server:
        return Server(self.host, self.timeout)

    def _name(self, run: str) -> names.Name:
        return names.named(self.model or names.from_run(run))

    def _told(self, tuned: Tuned, source: str) -> Modelfile:
        """Return what Ollama is told of the model."""
        return Modelfile(
            source=source,
            system=tuned.system,
            template=None if self.template is None else self._go_template(),
            stop=stops(tuned),
            num_ctx=context(tuned, self.num_ctx),
            license=license_text(tuned),
        )

    def _go_template(self) -> str:
        assert self.template is not None
        return self.template if "{" in self.template else typed(self.template).read_text("utf-8")


def _person(tuned: Tuned) -> registering.Person:
    return registering.Person(tuned.say, tuned.progress)


def _link(file: Path, to: Path) -> None:
    """Give a file a second name; a copy where the file system has none, or it is another one."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copy2(file, to)
