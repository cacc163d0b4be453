"""What a target is made from, and what it makes: the words that targets and stages share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import GenerationConfig, PretrainedConfig, PreTrainedTokenizerFast


class Weights(Protocol):
    """The weights of one plain model with the tune in them, computed as they are read."""

    @property
    def names(self) -> Sequence[str]:
        """The tensors in the order in which they are stored; one of two that are tied."""
        ...

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape without reading it."""
        ...

    def dtype(self, name: str) -> str:
        """Return the type that the base stores a tensor in, without reading it: "bfloat16"."""
        ...

    def read(self, name: str) -> "Tensor":
        """Return one tensor on the CPU: float32 where the tune changed it, else as stored."""
        ...


class Tuned(Protocol):
    """What a target is made from."""

    @property
    def name(self) -> str:
        """What the run is called."""
        ...

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer with the chat template that was trained on."""
        ...

    @property
    def adapter(self) -> Path | None:
        """The trained adapter's folder, None where the base itself was trained."""
        ...

    @property
    def config(self) -> "PretrainedConfig":
        """The plain model's config, its vocabulary grown by added tokens."""
        ...

    @property
    def generation_config(self) -> "GenerationConfig":
        """How it writes answers: as the base does, with every token that ends one."""
        ...

    @property
    def dtype(self) -> str:
        """The type that the base's weights are stored in: "bfloat16"."""
        ...

    @property
    def merged_before(self) -> str | None:
        """The run whose adapter was merged into the base before training; None: none."""
        ...

    @property
    def fits_float16(self) -> bool:
        """Whether the numbers that the model computes with are well within float16's range."""
        ...

    @property
    def weights(self) -> Weights:
        """The plain model's weights."""
        ...

    @property
    def system(self) -> str:
        """The system prompt that was trained on, "" for none."""
        ...

    @property
    def length(self) -> int | None:
        """The tokens of the longest row it was trained on; None if unknown."""
        ...

    @property
    def license(self) -> str | None:
        """The base's license in the hub's words: "apache-2.0"; None if unknown."""
        ...

    @property
    def base(self) -> str:
        """The base's folder or hub id, as `from_pretrained` takes it."""
        ...

    @property
    def revision(self) -> str | None:
        """Which revision of a base on the hub was tuned, None for the newest or a folder."""
        ...

    def made(self, target: str) -> Path | None:
        """Return the folder of another target of this run, None if it was not exported."""
        ...

    def questions(self, count: int) -> list[list[dict[str, Any]]]:
        """Return up to `count` conversations of the test split, without their answers.

        None of a run that was not trained on conversations.
        """
        ...

    def say(self, line: str) -> None:
        """Tell the person at the screen one line."""
        ...

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        """Give one item after the other, and show how many there are still."""
        ...


class Closeness(Enum):
    """How near an artefact can be to the model in training form, by how its numbers are kept."""

    exact = "exact"
    rounded = "rounded"
    quantized = "quantized"


@dataclass(frozen=True)
class Artefact:
    """Something that one engine can load: what the gate holds against the trained model.

    name: its own among those of its target: a file's name, or "". engine: a module of
    `ftrecipe.stages.engines`. path: what that engine opens. address: of a server, which holds it
    by the name `served`. note: figures of how it was made, for gate.json.
    """

    name: str
    engine: str
    path: Path
    closeness: Closeness
    address: str | None = None
    served: str | None = None
