"""What came of a run, in a form in which two runs can be compared bit by bit."""

import json
from hashlib import sha256 as hasher
from pathlib import Path
from typing import Any

from ftrecipe.digest import sha256
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.weights import file_hashes

WEIGHTS = ("*.safetensors", "*.gguf")  # of an export
LOGGED = ("loss", "eval_loss", "grad_norm")
# What else metrics.json says (compare, other baselines, the gate) follows from the answers of all
# models, which are hashed, and from the config.
MEASURED = ("base", "tuned", "objective")
TAKEN = ("loss", "steps", "seconds", "tokens_per_second", "peak_memory_bytes",
         "resumed_from_step")  # fmt: skip


def results(rundir: RunDir) -> dict[str, Any]:
    """Return what the run directory holds: losses, hashes of weights and answers, metrics."""
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    taken = metrics.get("train", {})
    return {
        "losses": losses(rundir.history),
        "weights": weights(rundir),
        "metrics": {name: metrics[name] for name in MEASURED if name in metrics},
        "answers": answers(rundir),
        "exports": exports(rundir),
        "train": {name: taken[name] for name in TAKEN if name in taken},
    }


def losses(history: Path) -> dict[str, dict[str, float]]:
    """Return what was logged, by name and step; JSON keeps every bit of a number."""
    found: dict[str, dict[str, float]] = {}
    if not history.is_file():
        return found
    for text in history.read_text("utf-8").splitlines():
        line = json.loads(text)
        for name in LOGGED:
            if name in line:
                found.setdefault(name, {})[str(line["step"])] = line[name]
    return found


def weights(rundir: RunDir) -> dict[str, str]:
    """Return the hashes of the trained weights: of the adapter, or of the model."""
    folders = [folder for folder in (rundir.adapter, rundir.model) if folder.is_dir()]
    return {
        f"{folder.name}/{name}": known
        for folder in folders
        for name, known in file_hashes(folder).items()
    }


def exports(rundir: RunDir) -> dict[str, str]:
    """Return the hashes of the weights that were exported and passed: `merged/model.safetensors`.

    Files that one export has from another by links are read once.
    """
    folders = sorted(rundir.export.glob("[!.]*")) if rundir.export.is_dir() else []
    files = [file for folder in folders for ending in WEIGHTS for file in folder.glob(ending)]
    by_file = {file: (file.stat().st_dev, file.stat().st_ino) for file in sorted(files)}
    by_inode = {inode: file for file, inode in by_file.items()}
    once = {inode: sha256(file) for inode, file in by_inode.items()}
    return {f"{file.parent.name}/{file.name}": once[inode] for file, inode in by_file.items()}


def answers(rundir: RunDir) -> dict[str, str]:
    """Return the hashes of what each suite wrote down of every example."""
    files = sorted(rundir.eval.glob("[!.]*.jsonl")) if rundir.eval.is_dir() else []
    return {file.name: _placeless(file) for file in files}


def prepared_content(folder: Path) -> str:
    """Return the SHA-256 of prepared data: of its tokens, labels and questions."""
    digest = hasher()
    for file in sorted(folder.glob("*/rows.arrow")):
        digest.update(f"{file.relative_to(folder).as_posix()} {sha256(file)}\n".encode())
    for file in sorted(folder.glob("examples_*.jsonl")):
        digest.update(f"{file.name} {_placeless(file)}\n".encode())
    return digest.hexdigest()


def _placeless(file: Path) -> str:
    """Hash rows of JSON without what they say of where they came from: a copy may lie elsewhere."""
    digest = hasher()
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            row.pop("where", None)
            digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
