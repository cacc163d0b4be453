"""The front matter of a model card, as the Hugging Face hub reads it: whose, what, and results."""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from ftrecipe.stages.card.facts import Facts
from ftrecipe.stages.card.licenses import UNKNOWN
from ftrecipe.stages.page.suite import Suite
from ftrecipe.stages.page.words import heading, is_count, measured

TASK = {"type": "text-generation", "name": "Text generation"}


def front(facts: Facts) -> str:
    """Return it between its marks. What is not known has no key."""
    base = [facts.base_id] if facts.base_id else []
    ids = [data.hub_id for data in facts.data if data.hub_id]
    known: dict[str, Any] = {
        "language": facts.languages,
        **(facts.license or UNKNOWN),
        "base_model": base,
        "base_model_relation": facts.target.relation if base else None,
        "library_name": facts.target.library,
        "pipeline_tag": TASK["type"],
        "tags": tags(facts),
        "datasets": ids,
        "model-index": index(facts),
    }
    said = {key: value for key, value in known.items() if value}
    return f"---\n{yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=100)}---\n"


def tags(facts: Facts) -> list[str]:
    """Return ftrecipe, the trainer, the method, and the quantization if there is one."""
    choices = facts.story.choices
    named = [choices[group] for group in ("trainer", "peft", "quantization") if group in choices]
    return ["ftrecipe", *(str(name) for name in named if name != "none")]


def index(facts: Facts) -> list[dict[str, Any]]:
    """Return the results of the tuned model, a suite at a time; nothing before it is measured."""
    results = [
        {"task": dict(TASK), "dataset": _dataset(facts, suite), "metrics": metrics}
        for suite in measured(facts.story)
        if (metrics := _metrics(suite))
    ]
    return [{"name": facts.story.name, "results": results}] if results else []


def _metrics(suite: Suite) -> list[dict[str, Any]]:
    """Return the suite's own numbers, without those of parts, and without what is no number."""
    return [
        {
            "type": metric,
            "value": round(value, 6),
            "name": f"{heading(metric)}{' (%)' if suite.eval.is_percent(metric) else ''}",
        }
        for metric, value in (suite.tuned or {}).items()
        if "." not in metric and math.isfinite(value) and not is_count(suite, metric)
    ]


def _dataset(facts: Facts, suite: Suite) -> dict[str, str]:
    """Return what a suite was measured on: by the hub's id where there is one, else by a name."""
    split = suite.eval.reads()
    if split is not None:
        name = " + ".join(data.name for data in facts.data)
        return {"name": name, "type": _type(name), "split": split.value}
    own = vars(suite.eval).get(suite.eval.own_field)
    name = own if isinstance(own, str) and own else suite.name
    if _type(name) != name:
        name = Path(name.removeprefix("builtin:")).name
    return {"name": name, "type": _type(name)}


def _type(name: str) -> str:
    """Return a name as an id: a hub's id as it is, of a file its name in small letters."""
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", name) and "." not in name:
        return name
    stem = re.sub(r"\.\w{1,7}$", "", name.rpartition("/")[2])
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "data"
