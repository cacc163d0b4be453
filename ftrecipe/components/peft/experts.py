"""What LoRA does with experts that are one tensor: PEFT reads the names that their layers had."""

from collections.abc import Iterator, Sequence

from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Module, ends


def split(names: str | Sequence[str], architecture: Architecture) -> tuple[list[str], set[str]]:
    """Return the targets that stay layers, and the tensors that others now stand for."""
    old = dict(architecture.renamed)
    if isinstance(names, str):
        names = [*old, *{module.path.rpartition(".")[2] for module in architecture.linears}]
    layers = [name for name in names if not any(ends(name, [one]) for one in old)]
    tensors = {new for name in names for one, new in old.items() if ends(name, [one])}
    return layers, tensors


def named_tensors(architecture: Architecture, names: set[str]) -> list[tuple[Module, str]]:
    """Return the tensors whose own names end so, one by one."""
    return [
        (module, path)
        for module in architecture.modules
        for path, (tensor, _) in zip(module.paths, module.tensors)
        if ends(tensor, names)
    ]


def halves(key: str, names: str | Sequence[str], architecture: Architecture) -> Iterator[str]:
    """Yield names of layers that are one tensor with another, which is not named."""
    if isinstance(names, str):
        return
    for new in {new for _, new in architecture.renamed}:
        needed = [old for old, other in architecture.renamed if other == new]
        there = [old for old in needed if any(ends(name, [old]) for name in names)]
        if 0 < len(there) < len(needed):
            yield (
                f"{key}: {' and '.join(needed)} are one tensor in this model's experts; name both, "
                "or neither"
            )
