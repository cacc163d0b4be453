"""The card of a published recipe: what it is, what it gave, on which data, and how to run it."""

from collections.abc import Iterator, Mapping
from typing import Any

from ftrecipe.amounts import number, size
from ftrecipe.exchange.evidence import Evidence

SHIPPED = "shipped with ftrecipe, Apache-2.0 (its NOTICE.md has the origins)"
OF_INTEREST = (
    "torch", "transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "deepspeed",
)  # fmt: skip


def card(
    name: str, description: str, evidence: Evidence, names: Mapping[str, str], license: str | None
) -> str:
    """Return the card as Markdown; `names` are how the run's places are named in the recipe."""
    lines = [
        f"# {name}", "", description, "",
        *_about(evidence, names), "",
        "## Results", "", *_results(evidence), "",
        "## Data", "", *_data(evidence, names, license), "",
        "## Hardware and time", "", *_machine(evidence), "",
        "## Run it", "", *_usage(name, evidence, names),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _about(evidence: Evidence, names: Mapping[str, str]) -> Iterator[str]:
    chosen, model = evidence.boundary["choices"], evidence.lock["model"]
    commit = f", commit {model['commit']}" if model.get("commit") else ""
    path = names.get(str(model["path"]), str(model["path"]))
    quantization = f", {chosen['quantization']}" if chosen["quantization"] != "none" else ""
    yield f"- Base model: `{path}`{commit}"
    yield f"- Method: {chosen['peft']}{quantization}; the settings are in the recipe"
    if evidence.run.consent.remote_code:
        yield "- It runs code of its model's author: `consent.remote_code=true`, if you trust it"


def _results(evidence: Evidence) -> Iterator[str]:
    rows = list(evidence.rows())
    loss = evidence.metrics["train"]["loss"]
    if not rows:
        yield f"Nothing was measured but the mean training loss, {number(loss)}."
        return
    yield "| | base | tuned | measured on |"
    yield "|---|---:|---:|---:|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
    yield (
        f"One run with seed {evidence.run.seed}, base and tuned model on the same held-out "
        f"examples with the same decoding; mean training loss {number(loss)}."
    )


def _data(evidence: Evidence, names: Mapping[str, str], license: str | None) -> Iterator[str]:
    yield "The data does not come with the recipe."
    yield ""
    yield "| file | named in the recipe | SHA-256, or what its server said |"
    yield "|---|---|---|"
    for one in evidence.lock["data"]["files"]:
        mark = one.get("sha256") or one.get("mark") or "not known"
        yield f"| {one['name']} | `{names.get(one['named'], one['named'])}` | `{mark}` |"
    yield ""
    counts = ", ".join(f"{split} {rows:,}" for split, rows in evidence.report["examples"].items())
    dropped = sum(evidence.report["dropped"].values())
    yield f"- Examples: {counts}; dropped by cleaning: {dropped:,}"
    yield f"- License: {license or SHIPPED}"


def _machine(evidence: Evidence) -> Iterator[str]:
    machine, train = evidence.lock["machine"], evidence.metrics["train"]
    gpus = ", ".join(machine["gpus"]) or "no GPU"
    yield f"- {machine['cpu']}, {machine['cores']} cores; {gpus}; {train['precision']}"
    yield f"- {evidence.took()}; training {train['seconds']:,.0f} s, {train['steps']:,} steps"
    if train.get("peak_memory_bytes"):
        yield f"- Peak memory: {size(train['peak_memory_bytes'])}"
    known: Mapping[str, Any] = evidence.lock["versions"]
    versions = ", ".join(f"{name} {known[name]}" for name in OF_INTEREST if name in known)
    yield f"- ftrecipe {known.get('ftrecipe', 'unknown')}, Python {machine['python']}, {versions}"


def _usage(name: str, evidence: Evidence, names: Mapping[str, str]) -> Iterator[str]:
    own = [
        (one["key"], names[one["named"]])
        for one in evidence.lock["data"]["files"]
        if names.get(one["named"], "").startswith("recipe:")
    ]
    words = "".join(f" {key}=<your copy of {place[7:]}>" for key, place in dict(own).items())
    sealed = evidence.sealed()
    if sealed:
        yield "A secret was left out of these values, so that you give them yourself:"
        yield ""
        yield from (f"- `{key}`: `{text}`" for key, text in sealed.items())
        yield ""
    words += "".join(f" '{key}=<with your own secret>'" for key in sealed)
    yield "```sh"
    yield "python -m ftrecipe recipes add <this folder, or its git address> --yes"
    yield f"python -m ftrecipe +recipe=shared/{name}{words}"
    yield f"python -m ftrecipe replay recipes/shared/{name}.lock.json{words}   # exactly this run"
    yield "```"
