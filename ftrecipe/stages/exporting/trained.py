"""The trained model as exports are held against it: in float32 wherever that can be."""

from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.chain import below
from ftrecipe.stages.exporting.merging.fitting import StreamError
from ftrecipe.stages.exporting.merging.hollow import grown_to
from ftrecipe.stages.exporting.merging.lent import Lent, of_folder
from ftrecipe.stages.exporting.room import FLOAT32, compute, device_of
from ftrecipe.stages.measuring.modes import Model
from ftrecipe.stages.models import Models


def trained(models: Models) -> tuple[Model, str]:
    """Return the trained model, and the type that it computes in; no other is in memory then.

    A quantised base stays so, and has its room.
    """
    if models.quantization() is None:
        if models.dtype == FLOAT32 and models.in_memory:
            return models.tuned, FLOAT32
        models.let_go()
        way = compute(models)
        if not way.streams:
            return models.load_tuned(way.dtype), way.dtype
        try:
            return _from_disk(models), FLOAT32
        except StreamError as why:
            models.screen.say(f"export    {why}: the whole model is loaded to be asked")
            return models.load_tuned(), models.dtype
    models.let_go()
    return models.load_tuned(FLOAT32), FLOAT32


def _from_disk(models: Models) -> Model:
    """Return the trained model, of which no more than a layer and the adapter is in memory."""
    models.must_be_trained()
    device = device_of(models)
    models.screen.say(
        "export    the memory has no room for the whole model: it is asked layer by layer, "
        "each read from the disk; that takes its time (fidelity.prompts, fidelity.max_new_tokens "
        "and fidelity.examples say how much is asked)"
    )
    if models.dir.model.is_dir():
        return of_folder(models.dir.model, device, models.remote_code)
    weights = below(models)
    tied = not isinstance(weights, Adapted) or weights.tied
    lent = Lent(models.config, grown_to(models), tied, device)
    return lent.given(weights, lent.with_adapter(models.dir.adapter))
