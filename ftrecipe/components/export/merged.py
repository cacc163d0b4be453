"""Target `merged`: one model folder, the adapter merged in, that needs no PEFT."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.export import GROUP, Artefact, Closeness, Export, Tuned


@GROUP.option("merged")
@dataclass
class Merged(Export):
    """One model folder, the adapter merged in, that needs no PEFT."""

    needs_merge: ClassVar[bool] = True
    max_shard_size: str = "5GB"

    def size(self, adapter: float, merged: float) -> float:
        """Return the whole model's."""
        return merged

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write weights (safetensors) as they are merged, configs and tokenizer."""
        from safetensors.torch import save_file

        weights = tuned.weights
        tensors = {
            name: weights.read(name).contiguous()
            for name in tuned.progress("tensors", weights.names)
        }
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        tuned.config.save_pretrained(folder)
        tuned.generation_config.save_pretrained(folder)
        tuned.tokenizer.save_pretrained(folder)

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the folder, which transformers loads."""
        return [Artefact("", "transformers", folder, Closeness.rounded)]
