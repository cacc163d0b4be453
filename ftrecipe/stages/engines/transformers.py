"""Engine `transformers`: a folder loaded by transformers alone, as whoever downloads it does."""

from contextlib import suppress
from typing import Any, cast

import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel

from ftrecipe.components.export import Artefact
from ftrecipe.errors import StageError
from ftrecipe.stages.engines import Settings
from ftrecipe.stages.engines.torch_model import TorchModel
from ftrecipe.stages.exporting.merging.fitting import StreamError
from ftrecipe.stages.exporting.merging.lent import of_folder
from ftrecipe.weights import times


def open_engine(artefact: Artefact, settings: Settings) -> TorchModel:
    """Load a model folder: its weights, its tokenizer, and the end tokens of its own configs."""

    def load() -> PreTrainedModel:
        if settings.streams:
            with suppress(StreamError):  # else it is loaded whole, and may or may not have room
                return of_folder(artefact.path, settings.device, settings.remote_code)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            artefact.path,
            dtype=settings.dtype,
            device_map=settings.device,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are told below
            output_loading_info=True,
            trust_remote_code=settings.remote_code,
        )
        model, told = loaded
        if lost := sorted(told["missing_keys"]):
            raise StageError(f"cannot be loaded: {len(lost)} weights are missing, as {lost[0]}")
        for name, stored, wanted in sorted(told["mismatched_keys"]):
            raise StageError(
                f"cannot be loaded: {name} is {times(stored)}, and {times(wanted)} by config.json"
            )
        return cast(PreTrainedModel, model)

    about = f"transformers {transformers.__version__}"
    return TorchModel.load(artefact.path, settings, load, about, tokenizer_ends=False)
