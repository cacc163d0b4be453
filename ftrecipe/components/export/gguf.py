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
from ftrecipe.gguf.families import FAMILIES, stranger
from ftrecipe.paths import typed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

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
        """Return that of all files; what K-quants are made from is there beside them for a time."""
        known = [kinds.KINDS[name] for name in self.types if name in kinds.KINDS]
        bits = sum(kind.bits for kind in known)
        if self._between:
            bits += kinds.KINDS[kinds.SOURCE].bits
        return merged * bits / 16 + (merged if self.llama_cpp else 0)

    def faults(self, beside: dict[str, Export], model: "Architecture | None") -> Iterator[str]:
        """Yield types that there are not, and models that only llama.cpp's converter knows."""
        yield from (f"types {fault}" for fault in kinds.faults(self.types))
        if self.llama_cpp:
            if why := checkout.fault(typed(self.llama_cpp)):
                yield f"llama_cpp={why}"
        elif model is not None and model.model_type not in FAMILIES:
            yield f"types: {stranger(model.model_type)}"
        if model is not None and self._indirect:
            rows = (model.hidden, model.intermediate, model.heads * model.head_dim)
            if all(length % kquants.BLOCK for length in rows):
                yield (
                    f"types: {', '.join(self._indirect)} takes {kquants.BLOCK} numbers of a row "
                    f"together, and this model's rows have {listed([*map(str, rows)])}; take q8_0"
                )

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
