"""Target `vllm`: an adapter or a merged model, with the script that serves it and a request."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.export import GROUP, Artefact, Asking, Export, Tuned, Usage
from ftrecipe.components.export.merged import stored_in
from ftrecipe.components.export.others import is_usable, link, place
from ftrecipe.components.export.vllm_server import (
    Served,
    bound,
    rank,
    refusal,
    request,
    request_script,
    serve_script,
    unfit_for,
    why_not,
)
from ftrecipe.components.peft.lora import Lora
from ftrecipe.errors import ConfigError
from ftrecipe.model_folder import CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.components.model import Model
    from ftrecipe.components.peft import Peft
    from ftrecipe.memory.architecture import Architecture

USUAL_LENGTH = 4096  # tokens of a request and its answer, where the model has as many


class Of(Enum):
    """Which target is served."""

    adapter = "adapter"
    merged = "merged"


@GROUP.option("vllm")
@dataclass
class Vllm(Export):
    """A folder for vLLM: the adapter, or the merged model, `serve.sh` and a request to try.

    of: which of them; None for the adapter if vLLM loads it, and else the merged model.
    max_model_len: the tokens of a request with its answer; None for 4096, or the length it was
    trained on if that is longer, as far as the model goes.
    """

    after_others: ClassVar[bool] = True
    library: ClassVar[str] = "vllm"

    of: Of | None = None
    max_model_len: int | None = bounded(None, 1)

    def size(self, adapter: float, merged: float) -> float:
        """Return the smaller one's where it is not said which: that is what is served then."""
        return {Of.adapter: adapter, Of.merged: merged}.get(self.of, min(adapter, merged))  # type: ignore[arg-type]

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield a length that the model does not have."""
        most = None if model is None else model.max_positions
        if self.max_model_len is not None and most is not None and self.max_model_len > most:
            yield (
                f"max_model_len={self.max_model_len}: this model goes up to {most} tokens; use "
                f"export.vllm.max_model_len={most}, or leave it out"
            )

    def unmade(self, method: "Peft") -> str | None:
        """Return why what `method` trains cannot be served as it is asked for."""
        whole = method.trains_base or method.mergeable
        if self.of is Of.adapter and method.trains_base:
            return "trains the base and has no adapter; leave export.vllm.of out"
        if self.of is Of.adapter and isinstance(method, Lora):
            config = {**vars(method), **method.options(), **method.extra}
            if (why := refusal(config)) is not None:
                return f"trains what vLLM cannot serve: {why}; use export.vllm.of=merged"
        elif self.of is Of.adapter:
            return "trains what vLLM cannot serve: it loads no adapters but LoRA's" + (
                "; use export.vllm.of=merged" if whole else "; use export=adapter"
            )
        if self.of is not Of.adapter and not whole:
            return "cannot be merged, and vLLM loads no adapters but LoRA's; use export=adapter"
        return None

    def misfits(self, beside: dict[str, Export], model: "Model") -> Iterator[str]:
        """Yield why an adapter on this base cannot be served, where it is asked for."""
        config = model.file(CONFIG) if self.of is Of.adapter else None
        if config is None:
            return
        dtype = str(config.get("dtype") or config.get("torch_dtype") or "float32")
        tokens = "it loads no adapters with trained tokens" if model.special_tokens else None
        before = model.merged_before and f"its base has the tune of {model.merged_before} merged in"
        for why in filter(None, (unfit_for(dtype), tokens, before)):
            yield f"vLLM cannot serve the adapter: {why}; use export.vllm.of=merged"

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Put the files of the target that is served below the scripts that serve it."""
        kind = self._kind(tuned)
        model = folder / kind.value
        model.mkdir()
        made = tuned.made(kind.value)
        if made is not None and is_usable(made, tuned):
            link(made, model)
        else:
            GROUP.get(kind.value)().write(tuned, model)
        if not (model / GENERATION_CONFIG).is_file():  # adapters have none
            tuned.generation_config.save_pretrained(model)
        self._scripts(tuned, folder, kind)

    def _kind(self, tuned: Tuned) -> Of:
        """Return which target is served. Raises ConfigError for an adapter that vLLM refuses."""
        why = "there is none" if tuned.adapter is None else why_not(tuned.adapter, tuned.dtype)
        if tuned.merged_before is not None:
            why = f"its base has the tune of {tuned.merged_before} merged in"
        if self.of is Of.adapter and why is not None:
            raise ConfigError(
                f"export.vllm.of=adapter: vLLM cannot serve this adapter: {why}; "
                "use export.vllm.of=merged"
            )
        if self.of is None and why is not None and tuned.adapter is not None:
            tuned.say(f"vllm: the merged model, not the adapter: {why}")
        return self.of or (Of.merged if why else Of.adapter)

    def _scripts(self, tuned: Tuned, folder: Path, kind: Of) -> None:
        served = Served(
            name=tuned.name,
            model=kind.value,
            base=place(tuned.base) if kind is Of.adapter else None,
            revision=tuned.revision,
            dtype=tuned.dtype if kind is Of.adapter else stored_in(folder / kind.value),
            length=self._length(tuned),
            rank=bound(rank(folder / kind.value)) if kind is Of.adapter else None,
            template=(folder / kind.value / CHAT_TEMPLATE).is_file(),
        )
        asked = tuned.questions(1) or [[{"role": "user", "content": "Hello!"}]]
        files = {
            "serve.sh": serve_script(served),
            "request.sh": request_script(served.template),
            "request.json": request(tuned.name, asked[0], served.template),
        }
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        for script in ("serve.sh", "request.sh"):
            (folder / script).chmod(0o755)

    def _length(self, tuned: Tuned) -> int | None:
        """Return the tokens of a request with its answer; None where the model sets no end."""
        most = vars(tuned.config.get_text_config()).get("max_position_embeddings")
        wanted = self.max_model_len or max(USUAL_LENGTH, tuned.length or 0)
        return min(wanted, most) if most else self.max_model_len

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return what is served, by the engine that its own target is held by."""
        return [
            artefact
            for kind in Of
            if (folder / kind.value).is_dir()
            for artefact in GROUP.get(kind.value)().artefacts(folder / kind.value)
        ]

    def usage(self, asking: Asking) -> list[Usage]:
        """Return how the server is started and asked."""
        there = "" if asking.folder == "." else f"{asking.folder}/"
        code = f"sh {quote(f'{there}serve.sh')}\nsh {quote(f'{there}request.sh')}"
        return [Usage("Serve it with vLLM, then ask it from another terminal", code)]
