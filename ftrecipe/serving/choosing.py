"""Chooses what of each run is served, so that one program can serve it all."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.components.export.vllm_server import why_not
from ftrecipe.components.model.facts import config_of
from ftrecipe.config import RunConfig, from_plain
from ftrecipe.errors import ConfigError, listed
from ftrecipe.model_folder import ADAPTER_CONFIG
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.sealing import opened
from ftrecipe.serving.order import PROGRAM, VLLM, WAYS, Served, Way
from ftrecipe.talk.choice import FAILED, Loadable, best, loadable, named

WITH, BY = "--with", "--by"


@dataclass(frozen=True)
class Candidate:
    """A run, the name that it is asked for by, and what of it can be loaded."""

    name: str
    rundir: RunDir
    run: RunConfig
    found: list[Loadable]

    @property
    def usable(self) -> list[Loadable]:
        """What passed its gate, or has none, and has its engine installed."""
        return [each for each in self.found if each.verdict != FAILED and each.lacks is None]

    @property
    def adapters(self) -> list[Loadable]:
        """The adapters among them."""
        return [each for each in self.usable if (each.path / ADAPTER_CONFIG).is_file()]


def candidates(rundirs: Sequence[RunDir]) -> list[Candidate]:
    """Open runs. Raises ConfigError for one without anything that can be served."""
    boundaries = [read_json(rundir.run) for rundir in rundirs]
    names = [boundary["name"] for boundary in boundaries]
    made, faults = [], []
    for rundir, boundary in zip(rundirs, boundaries, strict=True):
        name = boundary["name"]
        if names.count(name) > 1:
            name = f"{name}-{rundir.path.name}"
        run = from_plain(opened(boundary["config"], os.environ, where=str(rundir.run)))
        engines = {engine for way in WAYS for engine in way.engines}
        found = [each for each in loadable(rundir, run) if each.engine in engines]
        if not found:
            faults.append(f"{rundir.path}: nothing is trained yet; resume the run first")
        made.append(Candidate(name, rundir, run, found))
    if faults:
        raise ConfigError(faults)
    return made


def chosen(runs: Sequence[Candidate], wanted: str | None, on_gpu: bool) -> list[Loadable]:
    """Return what of each run is served: what was asked for, else what is quick and passed.

    Of several runs on one base the adapters: so that base is in memory once. Raises ConfigError.
    """
    if wanted is not None:
        return _each(runs, lambda one: named(wanted, one.found, Path.cwd()))
    if len(runs) > 1 and one_base(runs) and all(one.adapters for one in runs):
        return [best(one.adapters, on_gpu) for one in runs]
    picked = _each(runs, lambda one: best(one.found, on_gpu))
    if len({way_of(each) for each in picked}) == 1:
        return picked
    for way in WAYS:
        able = [[each for each in one.usable if each.engine in way.engines] for one in runs]
        if all(able):
            return [best(found, on_gpu) for found in able]
    return picked


def way_for(
    runs: Sequence[Candidate], served: Sequence[Served], wanted: str | None, on_gpu: bool
) -> Way:
    """Return the program that serves all of it; `wanted` is the name of one, a module's.

    vLLM where it is installed, a GPU is there, and it takes what is served. Raises ConfigError
    where it takes two programs, or where packages are missing.
    """
    ways = {way_of(one.what): one for one in served}
    if len(ways) > 1:
        each = [f"{one.name}: {one.what.name} by {way.about}" for way, one in ways.items()]
        raise ConfigError(
            f"one program cannot serve both ({', '.join(each)}); serve them one by one, or add "
            f"an export that all of them have: {WITH} adapter"
        )
    way = next(iter(ways))
    refused = _vllm_refuses(runs, served, on_gpu)
    if wanted == VLLM.module and refused:
        raise ConfigError(f"{BY} {wanted}: {refused}")
    if refused is None and wanted in (None, VLLM.module):
        return VLLM
    if wanted not in (None, way.module):
        raise ConfigError(
            f"{BY} {wanted}: {served[0].what.name} is served by {way.about} ({BY} {way.module})"
        )
    missing = [name for name in way.packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{way.about} needs {listed(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            "not installed here; pip install 'ftrecipe[train,export]'"
        )
    return way


def _vllm_refuses(runs: Sequence[Candidate], served: Sequence[Served], on_gpu: bool) -> str | None:
    """Return why vLLM does not serve this; None if it does."""
    if shutil.which(PROGRAM) is None:
        return "vllm is not on the PATH; install it into an environment of its own and add that"
    if not on_gpu:
        return "no NVIDIA GPU was found here"
    if any(one.what.engine not in VLLM.engines for one in served):
        return "it takes exports alone, adapter or merged: python -m ftrecipe export RUN"
    adapters = [one.what.path for one in served if (one.what.path / ADAPTER_CONFIG).is_file()]
    if adapters and len(adapters) < len(served):
        return "it serves one model, or adapters of one base"
    if not adapters:
        return None if len(served) == 1 else "it serves one merged model at a time"
    if not one_base(runs):
        return "these adapters are of several bases"
    models = [run.run.model for run in runs]
    if any(run.run.quantization.package for run in runs):
        return "it would not have the base quantized as it was trained on"
    if any(model.special_tokens or model.from_run for model in models):
        return "the base was changed before it was tuned: by added tokens, or an earlier run"
    stored = _stored(runs[0].run)
    return next(filter(None, (why_not(each, stored) for each in adapters)), None)


def _stored(run: RunConfig) -> str:
    """Return the type that the base's weights are stored in, the usual one where nobody knows."""
    try:
        config = config_of(run.model.source, run.model.revision) or {}
    except ConfigError:  # a folder that is found from where the run was started, and not from here
        config = {}
    return str(config.get("dtype") or config.get("torch_dtype") or "bfloat16")


def way_of(what: Loadable) -> Way:
    """Return the program that serves what an engine opens."""
    return next(way for way in WAYS if what.engine in way.engines)


def _each(runs: Sequence[Candidate], choose: Callable[[Candidate], Loadable]) -> list[Loadable]:
    found: list[Loadable] = []
    faults: list[str] = []
    for one in runs:
        try:
            found.append(choose(one))
        except ConfigError as error:
            told = error.faults
            faults += told if len(runs) == 1 else [f"{one.name}: {fault}" for fault in told]
    if faults:
        raise ConfigError(faults)
    return found


def one_base(runs: Sequence[Candidate]) -> bool:
    """Tell whether all runs tuned the same weights."""
    files = [one.rundir.base for one in runs]
    if not all(file.is_file() for file in files):
        return False
    return len({read_json(file)["sha256"] for file in files}) == 1
