"""The adapters of a run over its base's files, one after the other, each merged as it is read."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ftrecipe.components.export import Weights
from ftrecipe.components.model import FromRun
from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import fitted
from ftrecipe.stages.exporting.merging.hollow import grown_to, skeleton
from ftrecipe.stages.exporting.merging.quantized import Dequantized
from ftrecipe.stages.models import Models


def bases(models: Models) -> tuple[str, ...]:
    """Return what can be merged into: of a quantised base also what quantisation left of it."""
    return ("base",) if models.quantization() is None else ("base", "dequantized")


def streamed(models: Models, base: str) -> Adapted:
    """Return the base's weights with this run's adapter in them, and an earlier one's before it."""
    found = _merged(models, base, [*_before(models), models.dir.adapter])
    assert isinstance(found, Adapted)
    return found


def below(models: Models) -> Weights:
    """Return the weights that this run's adapter was trained on."""
    return _merged(models, "base", list(_before(models)))


def _merged(models: Models, base: str, adapters: list[Path]) -> Weights:
    model = partial(skeleton, models.config, grown_to(models))
    plain = model()
    found = fitted(Files(models.source_folder()), plain)
    for adapter in adapters:
        if isinstance(found, Adapted):
            plain = model(found.tied)
        if base == "dequantized":
            found = Dequantized(found, models.quantization(), plain)
        found = Adapted(found, plain, adapter)
    return found


def _before(models: Models) -> Iterator[Path]:
    """Yield the adapter that was merged into the base before this run trained, if there is one."""
    before = models.earlier.adapter if models.earlier else None
    if before is not None and models.run.model.from_run_as is FromRun.merged:
        yield before
