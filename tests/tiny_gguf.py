"""The embedded model as GGUF files, for tests of what reads and quantises them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from answers import ROOT

TINY = ROOT / "ftrecipe" / "builtin" / "tiny"
BOS, PAD, END = 0, 1, 3


class Stored:
    """The embedded model's tensors, read from its file."""

    def __init__(self) -> None:
        from safetensors import safe_open

        self.file: Any = safe_open(TINY / "model.safetensors", "pt")
        self.names: list[str] = sorted(self.file.keys())

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.file.get_slice(name).get_shape())

    def read(self, name: str) -> Any:
        return self.file.get_tensor(name)


def tiny_gguf(folder: Path, *kinds: str, begins: str | None = None, **special: Any) -> list[Path]:
    """Write the embedded model once a type, with what tokens mean as `special` says.

    begins: a special token that the tokenizer is to put before a text.
    """
    from ftrecipe.gguf.about import About
    from ftrecipe.gguf.layout import Model
    from ftrecipe.gguf.special import Special
    from ftrecipe.gguf.write import write

    said: dict[str, Any] = {
        "bos": BOS, "ends": [END], "pad": PAD, "unk": None, "apart": True,
        "template": (TINY / "chat_template.jinja").read_text("utf-8"),
    }  # fmt: skip
    tokenizer = json.loads((TINY / "tokenizer.json").read_text("utf-8"))
    if begins is not None:
        first = {"SpecialToken": {"id": begins, "type_id": 0}}
        tokenizer["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [],
            "special_tokens": {begins: {"id": begins, "ids": [BOS], "tokens": [begins]}},
        }
    model = Model(
        config=json.loads((TINY / "config.json").read_text("utf-8")),
        stored=Stored(),
        tokenizer=tokenizer,
        special=Special(**(said | special)),
        about=About("tiny", "apache-2.0", "org/tiny-base"),
    )
    files = {kind: folder / f"tiny-{kind}.gguf" for kind in kinds}
    write(model, files, silent)
    return list(files.values())


def silent(label: str, items: Sequence[Any]) -> Iterable[Any]:
    """Show no progress."""
    return items
