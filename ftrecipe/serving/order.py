"""What a server is asked to serve: the front writes it down, and the server's process reads it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ftrecipe.talk.choice import TRAINED, Loadable


@dataclass(frozen=True)
class Way:
    """A program that serves what some engines open. module: of `ftrecipe.stages.serving`."""

    about: str
    module: str
    engines: tuple[str, ...]
    packages: tuple[str, ...]


WAYS = (
    Way("llama.cpp", "llama_cpp", ("llama_cpp",), ("xllamacpp", "starlette", "uvicorn", "httpx")),
    Way("transformers serve", "transformers", ("transformers", "peft", TRAINED),
        ("transformers", "peft", "fastapi", "uvicorn", "openai")),
)  # fmt: skip
VLLM = Way("vLLM", "vllm", ("transformers", "peft"), ())
PROGRAM = "vllm"  # on the PATH: it brings its own torch, and so lies in an environment of its own


@dataclass(frozen=True)
class Served:
    """One run under the name that requests call it by, and what of it is loaded."""

    name: str
    run: Path
    what: Loadable

    @property
    def facts(self) -> dict[str, Any]:
        """What /v1/models says of it besides its name."""
        return {"artefact": self.what.name, "gate": self.what.verdict}


@dataclass(frozen=True)
class Order:
    """What to serve, and where.

    way: a module of `ftrecipe.stages.serving`. address: as clients write it. socket: the file
    descriptor of what is bound to it already. key: what clients have to know, None for nothing.
    context: the most tokens of a question and its answer, None for what the program takes.
    opening: what to try it by: messages, or a prompt.
    """

    way: str
    served: Sequence[Served]
    address: str
    socket: int
    key: str | None
    context: int | None
    log: Path
    opening: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        served = [
            {"name": one.name, "run": str(one.run), "what": one.what.plain()} for one in self.served
        ]
        return asdict(self) | {"served": served, "log": str(self.log)}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Order":
        """Read what `plain` has written."""
        served = [
            Served(one["name"], Path(one["run"]), Loadable.of(one["what"]))
            for one in plain["served"]
        ]
        return cls(**plain | {"served": served, "log": Path(plain["log"])})
