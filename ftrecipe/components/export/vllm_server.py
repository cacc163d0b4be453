"""What vLLM is told and what it can load, by its own source (0.33: `vllm serve`, `PEFTHelper`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ftrecipe.model_folder import ADAPTER_CONFIG

# It takes no other bound of a LoRA's rank (`MaxLoRARanks` in vllm/config/lora.py).
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
SIXTEEN = ("bfloat16", "float16")  # what its kernels of LoRA compute in (lora_shrink_op.py)
# Ways to begin a LoRA that leave the base as it is (`PEFTHelper._init_is_supported`).
PLAIN_BEGINNINGS = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")
# Settings of an adapter_config.json that it refuses, or would silently leave out.
REFUSED = (
    "modules_to_save", "trainable_token_indices", "target_parameters", "use_dora", "lora_bias",
    "alora_invocation_tokens", "layer_replication", "use_bdlora", "use_qalora",
)  # fmt: skip

SERVE = """\
#!/bin/sh
# Serves {name} with vLLM: an OpenAI-compatible API on 127.0.0.1:8000.
#   sh serve.sh                        and, once it says that it is up, sh request.sh
#   sh serve.sh --host 0.0.0.0 --port 8001    what is added here goes to vLLM, and wins
set -eu
cd "$(dirname "$0")"
command -v vllm > /dev/null || {{
  echo "serve.sh: vllm is not installed here; it brings its own torch, so give it an environment" \\
    "of its own: python -m venv vllm && vllm/bin/pip install vllm" >&2
  exit 127
}}
{before}exec vllm serve {flags}
"""

BASE = """\
# The model that was tuned; BASE=<folder or hub id> names another place where it is.
BASE="${{BASE:-{base}}}"
"""

BASE_FOLDER = """\
case "$BASE" in
  /*) [ -d "$BASE" ] || {
    echo "serve.sh: the base model is not at $BASE; set BASE=<its folder or hub id>" >&2
    exit 2
  } ;;
esac
"""

REQUEST = """\
#!/bin/sh
# Asks the server that serve.sh starts: sh request.sh [http://host:port]
set -eu
cd "$(dirname "$0")"
curl -sS --fail-with-body "${{1:-http://127.0.0.1:8000}}{path}" \\
  -H 'Content-Type: application/json' -d @request.json
echo
"""


@dataclass(frozen=True)
class Served:
    """What is served. model: the folder below serve.sh, an adapter's where there is a base.

    base: a hub id, of a `revision` if there is one, or a whole path.
    """

    name: str
    model: str
    base: str | None
    dtype: str
    length: int | None
    rank: int | None = None
    template: bool = True
    revision: str | None = None


def serve_script(served: Served) -> str:
    """Return the text of serve.sh."""
    lines = [f"./{served.model}" if served.base is None else '"$BASE"', *_flags(served)]
    before = "" if served.base is None else BASE.format(base=_inside(served.base))
    if served.base is not None and Path(served.base).is_absolute():
        before += BASE_FOLDER
    flags = " \\\n  ".join([*lines, '"$@"'])
    return SERVE.format(name=served.name, before=before, flags=flags)


def _flags(served: Served) -> list[str]:
    here = f"./{served.model}"
    if served.base is None:
        flags = [f"--served-model-name {quote(served.name)}"]
    else:
        flags = [*_base_flags(served.base, served.revision), "--enable-lora"]
        flags += [f"--max-lora-rank {served.rank}", f"--tokenizer {here}"]
        flags += [f"--lora-modules {quote(f'{served.name}={here}')}"]
    flags += [f"--generation-config {here}", f"--dtype {served.dtype}"]
    flags += [f"--max-model-len {served.length}"] if served.length else []
    flags += [f"--chat-template {here}/chat_template.jinja"] if served.template else []
    return [*flags, "--host 127.0.0.1"]


def _base_flags(base: str, revision: str | None) -> list[str]:
    """Return what says which base it is, and how requests that want it untuned call it."""
    if Path(base).is_absolute():
        return [f"--served-model-name {quote(Path(base).name)}"]
    named = [f"--served-model-name {quote(base)}"]
    return [*named, f"--revision {quote(revision)}"] if revision else named


def _inside(text: str) -> str:
    """Return a text as it stands between double quotes of a shell, in the default of `${…:-…}`."""
    return "".join(f"\\{char}" if char in '\\"$`}' else char for char in text)


def request_script(chats: bool) -> str:
    """Return the text of request.sh."""
    return REQUEST.format(path="/v1/chat/completions" if chats else "/v1/completions")


def request(name: str, messages: list[dict[str, Any]], chats: bool) -> str:
    """Return request.json: a question that asks for the likeliest answer."""
    asked = {"messages": messages} if chats else {"prompt": messages[-1]["content"]}
    body = {"model": name, **asked, "temperature": 0, "max_tokens": 64}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def why_not(adapter: Path, dtype: str) -> str | None:
    """Return why vLLM does not load this adapter on a base stored as `dtype`; None if it does."""
    config = json.loads((adapter / ADAPTER_CONFIG).read_text("utf-8"))
    if config.get("peft_type") != "LORA":
        return f"it loads no {config.get('peft_type')} adapters"
    return refusal(config) or unfit_for(dtype)


def refusal(config: Mapping[str, Any]) -> str | None:
    """Return why vLLM does not load a LoRA of such an adapter_config.json; None if it does."""
    if refused := [name for name in REFUSED if config.get(name)]:
        return f"it loads no adapters with {', '.join(refused)}"
    if config.get("bias", "none") != "none":
        return f"it loads no adapters with bias={config['bias']}"
    beginning = config.get("init_lora_weights", True)
    if isinstance(beginning, str) and beginning.lower() not in PLAIN_BEGINNINGS:
        return f"init_lora_weights={beginning} changes the base, which it would not see"
    if (highest := _rank(config)) > RANKS[-1]:
        return f"it loads ranks up to {RANKS[-1]}, and this one is {highest}"
    return None


def unfit_for(dtype: str) -> str | None:
    """Return why vLLM puts no adapters on a base stored as `dtype`; None if it does."""
    if dtype not in SIXTEEN:
        return f"it computes adapters in 16 bits, and this base is stored in {dtype}"
    return None


def rank(adapter: Path) -> int:
    """Return the highest rank in an adapter."""
    return _rank(json.loads((adapter / ADAPTER_CONFIG).read_text("utf-8")))


def _rank(config: Mapping[str, Any]) -> int:
    return max([config["r"], *(config.get("rank_pattern") or {}).values()])


def bound(rank: int) -> int:
    """Return the least bound of ranks that lets `rank` in."""
    return next(one for one in RANKS if one >= rank)
