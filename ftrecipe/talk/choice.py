"""What of a run can be talked to: its exports with what their gates said, and what was trained."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftrecipe.components.export import GROUP, Artefact, Closeness, Export
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.gated import GATE, REJECTED, kept
from ftrecipe.model_folder import ADAPTER_CONFIG, CONFIG
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json

TRAINED = "trained"
"""What stands for the model as training has left it: an adapter on its base, or a whole model."""

FAILED = "failed"
MODULES = {"llama_cpp": "xllamacpp", "transformers": "transformers", "peft": "peft",
           "ollama": "ollama", TRAINED: "transformers"}  # fmt: skip
ON_CPU = ("llama_cpp", "transformers", "peft", TRAINED, "ollama")
ON_GPU = ("transformers", "peft", TRAINED, "llama_cpp", "ollama")  # llama.cpp's wheel has no CUDA
MARKS = {ADAPTER_CONFIG: "peft", CONFIG: "transformers"}
ON_BASE = ("peft", TRAINED)  # what needs the model that was tuned
NEARNESS = tuple(Closeness)


@dataclass(frozen=True)
class Loadable:
    """One thing that an engine opens.

    name: as `--with` takes it: "merged", "gguf/x-f16.gguf". verdict: None where no gate looked.
    """

    name: str
    engine: str
    path: Path
    closeness: Closeness = Closeness.exact
    verdict: str | None = None
    address: str | None = None
    served: str | None = None

    @property
    def judgement(self) -> str:
        """What its gate said, for people."""
        if self.engine == TRAINED:
            return "as it was measured"
        return f"its gate said {self.verdict}" if self.verdict else "no gate has looked at it"

    @property
    def artefact(self) -> Artefact:
        """The same as an engine takes it."""
        name = self.name.partition("/")[2]
        return Artefact(name, self.engine, self.path, self.closeness, self.address, self.served)

    @property
    def lacks(self) -> str | None:
        """What has to be installed for it, None where nothing has."""
        module = MODULES.get(self.engine)
        if module is None or importlib.util.find_spec(module) is not None:
            return None
        extra = "train" if module in ("transformers", "peft") else "export"
        return (
            f"{self.name} needs {module}, which is not installed here; "
            f"pip install 'ftrecipe[{extra}]'"
        )

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return vars(self) | {"path": str(self.path), "closeness": self.closeness.value}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Loadable":
        """Read what `plain` has written."""
        path, closeness = Path(plain["path"]), Closeness(plain["closeness"])
        return cls(**plain | {"path": path, "closeness": closeness})


def loadable(rundir: RunDir, run: RunConfig) -> list[Loadable]:
    """Return what a run has that can be loaded: exports, failed ones too, and what it trained."""
    targets = _exported(rundir, run).items()
    found = [each for name, target in targets for each in _made(rundir, name, target)]
    for folder in (rundir.adapter, rundir.model):
        if folder.is_dir():
            found.append(Loadable(TRAINED, TRAINED, folder))
    return found


def _exported(rundir: RunDir, run: RunConfig) -> dict[str, Export]:
    """Return the targets whose folders are there; of an earlier export, as they usually are set."""
    if not rundir.export.is_dir():
        return {}
    there = sorted(folder.name for folder in rundir.export.iterdir() if folder.is_dir())
    known = [name for name in there if name in GROUP.classes]
    return {name: run.export.get(name) or GROUP.get(name)() for name in known}


def _made(rundir: RunDir, name: str, target: Export) -> list[Loadable]:
    folder = rundir.export / name
    rejected = folder / REJECTED
    return [
        Loadable(
            f"{name}/{each.name}" if each.name else name, each.engine, each.path, each.closeness,
            _said_of(folder, each.name), each.address, each.served,
        )
        for place in (folder, rejected)
        if place.is_dir() and (place == rejected or kept(folder) not in (None, FAILED))
        for each in _artefacts(target, place)
    ]  # fmt: skip


def _artefacts(target: Export, folder: Path) -> list[Artefact]:
    """Return what a target has written; nothing of a folder from which somebody took files."""
    try:
        return [each for each in target.artefacts(folder) if each.path.exists()]
    except (OSError, ValueError, KeyError):
        return []


def _gate(folder: Path) -> dict[str, Any]:
    file = folder / GATE
    return read_json(file) if file.is_file() else {}


def best(found: Sequence[Loadable], on_gpu: bool) -> Loadable:
    """Return what is talked to where nobody says: what is quick here, of what is like the model."""
    order = ON_GPU if on_gpu else ON_CPU
    usable = [each for each in found if each.verdict != FAILED and each.lacks is None]
    if not usable:
        reasons = [each.lacks or f"{each.name}: its gate said failed" for each in found]
        raise ConfigError(reasons)
    return min(
        usable,
        key=lambda each: (
            each.verdict == "degraded",
            order.index(each.engine) if each.engine in order else len(order),
            NEARNESS.index(each.closeness),
        ),
    )


def named(word: str, found: Sequence[Loadable], where: Path) -> Loadable:
    """Return what `--with` means: a target, one file of it, a part of its name, or a path.

    Raises ConfigError for what is not there, failed its gate, or has no engine here.
    """
    exact = [each for each in found if word in (each.name, each.name.partition("/")[0])]
    if not exact and (there := _at(where / typed(word))):
        return _usable(there, word)
    meant = exact or [each for each in found if word.lower() in each.name.lower()]
    if not meant and word == "adapter":
        meant = [each for each in found if each.engine == TRAINED and each.path.name == word]
    if not meant:
        names = [each.name for each in found]
        hint = did_you_mean(word, [*names, *{name.partition("/")[0] for name in names}])
        more = f"; export RUN export={word} makes it" if word in GROUP.classes else ""
        raise ConfigError(
            f"--with {word}: this run has none{hint or more} (known: {listed(names)})"
        )
    passed = [each for each in meant if each.verdict != FAILED]
    if not passed:
        raise ConfigError(
            f"--with {word}: its gate said failed: it does not answer as the trained model does "
            f"(export/{meant[0].name.partition('/')[0]}/gate.json says how); to look at it all the "
            f"same: --with {meant[0].path}"
        )
    return _usable(passed[0], word)


def _usable(one: Loadable, word: str) -> Loadable:
    if one.lacks:
        raise ConfigError(f"--with {word}: {one.lacks}")
    return one


def _at(path: Path) -> Loadable | None:
    """Return what lies at a path, by what is in it; None where nothing that can be loaded does."""
    if path.is_file() and path.suffix == ".gguf":
        verdict = _said_of(path.parent, path.name)
        return Loadable(str(path), "llama_cpp", path, Closeness.rounded, verdict)
    for mark, engine in MARKS.items():
        if (path / mark).is_file():
            return Loadable(str(path), engine, path, verdict=_said_of(path, ""))
    files = sorted(path.glob("*.gguf")) if path.is_dir() else []
    return _at(files[0]) if files else None


def _said_of(folder: Path, name: str) -> str | None:
    """Return what a gate said of an export's folder, or of a file in it; None if none looked."""
    gate = _gate(folder.parent if folder.name == REJECTED else folder)
    said = {one.get("name", ""): one.get("verdict") for one in gate.get("artefacts", [])}
    return said.get(name) or gate.get("verdict")
