"""The base model: where it is, and how its config, tokenizer and weights are loaded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ftrecipe.components.model.facts import config_of, file_of, tuned_or_base
from ftrecipe.data.files.locate import packaged_file
from ftrecipe.data.tokens.templates import TEMPLATES
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.memory.architecture import Architecture, read
from ftrecipe.model_folder import CONFIG
from ftrecipe.paths import typed
from ftrecipe.registry import Group, bounded, only_with
from ftrecipe.rundir import RunDir
from ftrecipe.weights import count_weights, times

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

DEFAULT_TEMPLATE = "plain"


class Dtype(Enum):
    """Type of the weights; `auto` takes what the method and the device do best."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class FromRun(Enum):
    """How an earlier tune is continued: its adapter trained on, or merged into the base first."""

    adapter = "adapter"
    merged = "merged"


@dataclass
class Model:
    """A causal language model in a folder or on the hub.

    `parameters_b` is its size in billions, for the memory arithmetic, where its config.json is
    neither on this machine nor among the facts that come with the project.
    """

    path: str | None = None
    revision: str | None = None
    dtype: Dtype = Dtype.auto
    attn_implementation: str | None = None
    chat_template: str | None = None
    special_tokens: list[str] = field(default_factory=list)
    from_run: str | None = None
    from_run_as: FromRun = only_with("from_run", FromRun.adapter)
    toy: bool = False
    parameters_b: float | None = bounded(None, 0)

    @property
    def merged_before(self) -> str | None:
        """Return the run whose adapter is merged into the base before training; None: none."""
        if self.from_run is None or self.from_run_as is not FromRun.merged:
            return None
        return None if RunDir(typed(self.from_run)).model.is_dir() else self.from_run

    @property
    def architecture(self) -> Architecture | None:
        """Return what it is made of; None where no config.json is at hand, or its kind is unknown.

        Raises ConfigError for a config.json with numbers that make no model.
        """
        if self.from_run is not None:
            before = tuned_or_base(RunDir(typed(self.from_run)))
            return None if before is None else replace(self, from_run=None, **before).architecture
        try:
            source = self.source
        except ConfigError:
            return None  # told where the model is looked for
        config = config_of(source, self.revision)
        try:
            return None if config is None else read(config)
        except ConfigError as error:
            faults = [f"model.path={self.path}: {fault}" for fault in error.faults]
            raise ConfigError(faults) from error

    def file(self, name: str) -> Mapping[str, Any] | None:
        """Return a JSON file of the model, None where it is not on this machine."""
        if self.from_run is not None:
            before = tuned_or_base(RunDir(typed(self.from_run)))
            return None if before is None else replace(self, from_run=None, **before).file(name)
        try:
            source = self.source
        except ConfigError:
            return None  # told where the model is looked for
        if name == CONFIG:
            return config_of(source, self.revision)
        return file_of(source, self.revision, name)

    @property
    def parameters(self) -> float | None:
        """Return how many weights it has, None where only the hub knows."""
        architecture = self.architecture
        if architecture is not None:
            return float(architecture.parameters)
        if self.is_local:
            return float(count_weights(Path(self.source)))
        return None if self.parameters_b is None else self.parameters_b * 1e9

    @property
    def source(self) -> str:
        """Return the folder or hub id. Raises ConfigError for a folder that does not exist."""
        if not self.path:
            raise ConfigError("model.path is not set; add model.path=<folder or hub id>")
        if self.path.startswith("builtin:"):
            folder = packaged_file(self.path)
            if not folder.is_dir():
                raise ConfigError(_missing_folder(self.path, folder))
            return str(folder)
        folder = typed(self.path)
        if folder.is_dir():
            return str(folder)
        if not looks_like_hub_id(self.path):
            raise ConfigError(_missing_folder(self.path, folder))
        return self.path

    @property
    def is_local(self) -> bool:
        """Tell whether the model is in a folder of this machine."""
        return bool(self.path) and Path(self.source).is_dir()

    def hub_arguments(self, remote_code: bool) -> dict[str, Any]:
        """Return what every `from_pretrained` of this model is called with."""
        return {"revision": self.revision, "trust_remote_code": remote_code}

    def load_config(self, remote_code: bool = False) -> "PretrainedConfig":
        """Load the architecture's numbers (transformers AutoConfig); no weights."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self.source, **self.hub_arguments(remote_code))

    def load_tokenizer(self, remote_code: bool = False) -> "PreTrainedTokenizerFast":
        """Load the tokenizer, give it the chat template that was asked for, and a pad token."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.source, **self.hub_arguments(remote_code))
        if not tokenizer.is_fast:
            raise ConfigError(f"model.path={self.path}: has no fast tokenizer (tokenizer.json)")
        if self.special_tokens:
            tokenizer.add_special_tokens(
                {"extra_special_tokens": list(self.special_tokens)},
                replace_extra_special_tokens=False,
            )
        template = self.template(tokenizer.chat_template)
        if template is not None:
            tokenizer.chat_template = template
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def template(self, own: str | None) -> str | None:
        """Return the chat template to set: a named one, a file's, inline text, or the default."""
        asked = self.chat_template
        if asked is None:
            return own or TEMPLATES[DEFAULT_TEMPLATE]
        if asked in TEMPLATES:
            return TEMPLATES[asked]
        if "{" in asked:
            return asked
        file = typed(asked)
        if not file.is_file():
            raise ConfigError(
                f"model.chat_template={asked} is neither a file, nor a Jinja template, "
                f"nor one of {', '.join(TEMPLATES)}{did_you_mean(asked, TEMPLATES)}"
            )
        return file.read_text(encoding="utf-8")

    def load_weights(
        self, dtype: str, quantization: Any, device_map: Any, remote_code: bool
    ) -> "PreTrainedModel":
        """Load the model with weights of `dtype`, quantised as told, safetensors only.

        Raises ConfigError where the files lack weights that the config asks for, which transformers
        would fill with random numbers.
        """
        from transformers import AutoModelForCausalLM

        loaded: Any = AutoModelForCausalLM.from_pretrained(
            self.source,
            dtype=dtype,
            attn_implementation=self.attn_implementation,
            quantization_config=quantization,
            device_map=device_map,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # they are told below
            output_loading_info=True,
            **self.hub_arguments(remote_code),
        )
        model, told = loaded
        lacking = sorted(set(told["missing_keys"]) & {name for name, _ in model.named_parameters()})
        if faults := [*_other_shapes(told["mismatched_keys"]), *_lacking(lacking)]:
            raise ConfigError(f"model.path={self.path}: {fault}" for fault in faults)
        return model


GROUP = Group("model", Model)
GROUP.option("custom")(Model)


def looks_like_hub_id(text: str) -> bool:
    """Tell `org/name` from a path: two plain words and one slash."""
    parts = text.split("/")
    return len(parts) == 2 and all(
        part
        and not part.startswith(".")
        and part.replace("-", "").replace("_", "").replace(".", "").isalnum()
        for part in parts
    )


def _other_shapes(found: Collection[tuple[str, Sequence[int], Sequence[int]]]) -> list[str]:
    if not found:
        return []
    name, stored, wanted = min(found)
    more = f" (and {len(found) - 1} others)" if len(found) > 1 else ""
    return [
        f"{name} is {times(stored)} in the weights and {times(wanted)} by config.json{more}; "
        "they are of two models"
    ]


def _lacking(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [
        f"the files lack {listed(names, 4)}, which config.json asks for; "
        "they are of another model, or not all of it"
    ]


def _missing_folder(asked: str, folder: Path) -> str:
    if folder.is_file():
        return (
            f"model.path={asked}: is a file; name the folder of the model "
            "(config.json, tokenizer.json, *.safetensors)"
        )
    parent = folder.parent if folder.parent.is_dir() else Path(".")
    hint = did_you_mean(folder.name, [p.name for p in parent.iterdir() if p.is_dir()])
    return f"model.path={asked}: there is no such folder, and it is no hub id (org/name){hint}"
