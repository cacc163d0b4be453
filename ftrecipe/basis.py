"""What a training rests on, kept with its checkpoints; says what has changed since one was saved.

A checkpoint goes on only as what it was: the same method, batch, seed, data and base.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ftrecipe.config import RunConfig, to_plain
from ftrecipe.errors import ConfigError, DataError
from ftrecipe.lock.inputs import data_files, earlier_files, local_model
from ftrecipe.lock.surroundings import versions
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.secrets import redacted_tree

MEASURING = (
    "eval", "objective", "compare", "gate", "hardware", "trainer.per_device_eval_batch_size",
)  # fmt: skip
MAY_CHANGE = (
    *MEASURING, "strategy", "export", "fidelity", "tracking", "trainer.num_train_epochs",
    "trainer.max_steps", "trainer.logging_steps", "trainer.save_steps", "trainer.save_total_limit",
    "trainer.eval_steps", "trainer.gradient_checkpointing", "trainer.guards", "trainer.rehearsal",
    "trainer.per_device_train_batch_size", "trainer.eval_suites", "trainer.eval_suites_every",
    "trainer.eval_samples", "trainer.load_best_model_at_end", "trainer.early_stopping_patience",
    "trainer.early_stopping_threshold",
)  # fmt: skip
"""What a run may go on with otherwise; of `strategy`, how checkpoints are divided stays.

Of the batch, the rows of an optimizer step stay: a smaller share makes more accumulation."""

# Another number of devices makes other shares of the same batch: the batch itself is compared.
OF_THE_MACHINE = (
    "trainer.gradient_accumulation_steps", "trainer.global_batch_size", "trainer.auto_batch_size",
    "runs_dir", "consent", "description",
)  # fmt: skip
COMPUTING = ("ftrecipe", "torch", "transformers", "trl", "peft")
ABSENT = "nothing"


@dataclass(frozen=True)
class Basis:
    """What decides the losses of a training, as far as it must not change while it goes on.

    config: dotted keys and values. data and weights: name and SHA-256 of each file, None where
    they cannot be told. prepared: fingerprint of the prepared data. packages: versions. steps:
    optimizer steps of the whole training.
    """

    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] | None = None
    weights: dict[str, str] | None = None
    prepared: str | None = None
    packages: dict[str, str] = field(default_factory=dict)
    steps: int | None = None

    @classmethod
    def of(cls, run: RunConfig, rundir: RunDir, steps: int | None = None) -> "Basis":
        """Return that of a run as it is now: its data and base are read."""
        known, prepared = versions(), rundir.prepared
        return cls(
            config=_config(run),
            data=_data(run),
            weights=_weights(run),
            prepared=read_json(prepared)["fingerprint"] if prepared.is_file() else None,
            packages={name: known[name] for name in COMPUTING if name in known},
            steps=steps,
        )

    @classmethod
    def recorded(cls, plain: Mapping[str, Any]) -> "Basis":
        """Return what a manifest says of it."""
        return cls(**{item.name: plain[item.name] for item in fields(cls) if item.name in plain})

    def plain(self) -> dict[str, Any]:
        """Return it as JSON, without secrets."""
        return asdict(self)

    def changes(self, now: "Basis", checkpoint: str) -> list[str]:
        """Say of each thing that is not as it was: what, how it was, how it is."""
        same_version = self.packages.get("ftrecipe") == now.packages.get("ftrecipe")
        found = _differing(self.config, now.config, all_keys=same_version)
        found += _other_files("data file", self.data, now.data)
        found += _other_files("weights of the base", self.weights, now.weights)
        if not found and None not in (self.prepared, now.prepared):
            # Another tokenizer, chat template or version of ftrecipe makes other data of the same.
            prepared = {"prepared data": self.prepared}, {"prepared data": now.prepared}
            found = [(key, _short(old), _short(new)) for key, old, new in _differing(*prepared)]
        return [f"{key}: {_text(old)} in {checkpoint}, {_text(new)} now" for key, old, new in found]

    def other_packages(self, now: "Basis") -> list[str]:
        """Say which packages have another version than then."""
        found = _differing(self.packages, now.packages)
        return [f"{name} {_text(old)} then, {_text(new)} now" for name, old, new in found]


def refused(changes: list[str], checkpoints: Path) -> ConfigError:
    """Return the error for a run that cannot go on because of `changes`."""
    way = (
        "a run goes on only as what it was: undo these changes, or start a new run (to train "
        f"this one from the start, remove {checkpoints})"
    )
    return ConfigError([*changes, way])


def is_below(key: str, names: Iterable[str]) -> bool:
    """Tell whether a dotted key is one of `names`, or below one."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _config(run: RunConfig) -> dict[str, Any]:
    free = (*MAY_CHANGE, *OF_THE_MACHINE)
    found = {key: value for key, value in _leaves(to_plain(run)) if not is_below(key, free)}
    found["trainer.learning_rate"] = run.trainer.learning_rate or run.peft.usual_learning_rate
    found["rows of an optimizer step"] = run.trainer.rows_per_step(run.world_size)
    return redacted_tree(found)


def _leaves(node: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        key = f"{above}.{name}" if above else name
        if isinstance(value, Mapping):
            yield from _leaves(value, key)
        else:
            yield key, value


def _data(run: RunConfig) -> dict[str, str] | None:
    """Return the hash of each data file; None where they are no longer there, or cannot be asked.

    Training reads the prepared data, so that a file which is gone hinders nothing.
    """
    try:
        found = data_files(run)
    except DataError:
        return None
    # What it is measured on may change.
    return redacted_tree({
        f"{item['key']} {item['name']}": item.get("sha256") or item["mark"]
        for item in found
        if not is_below(item["key"], MAY_CHANGE)
    })  # fmt: skip


def _weights(run: RunConfig) -> dict[str, str] | None:
    if run.model.from_run is not None:
        return earlier_files(run.model.from_run)
    return local_model(run.model)


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any], all_keys: bool = True
) -> list[tuple[str, Any, Any]]:
    """Return key, old and new value of what differs; keys of one side only if `all_keys`."""
    keys = [*before, *(key for key in after if key not in before)]
    return [
        (key, before.get(key, ABSENT), after.get(key, ABSENT))
        for key in keys
        if before.get(key, ABSENT) != after.get(key, ABSENT)
        and (all_keys or (key in before and key in after))
    ]


def _other_files(
    what: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None
) -> list[tuple[str, str, str]]:
    """Return name, old and new hash of each file that differs; where both sides are known."""
    if before is None or after is None:
        return []
    found = _differing(before, after)
    return [(f"{what} {name}", _short(old), _short(new)) for name, old, new in found]


def _text(value: Any) -> str:
    return "null" if value is None else str(value)


def _short(value: Any) -> str:
    return value if value == ABSENT else f"{str(value)[:12]}…"
