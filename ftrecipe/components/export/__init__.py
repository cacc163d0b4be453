"""What is made of a trained model for others to use; each target is one option."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from ftrecipe.registry import Group

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Tuned(Protocol):
    """What a target is made from."""

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer with the chat template that was trained on."""
        ...

    @property
    def adapter(self) -> Path | None:
        """The trained adapter's folder, None where the base itself was trained."""
        ...

    def merged(self) -> "PreTrainedModel":
        """Return one plain model with the adapter's change in its weights."""
        ...


@dataclass
class Export:
    """Base of all targets."""

    needs_adapter: ClassVar[bool] = False
    needs_merge: ClassVar[bool] = False
    usage: ClassVar[str] = ""
    relation: ClassVar[str] = "finetune"
    """What it is to its base in the hub's words: adapter, finetune, quantized or merge."""
    library: ClassVar[str] = "transformers"
    """Which library loads it, in the hub's words."""

    def size(self, adapter: float, merged: float) -> float | None:
        """Return the bytes it writes, of an adapter and a merged model that large; None: unknown.

        A plan asks, to say whether the disk has room.
        """
        return None

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write the target's files into `folder`, which exists and is empty."""
        raise NotImplementedError


GROUP = Group("export", Export, many=True)


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
        import shutil

        assert tuned.adapter is not None  # a rule refuses this target for methods without one
        shutil.copytree(tuned.adapter, folder, dirs_exist_ok=True)
        tuned.tokenizer.save_pretrained(folder)


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
        """Merge, and save weights (safetensors), generation config and tokenizer."""
        tuned.merged().save_pretrained(folder, max_shard_size=self.max_shard_size)
        tuned.tokenizer.save_pretrained(folder)
