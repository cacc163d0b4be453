"""Measures how fast a loaded model writes, and what memory that takes; nothing is judged.

Every answer is as long as is asked for, whatever ends it otherwise: so two models are timed at the
same work.
"""

import time
from collections.abc import Callable
from pathlib import Path

import torch

from ftrecipe.components.eval.asked import T, Timing
from ftrecipe.stages.measuring.generation import Reader, Tick, in_batches, left_padded, silent
from ftrecipe.stages.measuring.modes import Model, evaluating
from ftrecipe.stages.stored import Stored
from ftrecipe.stages.surroundings import give_back

ROOM = 3  # a model of 16 bits on disk may become one of 32 bits, and is held twice while it loads
SELF = Path("/proc/self")


def timed(
    model: Model,
    prompts: list[list[int]],
    new_tokens: int,
    batch_size: int,
    tick: Tick = silent,
) -> list[Timing]:
    """Return for each prompt, in order, how long `new_tokens` took in a batch of that size.

    What a batch took after its first tokens is divided evenly among its rows.
    """
    found: dict[int, Timing] = {}
    with evaluating(model):
        for rows in in_batches(prompts, new_tokens, batch_size, model.device.type):
            first, rest = _clocked(model, [prompts[row] for row in rows], new_tokens)
            found |= {row: Timing(first, rest / len(rows), new_tokens - 1) for row in rows}
            tick(len(rows))
    return [found[row] for row in range(len(prompts))]


def _clocked(model: Model, prompts: list[list[int]], new_tokens: int) -> tuple[float, float]:
    """Return the seconds to the first token of every row, and from there to the last."""
    wait(model.device)
    began = time.perf_counter()
    reader = Reader(model, *left_padded(prompts, model.device))
    tokens = reader.logits.argmax(-1)
    tokens.tolist()  # a token is there once it can be shown
    first = time.perf_counter()
    going = set(range(len(prompts)))
    for _ in range(new_tokens - 1):
        reader.read(tokens, going)
        tokens = reader.logits.argmax(-1)
        tokens.tolist()
    wait(model.device)
    return first - began, time.perf_counter() - first


def wait(device: torch.device) -> None:
    """Let a GPU finish what it was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory(model: Model, work: Callable[[], T]) -> tuple[T, int | None]:
    """Do some work; return its result, and the bytes of the weights with the most that it added.

    None where this system does not tell what a process has held.
    """
    weights = [*model.parameters(), *model.buffers()]
    held = sum({one.data_ptr(): one.nbytes for one in weights}.values())
    if model.device.type == "cuda":
        before = torch.cuda.memory_allocated(model.device)
        torch.cuda.reset_peak_memory_stats(model.device)
        done = work()
        return done, held + torch.cuda.max_memory_allocated(model.device) - before
    give_back()
    forgotten = _forget_peak()
    before = _resident("VmRSS")
    done = work()
    peak = _resident("VmHWM")
    if not forgotten or before is None or peak is None:
        return done, None
    return done, held + max(0, peak - before)


def loading(stored: Stored, device: torch.device, times: int) -> list[float]:
    """Return the seconds that loading took, as often as memory allows a second model beside.

    The files have been read before, so that they come from the system's memory and not from disk.
    """
    found: list[float] = []
    for _ in range(times):
        give_back()
        free = free_memory(device)
        if free is not None and free < ROOM * stored.bytes:
            break
        wait(device)
        began = time.perf_counter()
        model = stored.load()
        wait(device)
        found.append(time.perf_counter() - began)
        del model
    return found


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that are free for one more model, None where this system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return _kilobytes(Path("/proc/meminfo"), "MemAvailable")


def _forget_peak() -> bool:
    """Have Linux count the most that this process holds from now on; tell whether it does."""
    try:
        (SELF / "clear_refs").write_text("5", "utf-8")
    except OSError:  # another system, or a container that forbids it
        return False
    return True


def _resident(name: str) -> int | None:
    return _kilobytes(SELF / "status", name)


def _kilobytes(file: Path, name: str) -> int | None:
    """Return a value that Linux tells in kilobytes, as bytes."""
    if not file.is_file():
        return None
    lines = file.read_text("utf-8").splitlines()
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None
