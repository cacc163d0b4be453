"""What an artefact's files say of how it is used, held against what training used."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from ftrecipe.model_folder import CONFIG
from ftrecipe.stages.engines import Engine, NotAsked
from ftrecipe.stages.engines.torch_model import numbers_of, tokens_of
from ftrecipe.stages.exporting.fidelity.lengths import ends_of, window_of
from ftrecipe.stages.exporting.tuned import TunedModel
from ftrecipe.stages.session import Session

Allowed = dict[str, list[Any]]
"""By setting, the values that it may have: the first is what is expected. None at all of one that
a model's config calls otherwise, so that nobody knows what is expected."""

POSITIONS, THETA, EPSILON = "max_position_embeddings", "rope_theta", "rms_norm_eps"
USUAL_THETA = 10000.0  # of a model that names none
DTYPE = "dtype"
TEXT, PLAIN = "a plain text", "a"  # of which is told what is put around it
UNTOLD = ("eos_token_id", "bos_token_id", "pad_token_id", "transformers_version",
          "_from_model_config", "use_cache", "return_dict_in_generate", "cache_implementation",
          "sequence", "decoder_start_token_id")  # fmt: skip
"""Of a generation config what is looked at elsewhere, or changes no answer."""

HEADER = 8  # bytes at the beginning of a safetensors file that say how long its header is
TYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def allowed(session: Session) -> Allowed:
    """Return what a run's artefacts may say: as its base does, or as its exports are to."""
    models, tuned = session.models, TunedModel(session)
    source = {"revision": models.source.revision}
    try:
        own = GenerationConfig.from_pretrained(models.source.source, **source)
    except OSError:
        own = GenerationConfig.from_model_config(models.config)
    written, base = tuned.generation_config.to_dict(), own.to_dict()
    names = [name for name in {**base, **written} if _is_told(name)]
    found = {name: [written.get(name), base.get(name)] for name in names}
    config = models.config.get_text_config().to_dict()
    numbers = {EPSILON: []} | {name: [own] for name, own in numbers_of(models.config).items()}
    places = [each for each in (*ends_of(config), window_of(config)) if each]
    tokens = {name: [value] for name, value in tokens_of(session.tokenizer).items()}
    thetas = list(_thetas(config.get("rope_parameters"))) or [USUAL_THETA]
    return found | numbers | {POSITIONS: places, THETA: thetas} | tokens


def _thetas(rotary: Any) -> Iterator[float]:
    """Yield what turns slowest, of a model with several kinds of layers that of each kind."""
    for name, value in rotary.items() if isinstance(rotary, Mapping) else ():
        if name == THETA and value is not None:
            yield float(value)
        yield from _thetas(value)


def _is_told(name: str) -> bool:
    return name not in UNTOLD and not name.startswith("output_")


def declared(
    engine: Engine, path: Path, known: Allowed, tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any]:
    """Return of how many settings an artefact says what was trained with, and all others.

    A setting that is not `known` is one that nobody had: it may not say anything.
    """
    own = {name: value for name, value in engine.declares.items() if _is_told(name)}
    own |= _types(path)
    may = known | ({DTYPE: [_stored(path)]} if DTYPE in own else {})
    rows: dict[str, Any] = {}
    for name, value in own.items():
        values = may.get(name, [None])
        if values and not any(_alike(value, each) for each in values):
            rows[name] = {"trained": values[0], "artefact": value}
    with suppress(NotAsked):
        own[TEXT] = _framed(engine.raw(PLAIN), tokenizer)
        wanted = _framed(tokenizer(PLAIN, verbose=False)["input_ids"], tokenizer)  # type: ignore[arg-type]
        rows |= {} if own[TEXT] == wanted else {TEXT: {"trained": wanted, "artefact": own[TEXT]}}
    return {"of": len(own), "same": len(own) - len(rows), "differing": rows}


def _alike(one: Any, other: Any) -> bool:
    """Tell equal settings; nothing said and `false` are the same, and so are 32 and 64 bits."""
    if isinstance(one, float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-6 * abs(other)
    return (one or None) == (other or None)


def _framed(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a plain text's special tokens as they are written, and "text" for what it says."""
    special = tokenizer.added_tokens_decoder
    words = [special[token].content if token in special else "text" for token in ids]
    return " ".join(word for at, word in enumerate(words) if words[at - 1 : at] != [word])


def _types(path: Path) -> dict[str, Any]:
    """Return the type that a model folder's config.json says its weights have."""
    file = path / CONFIG
    said = json.loads(file.read_text("utf-8")).get(DTYPE) if file.is_file() else None
    return {} if said is None or _stored(path) is None else {DTYPE: said}


def _stored(path: Path) -> str | None:
    """Return the type of most tensors in a folder's first safetensors file, None if unknown."""
    files = sorted(path.glob("*.safetensors"))
    if not files:
        return None
    with files[0].open("rb") as file:
        length = int.from_bytes(file.read(HEADER), "little")
        header: Mapping[str, Any] = json.loads(file.read(length))
    kinds = [each["dtype"] for name, each in header.items() if name != "__metadata__"]
    return TYPES.get(max(set(kinds), key=kinds.count)) if kinds else None
