"""Engine `peft`: an adapter's folder on the base that it names, put together by PEFT alone."""

import peft
from peft import AutoPeftModelForCausalLM

from ftrecipe.components.export import Artefact
from ftrecipe.stages.engines import Settings
from ftrecipe.stages.engines.torch_model import TorchModel
from ftrecipe.stages.measuring.modes import Model


def open_engine(artefact: Artefact, settings: Settings) -> TorchModel:
    """Load an adapter as its users do; the base is quantised where it was in training."""

    def load() -> Model:
        return AutoPeftModelForCausalLM.from_pretrained(
            artefact.path,
            dtype=settings.dtype,
            quantization_config=settings.quantization,
            device_map=settings.device,
            use_safetensors=True,
            trust_remote_code=settings.remote_code,
        )

    about = f"peft {peft.__version__}"
    return TorchModel.load(artefact.path, settings, load, about, tokenizer_ends=True)
