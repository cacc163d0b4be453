"""Target `gguf`: one file each type of numbers, for llama.cpp and all that is built on it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, ClassVar, cast

from ftrecipe.components.export import (
    GROUP,
    Artefact,
    Asking,
    Closeness,
    Export,
    Tuned,
    Usage,
)
from ftrecipe.errors import listed
from ftrecipe.gguf import checkout, kinds, kquants
from ftrecipe.gguf.foreseen import (
    config_faults,
    marks_remark,
    tokenizer_faults,
    window_remark,
)
from ftrecipe.model_folder import CONFIG, TOKENIZER, TOKENIZER_CONFIG
from ftrecipe.paths import typed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from ftrecipe.components.model import Model as BaseModel
    from ftrecipe.gguf.layout import Model
    from ftrecipe.gguf.special import Special
    from ftrecipe.memory.architecture import Architecture

RUNNER = "xllamacpp"


@GROUP.option("gguf")
@dataclass
class Gguf(Export):
    """GGUF files with tokenizer, chat template and metadata inside.

    llama_cpp: a checkout of llama.cpp whose converter writes them, for families that are not
    written here; its code is run.
    """

    needs_merge: ClassVar[bool] = True
    package: ClassVar[str | None] = "gguf"
    relation: ClassVar[str] = "quantized"
    library: ClassVar[str] = "gguf"
    types: list[str] = field(default_factory=lambda: ["f16"])
    llama_cpp: str = ""

    def size(self, adapter: float, merged: float) -> float:
        """Return that of all files, and of what is there beside them for a time: what K-quants are
        made from, and then what a file of bfloat16 is held against, the same in 32 bits."""
        known = [kinds.KINDS[name] for name in self.types if name in kinds.KINDS]
        source = kinds.KINDS[kinds.SOURCE].bits if self._between else 0
        copy = kinds.WIDENED if any(kind.widened for kind in known) else 0
        bits = sum(kind.bits for kind in known) + max(source, copy)
        return merged * bits / 16 + (merged if self.llama_cpp else 0)

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield types that there are not, or not of such rows, and a folder that is no checkout."""
        yield from (f"types {fault}" for fault in kinds.faults(self.types))
        if self.llama_cpp and (why := checkout.fault(typed(self.llama_cpp))):
            yield f"llama_cpp={why}"
        if model is not None and self._indirect:
            rows = (model.hidden, model.intermediate, model.heads * model.head_dim)
            if model.hidden % kquants.FALLBACK:
                yield (
                    f"types: {', '.join(self._indirect)} cannot be made of a table of words with "
                    f"rows of {model.hidden} numbers, no multiple of {kquants.FALLBACK}; take f16"
                )
            elif all(length % kquants.BLOCK for length in rows):
                yield (
                    f"types: {', '.join(self._indirect)} takes {kquants.BLOCK} numbers of a row "
                    f"together, and this model's rows have {listed([*map(str, rows)])}; take q8_0"
                )

    def misfits(self, beside: dict[str, Export], model: "BaseModel") -> Iterator[str]:
        """Yield what llama.cpp has no place for, by config.json and tokenizer.json."""
        config = None if self.llama_cpp else model.file(CONFIG)
        if config is None:
            return
        yield from config_faults(config)
        tokenizer, settings = model.file(TOKENIZER), model.file(TOKENIZER_CONFIG)
        if tokenizer is not None and isinstance(tokenizer.get("model"), dict):
            grows = bool(model.special_tokens)
            yield from tokenizer_faults(config, tokenizer, settings or {}, grows)

    def remarks(self, model: "BaseModel") -> Iterator[str]:
        """Yield which weights K-quants cannot take, how long a row the file takes, and what
        llama.cpp tokenizes otherwise, whoever writes the file."""
        if self._indirect and (architecture := model.architecture) is not None:
            yield from kquants.remark(self._indirect, _rows(architecture))
        if not self.llama_cpp and (config := model.file(CONFIG)) is not None:
            yield from window_remark(config)
        tokenizer = model.file(TOKENIZER)
        if tokenizer is not None and isinstance(tokenizer.get("model"), dict):
            yield from marks_remark(tokenizer)

    def foresee(self, beside: dict[str, Export], tuned: Tuned) -> None:
        """Raise ConfigError for what of the model has no place in a file."""
        from ftrecipe.gguf.layout import Layout

        if self.llama_cpp:
            checkout.check(typed(self.llama_cpp))
            return
        model = _model(tuned)
        Layout(model)
        if not Path(tuned.base).is_dir():  # whose tokenizer a plan may not have seen
            for remark in marks_remark(model.tokenizer):
                tuned.say(remark)

    def lacks(self) -> Iterator[str]:
        """Yield what K-quants, and the gate that loads the files, need and is not installed."""
        if find_spec(RUNNER) is None:
            yield (
                f"its gate loads the files by llama.cpp, which needs {RUNNER}, and that is not "
                "installed here; pip install 'ftrecipe[export]'"
            )
        if self._indirect and (why := kquants.lack()):
            yield why

    @property
    def runs(self) -> str | None:
        """The field that names a program which is no part of ftrecipe."""
        return "llama_cpp" if self.llama_cpp else None

    @property
    def _indirect(self) -> list[str]:
        """The types that are made of another file: K-quants."""
        known = kinds.KINDS
        return [name for name in self.types if name in known and not known[name].direct]

    @property
    def _between(self) -> bool:
        """Whether they need a file that nobody asked for."""
        return bool(self._indirect) and kinds.SOURCE not in self.types

    def write(self, tuned: Tuned, folder: Path) -> None:
        """Write what holds the weights as they are in one pass, and make K-quants of that."""
        files = {name: folder / f"{_stem(tuned)}-{name}.gguf" for name in self.types}
        between = {kinds.SOURCE: folder / ".between.gguf"} if self._between else {}
        made = {name: file for name, file in files.items() if name not in self._indirect} | between
        if self.llama_cpp:
            _convert(tuned, typed(self.llama_cpp), made, folder)
        else:
            from ftrecipe.gguf.write import write

            write(_model(tuned), made, tuned.progress)
        for name in tuned.progress("K-quants", self._indirect) if self._indirect else ():
            if note := kquants.quantize(made[kinds.SOURCE], files[name], name):
                tuned.say(note)
        for file in between.values():
            file.unlink()

    def artefacts(self, folder: Path) -> list[Artefact]:
        """Return the files, which llama.cpp loads."""
        return [
            Artefact(file.name, "llama_cpp", file, _closeness(file))
            for file in sorted(folder.glob("*.gguf"))
        ]

    def usage(self, asking: Asking) -> list[Usage]:
        """Return commands of llama.cpp for each file."""
        paths = [quote(f"{asking.folder}/{one.name}") for one in self.artefacts(asking.files)]
        served = "\n".join(f"llama-server -m {path} --jinja" for path in paths)
        return [Usage("Serve the GGUF (llama.cpp, OpenAI-compatible)", served)] if paths else []


def _rows(architecture: "Architecture") -> list[int]:
    """Return how long the rows of each weight are that is not a vector."""
    return [shape[-1] for shape in architecture.tensors.values() if len(shape) > 1]


def _stem(tuned: Tuned) -> str:
    """Return what files are called by: the run's name."""
    return tuned.name.replace("/", "-")


def _closeness(file: Path) -> Closeness:
    """Say how numbers are kept in a file, by the type that its name ends with."""
    bits = kinds.KINDS[file.stem.rpartition("-")[2]].bits
    return Closeness.rounded if bits >= 16 else Closeness.quantized


def _model(tuned: Tuned) -> "Model":
    """Return what goes into the files."""
    from ftrecipe.gguf.about import About
    from ftrecipe.gguf.layout import Model

    local = Path(tuned.base).is_dir()  # whose place is nobody's business
    return Model(
        config=tuned.config.to_dict(),
        stored=tuned.weights,
        tokenizer=json.loads(tuned.tokenizer.backend_tokenizer.to_str()),
        special=_special(tuned),
        about=About(tuned.name, tuned.license, Path(tuned.base).name if local else tuned.base),
    )


def _special(tuned: Tuned) -> "Special":
    """Return what tokens mean: as the tokenizer says, else as the model's config does."""
    from ftrecipe.gguf.special import Special

    tokenizer, ends = tuned.tokenizer, tuned.generation_config.eos_token_id
    template, bos = tokenizer.chat_template, tokenizer.bos_token_id
    return Special(
        bos=cast(int | None, tuned.config.to_dict().get("bos_token_id") if bos is None else bos),
        ends=[end for end in (ends if isinstance(ends, list) else [ends]) if end is not None],
        pad=cast(int | None, tokenizer.pad_token_id),
        unk=cast(int | None, tokenizer.unk_token_id),
        template=template.get("default") if isinstance(template, dict) else template,
        apart=_begins_apart(tokenizer),
    )


def _begins_apart(tokenizer: "PreTrainedTokenizerFast") -> bool:
    """Say whether prompts of chats begin with a special token."""
    if tokenizer.chat_template is None:
        return False
    asked = [{"role": "user", "content": "question"}]
    text = str(tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True))
    return tokenizer.encode(text, add_special_tokens=False)[0] in tokenizer.added_tokens_decoder


def _convert(tuned: Tuned, llama_cpp: Path, files: dict[str, Path], folder: Path) -> None:
    """Have llama.cpp's own converter write the files, of a merged folder that is there or made."""
    from ftrecipe.components.export.merged import Merged

    merged, made = tuned.made("merged"), folder / ".merged"
    if merged is None:
        made.mkdir()
        Merged().write(tuned, made)
    for name in tuned.progress("files", list(files)):
        checkout.convert(llama_cpp, merged or made, files[name], name)
    shutil.rmtree(made, ignore_errors=True)
