"""K-quants of a GGUF file, made by llama.cpp's own quantiser: cyllama's, or the one on the PATH."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ftrecipe import devices
from ftrecipe.errors import ConfigError, FtrecipeError, StageError
from ftrecipe.gguf.kinds import KINDS

LIBRARY, PROGRAM = "cyllama", "llama-quantize"
BLOCK = 256  # the numbers of a row that K-quants take together
FALLBACK = 32  # the same of what becomes of others; a table of words has to be one of these
_REASON = re.compile(r"failed to quantize: (.*)|(GGML_ASSERT\(.*)")


def lack() -> str | None:
    """Return what has to be installed for K-quants, None if it is there; nothing is imported."""
    if importlib.util.find_spec(LIBRARY) is not None or shutil.which(PROGRAM) is not None:
        return None
    return (
        f"K-quants are made by {LIBRARY} or by llama.cpp's {PROGRAM}, and neither is here; "
        f"pip install 'ftrecipe[export]', or put {PROGRAM} on the PATH"
    )


def remark(kinds: Sequence[str], rows: Sequence[int]) -> Iterator[str]:
    """Yield how many of a model's weights cannot be K-quantised, by the lengths of their rows."""
    uneven = [length for length in rows if length % BLOCK]
    if uneven and len(uneven) < len(rows):
        lengths = ", ".join(map(str, sorted(set(uneven))))
        yield (
            f"{', '.join(kinds)}: {len(uneven)} of {len(rows)} weights have rows of {lengths} "
            f"numbers, no multiple of {BLOCK}: they become larger types (Q5_0, Q8_0 and such)"
        )


def quantize(source: Path, target: Path, kind: str) -> str | None:
    """Write a GGUF file of 16 or 32 bits again as a K-quant, `kind` being its name in `KINDS`.

    Returns which weights became another type, in words, None where all are K-quantised. Raises
    ConfigError where nothing installed can do it or no weight can be K-quantised, StageError where
    it fails; then there is no target.
    """
    ended = subprocess.run(_command(source, target, kind), capture_output=True, text=True)
    try:
        if ended.returncode != 0:
            raise StageError(f"{target.name} cannot be made: {_reason(ended)}")
        return _fallen_back(target, kind)
    except FtrecipeError:
        target.unlink(missing_ok=True)
        raise


def _command(source: Path, target: Path, kind: str) -> list[str]:
    """Return what quantises: a process of its own, which llama.cpp may end as it likes."""
    files, threads = [str(source), str(target)], str(devices.threads())
    if importlib.util.find_spec(LIBRARY) is not None:
        made_by = [sys.executable, "-m", "ftrecipe.gguf.by_cyllama"]
        return [*made_by, *files, str(KINDS[kind].code), threads]
    if (program := shutil.which(PROGRAM)) is not None:
        return [program, *files, kind.upper(), threads]
    raise ConfigError(lack() or "")


def _reason(ended: "subprocess.CompletedProcess[str]") -> str:
    """Return why a quantiser failed, by what it has printed."""
    said = f"{ended.stdout}\n{ended.stderr}"
    if found := _REASON.search(said):
        return (found[1] or found[2]).strip()
    last = (said.strip().splitlines() or ["nothing was printed"])[-1]
    return f"exit code {ended.returncode}: {last}"


def _fallen_back(file: Path, kind: str) -> str | None:
    """Say which weights have rows that K-quants cannot take, and what became of them."""
    from gguf import GGUFReader

    tables = [tensor for tensor in GGUFReader(file).tensors if len(tensor.shape) > 1]
    uneven = Counter(
        tensor.tensor_type.name for tensor in tables if int(tensor.shape[0]) % BLOCK != 0
    )
    if not uneven:
        return None
    if len(tables) == uneven.total():
        raise ConfigError(
            f"{kind} of this model cannot be made: no weight has rows of a multiple of {BLOCK} "
            "numbers; take q8_0"
        )
    parts = ", ".join(f"{count} became {name}" for name, count in uneven.most_common())
    return (
        f"{kind}: {uneven.total()} of {len(tables)} weights have rows that are no multiple of "
        f"{BLOCK} numbers: {parts}"
    )
