"""Engine `peft`: an adapter's folder on the base that it names, put together by PEFT alone."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import peft
from huggingface_hub import snapshot_download
from peft import AutoPeftModelForCausalLM, PeftConfig
from transformers import AutoConfig, AutoTokenizer, GenerationConfig
from transformers.utils import GENERATION_CONFIG_NAME

from ftrecipe.components.export import Artefact
from ftrecipe.stages.engines import Settings
from ftrecipe.stages.engines.torch_model import TorchModel
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError, fitted
from ftrecipe.stages.exporting.merging.lent import Lent
from ftrecipe.stages.measuring.modes import Model, base_of


def open_engine(artefact: Artefact, settings: Settings) -> TorchModel:
    """Load an adapter as its users do; the base is quantised where it was in training."""

    def load() -> Model:
        if settings.streams and settings.quantization is None:
            with suppress(StreamError):  # else it is loaded whole, and may or may not have room
                return _from_disk(artefact.path, settings)
        model = AutoPeftModelForCausalLM.from_pretrained(
            artefact.path,
            dtype=settings.dtype,
            quantization_config=settings.quantization,
            device_map=settings.device,
            use_safetensors=True,
            trust_remote_code=settings.remote_code,
        )
        return _settled(model, artefact.path)

    about = f"peft {peft.__version__}"
    return TorchModel.load(artefact.path, settings, load, about, tokenizer_ends=True)


def _settled(model: Model, folder: Path) -> Model:
    """Return an adapter's model with the settings of generation beside the adapter."""
    if (folder / GENERATION_CONFIG_NAME).is_file():  # which PEFT ignores, and vLLM reads
        base_of(model).generation_config = GenerationConfig.from_pretrained(folder)
    return model


def _from_disk(folder: Path, settings: Settings) -> Model:
    """Return an adapter's model, of which a layer and the adapter are in memory at a time."""
    told = PeftConfig.from_pretrained(str(folder))
    named = str(told.base_model_name_or_path)
    base = Path(named)
    if not base.is_dir():
        base = Path(snapshot_download(named, revision=told.revision, local_files_only=True))
    code = settings.remote_code
    tokens = len(cast(Any, AutoTokenizer.from_pretrained(folder, trust_remote_code=code)))
    config = AutoConfig.from_pretrained(base, trust_remote_code=code)
    lent = Lent(config, tokens, device=settings.device)
    weights = fitted(Files(base), lent.model)
    if (base / GENERATION_CONFIG_NAME).is_file():
        lent.model.generation_config = GenerationConfig.from_pretrained(base)
    return _settled(lent.given(weights, lent.with_adapter(folder)), folder)
