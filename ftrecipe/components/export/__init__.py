"""What is made of a trained model for others to use; each target is one option."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.export.made import Artefact, Closeness, Tuned, Weights
from ftrecipe.components.export.using import Asking, Usage
from ftrecipe.registry import Group

if TYPE_CHECKING:
    from ftrecipe.components.model import Model
    from ftrecipe.components.peft import Peft
    from ftrecipe.memory.architecture import Architecture

__all__ = ["GROUP", "Artefact", "Asking", "Closeness", "Export", "Tuned", "Usage", "Weights"]


@dataclass
class Export:
    """Base of all targets.

    A target writes its files (`write`), says what can be loaded of them (`artefacts`), and, once
    the gate has let them through, may hand them to whoever serves them (`deliver`).
    """

    needs_adapter: ClassVar[bool] = False
    needs_merge: ClassVar[bool] = False
    package: ClassVar[str | None] = None
    """What it needs beyond training: a module of the extra `export`."""
    relation: ClassVar[str] = "finetune"
    """What it is to its base in the hub's words: adapter, finetune, quantized or merge."""
    library: ClassVar[str] = "transformers"
    """Which library loads it, in the hub's words."""
    after_others: ClassVar[bool] = False
    """Whether it is made of other targets' files, and so after them."""
    sends: ClassVar[bool] = False
    """Whether it sends away what other targets made, by consent, and makes nothing to load: what it
    sends was judged by the gate, and has a card, where it was made."""

    def size(self, adapter: float, merged: float) -> float | None:
        """Return the bytes it writes, of an adapter and a merged model that large; None: unknown.

        A plan asks, to say whether the disk has room.
        """
        return None

    def faults(self, beside: dict[str, "Export"], model: "Architecture | None") -> Iterator[str]:
        """Yield what is wrong with its settings, `<field>…: why; what to do`; needs no model.

        beside: all targets of the run by name, itself among them. model: None if unknown.
        """
        yield from ()

    def misfits(self, beside: dict[str, "Export"], model: "Model") -> Iterator[str]:
        """Yield what of a model's own JSON files has no place in what it writes, and what to do."""
        yield from ()

    def remarks(self, model: "Model") -> Iterator[str]:
        """Yield what of a model will be otherwise in what it writes, as its JSON files tell."""
        yield from ()

    def foresee(self, beside: dict[str, "Export"], tuned: Tuned) -> None:
        """Raise ConfigError for what `write` would refuse, before anything is trained.

        The weights of `tuned` have shapes and no numbers yet; there is no adapter, and no export.
        """

    def unmade(self, method: "Peft") -> str | None:
        """Return why it cannot be made of what `method` trains, and what can; None: it can."""
        if self.needs_adapter and method.trains_base:
            return "trains the base and has no adapter; use export=merged"
        if self.needs_merge and not method.trains_base and not method.mergeable:
            return "cannot be merged; use export=adapter"
        return None

    def usage(self, asking: Asking) -> list[Usage]:
        """Return how what lies in `asking.files` is used, as commands or code to copy."""
        return []

    @property
    def runs(self) -> str | None:
        """The field that names a program of others which it runs; None: it runs none."""
        return None

    def lacks(self) -> Iterator[str]:
        """Yield what this machine or its network lacks for it, looked at before anything runs."""
        yield from ()

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write the target's files into `folder`, which exists and is empty."""
        raise NotImplementedError

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return what in a folder that was written is to be held against the trained model."""
        raise NotImplementedError

    def deliver(self, tuned: Tuned, folder: Path) -> list[Artefact]:
        """Hand what passed the gate to whoever serves it; return what can then be asked there."""
        return []

    def withdraw(self, tuned: Tuned, folder: Path) -> None:
        """Take back what was delivered: it is not the trained model where it is served."""
        return


GROUP = Group("export", Export, many=True)
