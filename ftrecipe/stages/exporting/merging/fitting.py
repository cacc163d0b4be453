"""Whether the tensors of a folder are those of a model's modules, one by one."""

from transformers import PreTrainedModel

from ftrecipe.components.export import Weights
from ftrecipe.errors import listed
from ftrecipe.stages.exporting.merging.grown import Grown


class StreamError(Exception):
    """A model that cannot be merged layer by layer; the text is why."""


def fitted(source: Weights, model: PreTrainedModel) -> Weights:
    """Return stored weights as the model has them: with rows for its added tokens.

    Raises StreamError where transformers makes the model's tensors of other ones as it loads.
    """
    wanted = {name: tuple(each.shape) for name, each in model.state_dict().items()}
    tied: dict[str, str] = dict(model.all_tied_weights_keys)  # type: ignore[arg-type]
    names = set(source.names)
    groups = {
        main: {main, *(each for each in tied if tied[each] == main)} for main in tied.values()
    }
    lacking = [
        name for name in wanted if names.isdisjoint(groups.get(tied.get(name, name), {name}))
    ]
    if lacking:
        raise StreamError(f"the files name {listed(lacking, 1)} otherwise than the model")
    rows: dict[str, int] = {}
    for name in names & wanted.keys():
        stored = source.shape(name)
        if stored != wanted[name]:
            if stored[1:] != wanted[name][1:] or stored[0] > wanted[name][0]:
                raise StreamError(f"{name} is stored in another shape than the model has it in")
            rows[name] = wanted[name][0]
    return Grown(source, rows) if rows else source
