"""lm-evaluation-harness around the model in memory: its own class, its own numbers.

What its command seeds is seeded as there, so that both give the same.
"""

import copy
import math
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from jinja2 import TemplateError
from lm_eval.api.metrics import mean
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from transformers import PreTrainedTokenizerBase

from ftrecipe.compare.tallies import Row
from ftrecipe.components.eval import Harness, SuiteResult
from ftrecipe.components.eval.tasks import quiet, sandboxed, together
from ftrecipe.errors import StageError
from ftrecipe.stages.measuring.modes import Model, evaluating

SEED = 1234  # of numpy, torch and the examples in a prompt; 0 of Python: the harness's defaults
TOLD = 400  # characters of a prompt that a row tells


def measured(
    model: Model, tokenizer: PreTrainedTokenizerBase, asked: Harness, batch_size: int
) -> SuiteResult:
    """Return the numbers of each task and group, and a row an example.

    Raises StageError for what the harness refuses.
    """
    quiet()
    tasks = together(asked.tasks)
    for task in tasks["tasks"].values():
        _set(task, asked.num_fewshot)
    with evaluating(model), _seeded(), sandboxed():
        own: Any = copy.deepcopy(tokenizer)  # the harness gives it a padding token
        wrapped = cast(Any, HFLM)(pretrained=model, tokenizer=own, batch_size=batch_size)
        try:
            found: Any = evaluate(
                lm=wrapped,
                task_dict=tasks,  # type: ignore[arg-type]
                limit=asked.limit,
                bootstrap_iters=0,
                apply_chat_template=asked.apply_chat_template,
                fewshot_as_multiturn=asked.apply_chat_template,
            )
        except (ValueError, KeyError, TypeError, AssertionError, TemplateError) as error:
            raise StageError(f"eval.lm_eval: the harness says: {error}") from error
    told = found["results"] | found.get("groups", {})
    metrics = {name: value for task in told for name, value in _numbers(task, told[task]).items()}
    rows = [
        row
        for name, task in tasks["tasks"].items()
        for row in _rows(name, task, found["samples"].get(name, []), metrics)
    ]
    return SuiteResult(metrics, rows)


def _set(task: Any, num_fewshot: int | None) -> None:
    """Put a task as the harness's command does: one that says 0 examples keeps to that."""
    own = task.get_config("num_fewshot")
    if num_fewshot is not None and own != 0:
        task.set_config(key="num_fewshot", value=num_fewshot)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=SEED)


@contextmanager
def _seeded() -> Iterator[None]:
    """Seed every dice as the harness's command does, and go on with one's own afterwards."""
    chance, numbers = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        random.seed(0)
        np.random.seed(SEED)
        torch.manual_seed(SEED)
        yield
    random.setstate(chance)
    np.random.set_state(numbers)


def _numbers(task: str, told: dict[str, Any]) -> dict[str, float]:
    """Return the metrics of a task or group by our names, without their standard errors."""
    found = [key.partition(",") for key, value in told.items() if _is_number(value)]
    filters = {kind for _, comma, kind in found if comma}
    return {
        _name(metric, task, kind, filters): float(told[f"{metric},{kind}"])
        for metric, comma, kind in found
        if comma and not metric.endswith("_stderr")
    }


def _name(metric: str, task: str, kind: str, filters: Collection[str]) -> str:
    """Return `<metric>.<task>`, with the name of the filter where answers are read in several."""
    return f"{metric}.{task}.{kind}" if len(filters) > 1 else f"{metric}.{task}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rows(
    name: str, task: Any, samples: list[dict[str, Any]], metrics: dict[str, float]
) -> Iterator[Row]:
    """Yield a row an example: what it asks, what was said, and the metrics that are means."""
    filters = list(dict.fromkeys(sample["filter"] for sample in samples))
    means = [metric for metric, how in task.aggregation().items() if how is mean]
    better = [metric for metric in means if task.higher_is_better().get(metric)]
    by_example: dict[int, list[dict[str, Any]]] = {}
    for sample in samples:
        by_example.setdefault(sample["doc_id"], []).append(sample)
    for number, several in by_example.items():
        first = several[0]
        yield {
            "where": f"{name}, example {number + 1}",
            "question": str(first["arguments"][0][0])[-TOLD:],
            "expected": [str(first["target"])],
            "task": name,
            "main": _name(better[0], name, filters[0], filters) if better else None,
            "answer": _answer(first),
            "metrics": {
                full: float(sample[metric])
                for sample in several
                for metric in means
                if (full := _name(metric, name, sample["filter"], filters)) in metrics
                and _is_number(sample.get(metric))
            },
        }


def _answer(sample: dict[str, Any]) -> str:
    """Return what was generated; of choices, their log-likelihoods."""
    said = list(sample["filtered_resps"])
    return str(said[0] if len(said) == 1 else said)
