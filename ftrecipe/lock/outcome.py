"""A repetition beside what it repeats: item by item, what came back; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.lock.contents import equal, files_of, flat, shown, weights_of

SHOWN = 3  # differences of one item that are told


@dataclass(frozen=True)
class Item:
    """One thing of a run, now as it was before or not; None where one side does not say.

    What does not `decide` may differ and the run still be the same: the surroundings.
    """

    name: str
    same: bool | None
    told: str
    decides: bool = True


def conditions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Item]:
    """Compare what a run happens in: versions, the machine, what it computes with."""
    return [
        mapped("versions", before["versions"], now["versions"], "package", decides=False),
        mapped("machine", before["machine"], now["machine"], "fact", decides=False),
        *(
            [mapped("computing", before["compute"], now["compute"], "fact", decides=False)]
            if "compute" in before and "compute" in now
            else []
        ),
        mapped("code", before["code"], now["code"], "fact", decides=False),
    ]


def outcome(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Item]:
    """Compare all of a run with its repetition, item by item."""
    was, got = before.get("results", {}), now.get("results", {})
    return [
        mapped("data files", files_of(before), files_of(now), "file"),
        one(
            "prepared data",
            *(lock.get("data", {}).get("prepared_sha256") for lock in (before, now)),
        ),
        mapped("base weights", weights_of(before), weights_of(now), "file"),
        mapped("tokenizer", before.get("tokenizer", {}), now.get("tokenizer", {}), "part"),
        *conditions(before, now),
        losses(was.get("losses", {}), got.get("losses", {})),
        mapped("trained weights", was.get("weights", {}), got.get("weights", {}), "file"),
        mapped("metrics", was.get("metrics", {}), got.get("metrics", {}), "number"),
        mapped("answers", was.get("answers", {}), got.get("answers", {}), "file"),
        exports(was.get("exports", {}), got.get("exports", {})),
    ]


def exports(before: Mapping[str, str], now: Mapping[str, str]) -> Item:
    """Compare the files that both runs have exported; of the others only say that they are."""
    both = before.keys() & now.keys()
    alone = [f"{name} not in the repetition" for name in before if name not in both]
    alone += [f"{name} not in the lock" for name in now if name not in both]
    if not both:
        return Item("exports", None, "; ".join(alone) or "none")
    item = mapped(
        "exports", {k: before[k] for k in sorted(both)}, {k: now[k] for k in both}, "file"
    )
    return Item("exports", item.same, "; ".join([item.told, *alone]))


def one(name: str, before: Any, now: Any) -> Item:
    """Compare one value."""
    if before is None or now is None:
        return Item(name, None, _unknown(before, now))
    same = before == now
    return Item(name, same, "identical" if same else f"{shown(before)} → {shown(now)}")


def mapped(
    name: str, before: Mapping[str, Any], now: Mapping[str, Any], unit: str, decides: bool = True
) -> Item:
    """Compare nested values one by one; tell the first few that differ."""
    was = {key: value for key, value in flat(before).items() if value != {}}
    got = {key: value for key, value in flat(now).items() if value != {}}
    if not was or not got:
        if not was and not got and before == now:
            return Item(name, None, "none", decides)
        return Item(name, None, _unknown(was, got), decides)
    differing = [key for key in {**was, **got} if not equal(was.get(key), got.get(key))]
    if not differing:
        return Item(name, True, f"identical ({many(len(was), unit)})", decides)
    told = [f"{key} {shown(was.get(key))} → {shown(got.get(key))}" for key in differing[:SHOWN]]
    more = f" and {len(differing) - SHOWN:,} more" if len(differing) > SHOWN else ""
    return Item(name, False, f"{', '.join(told)}{more}", decides)


def _unknown(before: Any, now: Any) -> str:
    if not before and not now:
        return "not known of either run"
    return "not in the lock" if not before else "not in the repetition"


def losses(before: Mapping[str, Any], now: Mapping[str, Any]) -> Item:
    """Compare all that was logged, bit by bit."""
    was, got = flat(before), flat(now)
    if not was or not got:
        return Item("losses", None, _unknown(was, got))
    differing = [key for key in {**was, **got} if not equal(was.get(key), got.get(key))]
    if not differing:
        steps = len({key.rpartition(".")[2] for key in was})
        return Item("losses", True, f"identical, every bit ({steps:,} logged steps)")
    step = min(int(key.rpartition(".")[2]) for key in differing)
    first = next(key for key in differing if int(key.rpartition(".")[2]) == step)
    largest = max(
        (abs(was[key] - got[key]) for key in differing if key in was and key in got), default=None
    )
    most = "" if largest is None else f"; the largest difference is {largest:.3g}"
    return Item(
        "losses",
        False,
        f"differ from step {step}: {first.rpartition('.')[0]} "
        f"{shown(was.get(first))} → {shown(got.get(first))} "
        f"({len(differing):,} of {len({**was, **got}):,} numbers{most})",
    )
