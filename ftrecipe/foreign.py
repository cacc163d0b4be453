"""What in a folder of a model or adapter would run code when loaded; nothing is loaded here."""

import json
from collections.abc import Iterator
from pathlib import Path

from ftrecipe.model_folder import CONFIG, TOKENIZER_CONFIG

CONFIGS = (CONFIG, TOKENIZER_CONFIG, "processor_config.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")


def code_faults(folder: Path, consent: bool) -> Iterator[str]:
    """Yield the files of `folder` that name Python code of its own, unless there is `consent`."""
    if consent:
        return
    for name in CONFIGS:
        code = sorted(set(_code_of(folder / name)))
        if code:
            yield (
                f"{name} names code of the model's author ({', '.join(code)}), which would run "
                "here; read it, and if you trust it say consent.remote_code=true on the command "
                f"line, or take auto_map out of {name} if transformers knows the model by itself"
            )


def _code_of(config: Path) -> Iterator[str]:
    """Yield the modules that a config's `auto_map` names: `modeling_x.Model` → modeling_x.py."""
    if not config.is_file():
        return
    try:
        values = json.loads(config.read_text("utf-8"))
    except (ValueError, RecursionError):
        return  # told by whoever reads it
    named = values.get("auto_map") if isinstance(values, dict) else None
    if not named:
        return
    entries = named.values() if isinstance(named, dict) else [named]
    for entry in entries:
        for one in entry if isinstance(entry, list) else [entry]:
            if one is not None:
                yield f"{str(one).rpartition('.')[0].rpartition('--')[2] or one}.py"


def pickle_faults(folder: Path) -> Iterator[str]:
    """Yield that a folder has weights only as pickles, which can run code when they are read."""
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(file.name for kind in PICKLES for file in folder.glob(kind))
    if pickles:
        yield (
            f"has its weights only as pickles ({', '.join(pickles[:3])}), which can run code when "
            "they are read; take the model's safetensors, or convert it where you trust it"
        )
