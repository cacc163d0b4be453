"""Gives a run's recipe away: the recipe, its lock and a card, and never data or weights."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ftrecipe.errors import ConfigError
from ftrecipe.exchange.bundle import CARD, LOCK, check_name
from ftrecipe.exchange.card import card
from ftrecipe.exchange.evidence import Evidence
from ftrecipe.exchange.judging import judge
from ftrecipe.exchange.portable import new_names, portable, renamed, templates
from ftrecipe.found import find_run
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, write_json, write_text
from ftrecipe.secrets import redacted_tree
from ftrecipe.version import __version__


@dataclass(frozen=True)
class Wishes:
    """What a person says of what is published."""

    name: str | None = None
    license: str | None = None
    force: bool = False


def publish(run: str, folder: Path, wishes: Wishes, runs_dir: Path | None = None) -> Iterator[str]:
    """Write a finished run's recipe, lock and card to `folder`; yield what was done.

    Raises ConfigError for a run that is not finished, a folder that holds something else, and
    data of which nobody says the license: then nothing is written.
    """
    rundir, folder = RunDir(find_run(run, runs_dir).path.absolute()), typed(str(folder))
    evidence = Evidence.of(rundir)
    name = wishes.name or evidence.boundary["name"].rpartition("/")[2]
    check_name(name, "--as")
    if evidence.needs_license and not wishes.license:
        raise ConfigError(
            "what is the license of the data? write --license <its name, such as CC-BY-4.0>, or "
            "--license unknown"
        )
    with tempfile.TemporaryDirectory(prefix="ftrecipe-") as scratch:
        written = _write(rundir, evidence, name, Path(scratch), wishes)
        _check(name, Path(scratch))
        _check_free(folder, written, wishes.force)
        folder.mkdir(parents=True, exist_ok=True)
        for file in written:
            (folder / file).write_bytes((Path(scratch) / file).read_bytes())
            yield f"written   {folder / file}"
    for key, text in evidence.sealed().items():
        yield f"note      {key}={text}: its secret is left out; whoever runs it gives it again"
    yield f"take in   python -m ftrecipe recipes add {folder}"


def _write(
    rundir: RunDir, evidence: Evidence, name: str, folder: Path, wishes: Wishes
) -> list[str]:
    """Write all files to `folder`; return their names."""
    config, place = evidence.boundary["config"], Path(evidence.boundary["working_dir"])
    names = new_names(config, place)
    description = config["description"] or _description(evidence)
    head = {"ftrecipe": _range(), "description": description, "expected": evidence.expected()}
    own = OmegaConf.to_container(OmegaConf.load(rundir.recipe), resolve=False)
    assert isinstance(own, dict)
    values: dict[str, Any] = head | portable({str(k): v for k, v in own.items()}, names) | head
    text = OmegaConf.to_yaml(OmegaConf.create(redacted_tree(values)))
    write_text(folder / f"{name}.yaml", f"{_comment(evidence)}\n{text}")
    lock = {key: value for key, value in evidence.lock.items() if key != "schema_version"}
    write_json(folder / LOCK, renamed(lock, names))
    write_text(folder / CARD, card(name, description, evidence, names, wishes.license))
    for template in templates(config, place):
        write_text(folder / template.name, template.read_text("utf-8"))
    return sorted(file.name for file in folder.iterdir())


def _range() -> str:
    """Return the versions that read a recipe of this one."""
    major, minor = __version__.split(".")[:2]
    return f">={major}.{minor},<{major}.{int(minor) + 1}"


def _description(evidence: Evidence) -> str:
    chosen: Mapping[str, Any] = evidence.boundary["choices"]
    return f"{chosen['peft']} on {chosen['model']}, {chosen['dataset']} data"


def _comment(evidence: Evidence) -> str:
    chosen: Mapping[str, Any] = evidence.boundary["choices"]
    return (
        f"# Model: {chosen['model']}. Method: {chosen['peft']}. Hardware: {chosen['hardware']}.\n"
        f"# Made by a run that took {evidence.took()}; its card and lock are beside this file."
    )


def _check(name: str, folder: Path) -> None:
    """Raise ConfigError where another team's door would refuse what was written."""
    judged = judge(name, folder.resolve())
    if judged.faults:
        raise ConfigError([f"it cannot be shared as it is: {fault}" for fault in judged.faults])


def _check_free(folder: Path, written: list[str], force: bool) -> None:
    """Raise ConfigError where something would be overwritten, or would lie beside a stranger."""
    others = [file.name for file in folder.glob("*.yaml") if file.name not in written]
    if others:
        raise ConfigError(f"--to {folder}: holds another recipe ({others[0]}); use its own folder")
    there = [name for name in written if (folder / name).exists()]
    if there and not force:
        raise ConfigError(f"--to {folder}: {', '.join(there)} would be overwritten; add --force")
