"""GGUF files of families that are not written here: by the converter of a checkout of llama.cpp.

Its code is run: which checkout that is, only the command line says.
"""

import subprocess
import sys
from pathlib import Path

from ftrecipe.errors import ConfigError, StageError

SCRIPT = "convert_hf_to_gguf.py"
TRACEBACK = "Traceback (most recent call last):\n"
TOLD = 5  # of the last lines that a converter printed, when it fails


def fault(checkout: Path) -> str | None:
    """Return why a folder is no checkout of llama.cpp, None if it is one."""
    if not checkout.is_dir():
        return f"{checkout}: there is no such folder; git clone llama.cpp there"
    if not (checkout / SCRIPT).is_file():
        return f"{checkout}: has no {SCRIPT}; name the top folder of a checkout of llama.cpp"
    return None


def check(checkout: Path) -> None:
    """Start the checkout's converter, which only says what it takes: so packages that it needs are
    missed before a training. Raises ConfigError with what it said if it fails."""
    script = (checkout / SCRIPT).absolute()
    ended = _run(script, ["--help"])
    if ended.returncode != 0:
        raise ConfigError(f"export.gguf.llama_cpp={checkout}: {_failed(checkout, script, ended)}")


def _run(script: Path, words: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(script), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _failed(checkout: Path, script: Path, ended: "subprocess.CompletedProcess[str]") -> str:
    """Say that a converter failed, and why by what it printed."""
    return (
        f"{script} failed ({_advice(checkout, ended.stdout)}exit code {ended.returncode}): "
        + " | ".join(_last(ended.stdout) or ["it printed nothing"])
    )


def convert(checkout: Path, merged_folder: Path, target: Path, outtype: str) -> None:
    """Run the checkout's converter on a merged model, with this Python.

    Raises ConfigError for a folder that is no checkout, StageError with the last lines of a
    converter that fails; then there is no target.
    """
    if (why := fault(checkout)) is not None:
        raise ConfigError(f"export.gguf.llama_cpp={why}")
    script = (checkout / SCRIPT).absolute()
    files = [str(merged_folder.absolute()), "--outfile", str(target.absolute())]
    ended = _run(script, [*files, "--outtype", outtype])
    if ended.returncode != 0 or not target.is_file():
        target.unlink(missing_ok=True)
        raise StageError(_failed(checkout, script, ended))


def _advice(checkout: Path, said: str) -> str:
    """Say what to install, where that is what is missing."""
    if "ModuleNotFoundError" not in said and "ImportError" not in said:
        return ""
    needs = checkout / "requirements" / "requirements-convert_hf_to_gguf.txt"
    return f"it needs packages of its own, see {needs}; "


def _last(said: str) -> list[str]:
    """Return the last lines, and of a traceback only what was raised."""
    before, mark, traceback = said.partition(TRACEBACK)
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    raised = [line for line in traceback.splitlines() if line.strip() and line[0] != " "][-1:]
    return [*lines, *raised][-TOLD:] if mark else lines[-TOLD:]
