"""Target `adapter`: the PEFT adapter, with tokenizer and template beside it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.export import GROUP, Artefact, Closeness, Export, Tuned


@GROUP.option("adapter")
@dataclass
class Adapter(Export):
    """The PEFT adapter with tokenizer and template beside it."""

    needs_adapter: ClassVar[bool] = True
    relation: ClassVar[str] = "adapter"
    library: ClassVar[str] = "peft"

    def size(self, adapter: float, merged: float) -> float:
        """Return the adapter's."""
        return adapter

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Copy the adapter as it was trained and measured, and save the tokenizer."""
        assert tuned.adapter is not None  # a rule refuses this target for methods without one
        shutil.copytree(tuned.adapter, folder, dirs_exist_ok=True)
        tuned.tokenizer.save_pretrained(folder)

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the adapter, which PEFT puts on the base."""
        return [Artefact("", "peft", folder, Closeness.exact)]
