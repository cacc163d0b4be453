"""Target `adapter`: the PEFT adapter, with tokenizer and template beside it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.export import (
    GROUP,
    Artefact,
    Asking,
    Closeness,
    Export,
    Tuned,
    Usage,
)
from ftrecipe.components.export.using import python
from ftrecipe.model_folder import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from ftrecipe.weights import header_of, tensors_of


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
        _name_base(folder / ADAPTER_CONFIG, tuned)
        if beside := beside_lora(folder):
            tuned.say(
                f"adapter: it holds {', '.join(beside)}; PEFT loads that, vLLM and TGI do not: "
                "use export=merged for them"
            )

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the adapter, which PEFT puts on the base."""
        return [Artefact("", "peft", folder, Closeness.exact)]

    def usage(self, asking: Asking) -> list[Usage]:
        """Return code that loads it and asks it."""
        code = python(asking, "AutoPeftModelForCausalLM", "peft")
        return [Usage("Load the adapter (Python, with PEFT)", code, "python")]


def _name_base(file: Path, tuned: Tuned) -> None:
    """Write where the base is, for whoever loads the adapter: its hub id, or its whole path."""
    config = json.loads(file.read_text("utf-8"))
    local = Path(tuned.base).is_dir()
    config["base_model_name_or_path"] = str(Path(tuned.base).resolve()) if local else tuned.base
    config["revision"] = None if local else tuned.revision
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


def beside_lora(folder: Path) -> list[str]:
    """Return what an adapter holds beside the two matrices of LoRA, in words."""
    config = json.loads((folder / ADAPTER_CONFIG).read_text("utf-8"))
    if config["peft_type"] != "LORA":
        return [f"an adapter of the kind {config['peft_type']}"]
    names = tensors_of(header_of(folder / ADAPTER_WEIGHTS)[0])
    others = {name for name in names if ".lora_A." not in name and ".lora_B." not in name}
    kinds = {
        "trained tokens": [name for name in others if "trainable_tokens" in name],
        "DoRA's magnitudes": [name for name in others if "lora_magnitude" in name],
        "biases": [name for name in names if name.endswith(".bias")],
        "an adapted embedding": [name for name in others if "lora_embedding" in name],
    }
    told = {name for found in kinds.values() for name in found}
    whole = others - told
    return [kind for kind, found in kinds.items() if found] + (["whole layers"] if whole else [])
