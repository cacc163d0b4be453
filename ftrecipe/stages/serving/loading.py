"""Loads what runs made for transformers and PEFT; adapters of one base share it."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from peft import PeftModel
from transformers import GenerationConfig

from ftrecipe.components.model import FromRun
from ftrecipe.model_folder import GENERATION_CONFIG
from ftrecipe.stages.serving.opening import Opened, base_name
from ftrecipe.stages.serving.voices import Voice, greedy
from ftrecipe.stages.session import Session


def voices(opened: Sequence[Opened]) -> dict[str, Voice]:
    """Load all that is served; bases of adapters are among the voices, by their own names."""
    found = {one.served.name: _whole(one) for one in opened if not one.needs_base}
    groups: dict[str, list[Opened]] = {}
    for one in opened:
        if one.needs_base:
            groups.setdefault(one.base, []).append(one)
    names = [one.served.name for one in opened]
    plain: dict[str, Voice] = {}
    for group in groups.values():
        tuned, base = _on_one_base(group)
        found |= tuned
        name = base_name(group[0].session.models.source.path)
        plain.setdefault(f"{name}-base" if name in names else name, base)
    return {name: found[name] for name in names} | plain


def _whole(one: Opened) -> Voice:
    """Load a model folder that needs no adapter."""
    models, run = one.session.models, one.session.run
    own = dataclasses.replace(
        run.model, path=str(one.path), revision=None, from_run=None, special_tokens=[]
    )
    dtype = models.found.dtype
    model = own.load_weights(dtype, None, models.placement(dtype), models.remote_code)
    model.eval()
    tokenizer = one.tokenizer
    its_own = (one.path / GENERATION_CONFIG).is_file()
    config = model.generation_config if its_own else greedy(model, tokenizer)
    assert config is not None  # every model that generates has one
    return Voice(model, tokenizer, config, one.served.facts)


def _on_one_base(group: Sequence[Opened]) -> tuple[dict[str, Voice], Voice]:
    """Load the base of adapters once; return a voice for each adapter, and the base's own."""
    session = group[0].session
    base = _start(session)
    model = PeftModel.from_pretrained(base, group[0].path, adapter_name="0")
    for at, one in enumerate(group[1:], 1):
        model.load_adapter(one.path, adapter_name=str(at), is_trainable=False)
    model.eval()
    base.config.use_cache = True
    tuned: dict[str, Voice] = {}
    for at, one in enumerate(group):
        tokenizer = one.tokenizer
        config = greedy(model, tokenizer)
        tuned[one.served.name] = Voice(model, tokenizer, config, one.served.facts, str(at))
    facts = {"artefact": "base", "gate": None}
    plain = Voice(model, session.tokenizer, greedy(model, session.tokenizer), facts)
    base.generation_config = GenerationConfig()  # sampling of its own is not what was measured
    return tuned, plain


def _start(session: Session) -> Any:
    """Load what the run's adapter was trained on."""
    models, run = session.models, session.run
    base: Any = models.load(models.quantization())
    before = models.earlier.adapter if models.earlier else None
    if before is not None and run.model.from_run_as is FromRun.merged:
        base = PeftModel.from_pretrained(base, before).merge_and_unload()  # type: ignore[operator]
    return base
