"""Where two runs, recipes or locks differ, of what both sides say; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ftrecipe.lock.contents import config_of, equal, files_of, weights_of
from ftrecipe.lock.outcome import losses

COUNTED = ("loss", "steps")  # of what metrics.json says of the training
OF = "train."
ELSEWHERE = ("runs_dir", "description")  # of the config: where a run lies, and what it is called


@dataclass(frozen=True)
class Difference:
    """One value that two runs do not share; what is not `counted` differs between equal runs."""

    section: str
    item: str
    a: Any
    b: Any
    counted: bool = True


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Return where two runs differ, of what both sides say; a recipe says its config alone."""
    found = _sides("config", _config(a), _config(b))
    if "data" in a and "data" in b:
        found += _files(a, b)
        found += _sides("data", {"rows": a["data"]["rows"]}, {"rows": b["data"]["rows"]})
    if "model" in a and "model" in b:
        found += _sides("model", weights_of(a), weights_of(b))
        found += _sides("model", a["tokenizer"], b["tokenizer"], "tokenizer ")
    if "versions" in a and "versions" in b:
        found += _sides("versions", a["versions"], b["versions"])
        found += _sides("code", a["code"], b["code"])
        found += _sides("machine", _machine(a), _machine(b))
    if "results" in a and "results" in b:
        found += _results(a["results"], b["results"])
    return found


def _config(lock: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config_of(lock).items() if key not in ELSEWHERE}


def _machine(lock: Mapping[str, Any]) -> dict[str, Any]:
    return {**lock["machine"], **lock.get("compute", {}), "processes": lock["world_size"]}


def _files(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Compare data files by content; a copy under another name is the same."""
    was, got = files_of(a), files_of(b)
    names_a, names_b = _names(a), _names(b)
    return [
        Difference("data", key, _named(names_a, key, was), _named(names_b, key, got))
        for key in {**was, **got}
        if was.get(key) != got.get(key)
    ]


def _names(lock: Mapping[str, Any]) -> dict[str, str]:
    return dict(zip(files_of(lock), (file["name"] for file in lock["data"]["files"])))


def _named(names: Mapping[str, str], key: str, digests: Mapping[str, str]) -> str | None:
    return f"{names[key]} {digests[key][:12]}" if key in digests else None


def _results(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Compare what came of two runs; last, and not counted, what it took."""
    found = _sides("results", a["metrics"], b["metrics"])
    logged = losses(a["losses"], b["losses"])
    if logged.same is False:
        found.append(Difference("results", "losses", None, logged.told))
    for name in COUNTED:
        found += _sides("results", {name: a["train"].get(name)}, {name: b["train"].get(name)}, OF)
    found += _sides("results", a["weights"], b["weights"])
    took = [{k: v for k, v in one["train"].items() if k not in COUNTED} for one in (a, b)]
    return found + [replace(one, counted=False) for one in _sides("time", took[0], took[1], OF)]


def _sides(
    section: str, a: Mapping[str, Any], b: Mapping[str, Any], above: str = ""
) -> list[Difference]:
    """Compare nested values; an option that one side lacks is told whole, by its type.

    Of two options of different types, what only one of them has is not told: it comes with it.
    """
    other_type = a.get("type") != b.get("type")
    found: list[Difference] = []
    for key in {**a, **b}:
        was, got = a.get(key), b.get(key)
        if other_type and key != "type" and (key not in a or key not in b):
            continue
        if isinstance(was, Mapping) and isinstance(got, Mapping):
            found += _sides(section, was, got, f"{above}{key}.")
        elif not equal(_whole(was), _whole(got)):
            found.append(Difference(section, above + key, _whole(was), _whole(got)))
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value["type"] if "type" in value else dict(value)
    return value
