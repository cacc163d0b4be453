"""Target `hub`: other targets of the run, pushed to the Hugging Face hub with their cards."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.export import GROUP, Artefact, Asking, Export, Tuned, Usage
from ftrecipe.components.export.hub_push import lacking, push, quoting
from ftrecipe.components.export.others import is_older, place, verdict
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.rundir import now, read_json, write_json

if TYPE_CHECKING:
    from ftrecipe.memory.architecture import Architecture

RECEIPT = "receipt.json"
PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
FORM = re.compile(rf"{PART}/{PART}")
LONGEST = 96  # letters of a repository's id


@GROUP.option("hub")
@dataclass
class Hub(Export):
    """Pushes what the run exports; only with consent, private, and never the data.

    repo_id: where the first of `of` goes, `you/name`; each other one goes to `you/name-<target>`.
    of: the targets to push, [] for all that have files of their own, merged first. degraded: push
    also what its gate found to be worse than the trained model.
    """

    package: ClassVar[str | None] = "huggingface_hub"
    after_others: ClassVar[bool] = True
    sends: ClassVar[bool] = True

    repo_id: str = ""
    of: list[str] = field(default_factory=list)
    private: bool = True
    degraded: bool = False

    def size(self, adapter: float, merged: float) -> float:
        """Return nothing to speak of: a receipt."""
        return 0.0

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield a repository that cannot be, and targets that the run does not export."""
        sendable = _sendable(beside)
        if not self.repo_id:
            yield "repo_id: is not set; add export.hub.repo_id=<you>/<name>"
        elif not all(map(_is_repo_id, self._places(self.of or sendable or [""]).values())):
            yield (
                f"repo_id={self.repo_id}: is no id of the hub; write <you>/<name>, of letters, "
                f"digits, '-', '_' and '.', {LONGEST} at most, with no '--' or '..'"
            )
        if not sendable:
            yield "of: the run exports nothing that could be pushed; add export=[merged,hub]"
        for name in self.of:
            if name not in sendable:
                yield (
                    f"of=[{name}]: the run does not export it{did_you_mean(name, sendable)} "
                    f"(it exports: {listed(sendable)}); add export=[{name},hub]"
                )

    def lacks(self) -> Iterator[str]:
        """Yield why the hub would not take it: no token, the wrong account, a public place."""
        yield from lacking([self.repo_id], self.private)

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Push each target that its gate let through, and keep a receipt of what went where."""
        pushed: list[dict[str, Any]] = []
        held: list[dict[str, Any]] = []
        found = self._found(tuned)
        for name, repo_id in self._places(list(found)).items():
            made = found[name]
            if why := self._held_back(made, tuned):
                tuned.say(f"warning: {name} is not pushed: {why}")
                held.append({"target": name, "why": why})
                continue
            went = push(made, repo_id, self.private, f"{tuned.name}: {name}")
            seen = "private" if went.private else "public"
            tuned.say(f"{name} is at {went.url} ({seen}, {len(went.files)} files)")
            pushed.append({"target": name, **asdict(went)})
        write_json(folder / RECEIPT, {"at": now(), "pushed": pushed, "held_back": held})

    def _places(self, names: list[str]) -> dict[str, str]:
        """Return the repository of each target: the first has the name itself."""
        return {names[0]: self.repo_id} | {name: f"{self.repo_id}-{name}" for name in names[1:]}

    def _found(self, tuned: Tuned) -> dict[str, Path]:
        """Return the folders to push. Raises ConfigError for those that are not there."""
        folders = {name: tuned.made(name) for name in self.of or _sendable(GROUP.classes)}
        found = {name: made for name, made in folders.items() if made is not None}
        missing = [name for name in self.of if name not in found]
        if missing or not found:
            named = ",".join(missing) or "merged"
            raise ConfigError(
                f"export.hub: {named} was not exported yet; make it too: export=[{named},hub]"
            )
        return found

    def _held_back(self, made: Path, tuned: Tuned) -> str | None:
        """Return why a target stays here: by what its gate said, or by what its files say."""
        said = verdict(made)
        if said not in ("same", "degraded"):
            return f"the verdict of its gate is {said}"
        if said == "degraded" and not self.degraded:
            return "its gate says degraded; export.hub.degraded=true pushes it all the same"
        if is_older(made, tuned):
            return f"it was made before the last training; make it anew: export=[{made.name},hub]"
        if names := quoting(made, place(tuned.base)):
            return (
                f"{', '.join(names)} names a folder of this machine as the base, where nobody else "
                "finds it; push merged, or train on a model of the hub"
            )
        return None

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return nothing: what is pushed was judged where it was made."""
        return []

    def usage(self, asking: Asking) -> list[Usage]:
        """Return how others get what was pushed."""
        receipt = asking.files / RECEIPT
        pushed = read_json(receipt)["pushed"] if receipt.is_file() else []
        return [
            Usage(f"Get {one['target']} from the hub", f"hf download {quote(one['repo_id'])}")
            for one in pushed
        ]


def _sendable(targets: Mapping[str, Export | type[Export]]) -> list[str]:
    """Return the targets that have files of their own, plain models first."""
    own = [name for name, target in targets.items() if not target.after_others]
    return sorted(own, key=lambda name: targets[name].library != Export.library)


def _is_repo_id(text: str) -> bool:
    """Tell an id as the hub takes it, an owner before it, from other texts."""
    return (
        FORM.fullmatch(text) is not None
        and len(text) <= LONGEST
        and not any(mark in text for mark in ("--", ".."))
        and not text.endswith(".git")
    )
