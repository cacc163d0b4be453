"""The text of a model card, in Markdown: what it is, how good, of what, and how to use it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from ftrecipe.amounts import duration, number, size
from ftrecipe.stages.card.facts import HERE, Data, Facts
from ftrecipe.stages.card.licenses import License
from ftrecipe.stages.card.limits import limits
from ftrecipe.stages.page.markdown import cell, exports
from ftrecipe.stages.page.settings import said
from ftrecipe.stages.page.verdict import findings, gate_line, verdict
from ftrecipe.stages.page.words import Line, lines, measured
from ftrecipe.version import __version__

KINDS = {"adapter": "An adapter", "quantized": "A quantized model", "merge": "A merged model"}
WORDS = {"better": "better", "worse": "worse", "changed": "changed", "even": "no real change",
         "": ""}  # fmt: skip
MOST_ROWS = 60
SHOWN_VERSIONS = ("ftrecipe", "torch", "transformers", "trl", "peft", "bitsandbytes")


def body(facts: Facts) -> str:
    """Return the sections that there is something to say in."""
    story = facts.story
    sections = {
        "Results": _results(facts),
        "Is this file what was measured?": exports(facts.gate),
        "Training data": _data(facts),
        "Training": _training(facts),
        "How to use it": _use(facts),
        "Limitations": "\n".join(f"- {cell(each)}" for each in limits(facts)),
        "How to repeat it": _repeat(facts),
    }
    parts = [f"# {cell(story.name)}", *_warning(facts), _what(facts)]
    parts += [f"**{cell(verdict(story).text)}**"]
    parts += [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join(part for part in parts if part) + "\n"


def _warning(facts: Facts) -> Iterator[str]:
    """Say before all else that a model is not to be used, by what its run asked of it."""
    gate = facts.story.gate
    if gate is not None and not gate["passed"]:
        missed = [each["condition"] for each in gate["conditions"] if not each["passed"]]
        yield f"> **This model failed the gate of its run:** {', '.join(map(cell, missed))}."


def _what(facts: Facts) -> str:
    base = facts.base_id
    named = f"[{base}](https://huggingface.co/{base})" if base else f"`{facts.base}`"
    kind, choices = KINDS.get(facts.target.relation, "A model"), facts.story.choices
    made = f"tuned by {choices.get('trainer', '')} ({choices.get('peft', '')})"
    told = f"{kind} of {named}, {made} with ftrecipe {__version__}."
    about = facts.story.description
    return f"{told} {cell(about)}" if about else told


def _results(facts: Facts) -> str:
    told = [line for suite in measured(facts.story) for line in lines(suite)][:MOST_ROWS]
    if not told:
        return ""
    others = [f"- {cell(each)}" for each in findings(facts.story)]
    note = (
        "Both models got the same examples in the same way. A change is real where its 95 % "
        "interval, from a paired bootstrap over the examples, leaves out zero."
    )
    return "\n\n".join(
        part for part in (_table(told), note, "\n".join(others), gate_line(facts.story)) if part
    )


def _table(told: Sequence[Line]) -> str:
    head = (
        "| | metric | base | tuned | change | 95 % interval | |\n|---|---|---:|---:|---:|---:|---|"
    )
    rows = [
        f"| {cell(line.suite)} | {cell(line.metric)} | {line.before} | {line.after} "
        f"| {line.shift} | {line.interval} | {WORDS[line.verdict]} |"
        for line in told
    ]
    return "\n".join([head, *rows])


def _data(facts: Facts) -> str:
    rows = [
        f"| {cell(data.name)} | {cell(data.format)} | {_rows(data)} | {_license(data.license)} |"
        for data in facts.data
    ]
    table = "\n".join(["| source | format | rows used | license |", "|---|---|---:|---|", *rows])
    report = facts.story.data
    if report is None:
        return table
    held = {split: count for split, count in report["examples"].items() if count}
    counts = [f"{number(count)} to {_for(split)}" for split, count in held.items()]
    tokens = report["tokens"]["train"]
    told = (
        f"Examples: {', '.join(counts)}. {number(tokens['total'])} tokens to train on, "
        f"{number(tokens['supervised'])} of them learned: the rest is context."
    )
    cleaned = [
        f"- cleaning `{step['step']}`: changed {number(step['changed'])}, "
        f"dropped {number(step['dropped'])}"
        for step in report["cleaning"]
        if step["changed"] or step["dropped"]
    ]
    warned = [f"- {cell(each)}" for each in report["warnings"]]
    return "\n\n".join(part for part in (table, told, "\n".join([*cleaned, *warned])) if part)


def _for(split: str) -> str:
    return {"train": "train on", "validation": "watch the training", "test": "measure on"}[split]


def _rows(data: Data) -> str:
    if data.used is None or data.read is None:
        return "unknown"
    return f"{number(data.used)} of {number(data.read)}"


def _license(found: License | None) -> str:
    """Return a license by its name, which others than the hub's own ones bring."""
    if found is None:
        return "unknown"
    return cell(found.get("license_name") or found["license"])


def _training(facts: Facts) -> str:
    run, train = facts.run, facts.story.train
    about = (type(run.peft).__doc__ or "").strip().partition("\n")[0]
    batch = (
        run.trainer.per_device_train_batch_size
        * (run.trainer.gradient_accumulation_steps or 1)
        * run.world_size
    )
    values: dict[str, Any] = {
        "method": f"{facts.story.choices.get('peft')}: {about}",
        **{f"peft.{name}": value for name, value in _plain(run.peft).items()},
        "learning_rate": run.trainer.learning_rate or run.peft.usual_learning_rate,
        "lr_scheduler_type": run.trainer.lr_scheduler_type,
        "optim": run.trainer.optim,
        "batch": batch,
        "epochs": round(train["epochs"], 3) if train.get("epochs") is not None else None,
        "steps": train.get("steps"),
        "tokens": number(train["tokens"]) if train.get("tokens") else None,
        "seed": run.seed,
        "precision": train.get("precision"),
        "hardware": _hardware(train),
        "time": duration(train["seconds"]) if train.get("seconds") else None,
        "peak memory": size(train["peak_memory_bytes"]) if train.get("peak_memory_bytes") else None,
        "final loss, mean": number(train["loss"]) if train.get("loss") is not None else None,
    }
    return "\n".join(
        f"- {cell(name)}: {cell(said(value))}"
        for name, value in values.items()
        if value is not None
    )


def _plain(option: Any) -> dict[str, Any]:
    """Return the settings of an option that are a number, a word or a list of words."""
    kinds = (bool, int, float, str, list)
    values = {item.name: vars(option)[item.name] for item in fields(option)}
    return {name: value for name, value in values.items() if isinstance(value, kinds)}


def _hardware(train: dict[str, Any]) -> str | None:
    if not train.get("device"):
        return None
    count = train.get("processes", 1)
    return train["device"] if count == 1 else f"{count} × {train['device']}"


def _use(facts: Facts) -> str:
    found = [
        f"{use.title}:\n\n{_fence(use.code)}{use.language}\n{use.code}\n{_fence(use.code)}"
        for use in facts.usages
    ]
    if any(f'"{HERE}"' in use.code for use in facts.usages):
        found.append(f'`"{HERE}"` is the folder that this card lies in, or its id on the hub.')
    return "\n\n".join(found)


def _repeat(facts: Facts) -> str:
    known = [f"{name} {facts.versions[name]}" for name in SHOWN_VERSIONS if name in facts.versions]
    parts = []
    if facts.story.recipe:
        parts += [
            "Save this as `recipe.yaml`, and run `python -m ftrecipe +recipe=./recipe.yaml`:",
            f"{_fence(facts.story.recipe)}yaml\n{facts.story.recipe.rstrip()}\n"
            f"{_fence(facts.story.recipe)}",
        ]
    if known:
        parts.append(f"Made with {', '.join(known)}. The run's `lock.json` has the versions of all "
                     "packages and the hashes of all files; `python -m ftrecipe replay` repeats it "
                     "exactly.")  # fmt: skip
    return "\n\n".join(parts)


def _fence(text: str) -> str:
    """Return a fence that no line of the text ends."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    return "`" * (longest + 1)
