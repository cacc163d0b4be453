"""The worker's part of lock.json: what it read and computes with, before it trains."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from ftrecipe.lock import inputs, record, surroundings
from ftrecipe.lock.results import prepared_content, results
from ftrecipe.rundir import read_json
from ftrecipe.stages.session import Session

MEASURING = "eval."  # how the keys of files begin that are read only to measure


def lock_data(session: Session) -> None:
    """Write down the data: its files, and what was prepared of them. No file is read twice."""
    if session.only_checks or not session.rank.first:
        return
    if session.dir.adapter.is_dir() or session.dir.model.is_dir():
        _lock_measured(session)  # the lock keeps what was trained on
        return
    report = session.prepared.report
    record.add(
        session.dir,
        data={
            "files": inputs.data_files(session.run),
            "fingerprint": read_json(session.dir.prepared)["fingerprint"],
            "prepared_sha256": prepared_content(session.prepared.path),
            "rows": {name: split["rows"] for name, split in report["tokens"].items()},
        },
    )


def _lock_measured(session: Session) -> None:
    """Write down what suites read that were asked for after the training."""
    file = session.dir.lock_json
    known = read_json(file).get("data") if file.is_file() else None
    if known is None:
        return
    trained_on = [one for one in known["files"] if not one["key"].startswith(MEASURING)]
    measured = inputs.data_files(session.run, MEASURING)
    if [*trained_on, *measured] != known["files"]:
        record.add(session.dir, data=known | {"files": [*trained_on, *measured]})


def lock_run(session: Session) -> None:
    """Write down all else, just before the first step: from now on the lock is complete."""
    if not session.rank.first:
        return
    file = session.dir.lock_json
    if not file.is_file() or "data" not in read_json(file):
        lock_data(session)
    record.add(
        session.dir,
        versions=surroundings.versions(),
        machine=surroundings.machine(),
        compute=compute(session),
        model=model(session),
        tokenizer=tokenizer(session),
        seeds={"seed": session.run.seed},
        complete=True,
    )


def lock_results(session: Session) -> None:
    """Add what came of the run."""
    if session.dir.lock_json.is_file():
        record.add(session.dir, results=results(session.dir))


def model(session: Session) -> dict[str, Any]:
    """Return which weights training starts from; they are hashed once in a process."""
    models, run = session.models, session.run
    source = models.source
    folder, commit = Path(source.source), None
    if not source.is_local:
        from huggingface_hub import snapshot_download

        folder = Path(
            snapshot_download(source.source, revision=source.revision, local_files_only=True,
                              allow_patterns=["*.safetensors", "*.json"])
        )  # fmt: skip
        commit = folder.name
    return {
        "path": source.path,
        "revision": source.revision,
        "commit": commit,
        "sha256": models.base_fingerprint,
        "files": inputs.model_files(folder),
        "from_run": inputs.earlier_files(run.model.from_run) if run.model.from_run else None,
    }


def tokenizer(session: Session) -> dict[str, str | None]:
    """Return the hashes of the tokenizer, as it is used, and of its chat template."""
    used: Any = session.tokenizer
    template = used.chat_template
    state = json.loads(used.backend_tokenizer.to_str())
    state |= {"padding": None, "truncation": None}  # how it was last called
    return {
        "sha256": sha256(json.dumps(state, sort_keys=True).encode()).hexdigest(),
        "template_sha256": sha256(str(template).encode()).hexdigest() if template else None,
    }


def compute(session: Session) -> dict[str, Any]:
    """Return what decides the bits of a result beside the versions."""
    import torch

    found = session.models.found
    return {
        "device": found.name,
        "device_type": found.device.value,
        "precision": found.precision.value,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "environment": surroundings.variables(),
    }
