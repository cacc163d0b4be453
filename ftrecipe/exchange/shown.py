"""What a person reads of a recipe that is taken in: what it writes, chooses, sets and reaches."""

from collections.abc import Iterator
from typing import Any

import yaml

from ftrecipe.compose import Composition
from ftrecipe.config import packaged
from ftrecipe.door.recipes import OWN
from ftrecipe.exchange.adding import Added
from ftrecipe.exchange.judging import reaches
from ftrecipe.page.words import printable


def described(one: Added) -> list[str]:
    """Return the lines about one recipe; what lies beside it is named as a recipe names it."""
    beside = f"{(one.bundle.root / one.name).parent}/"
    return [line.replace(beside, "recipe:") for line in _described(one)]


def _described(one: Added) -> Iterator[str]:
    commit = f" at {one.pin.commit[:12]}" if one.pin.commit else ""
    yield f"recipe    {one.name}: {one.judged.lineage[-1].description or 'no description'}"
    yield f"source    {one.pin.source}{commit}"
    for number, (name, state) in enumerate(one.states.items()):
        head = "files" if not number else ""
        digest = one.bundle.digests[name][:12]
        yield f"{head:<9} {OWN / name}  {state}, {len(one.bundle.files[name]):,} bytes, {digest}"
    expected = one.judged.lineage[-1].expected
    if expected:
        yield f"expected  {', '.join(f'{key} {value}' for key, value in expected.items())}"
    yield from (f"note      {note}" for note in one.bundle.notes)
    if one.judged.composition is not None:
        yield from changes(one.judged.composition)
        yield from (f"reaches   {what}" for what in reaches(one.judged.composition))
    yield from (f"needs     {need}" for need in one.judged.needs)
    yield from (f"  {line}" for line in one.changes)


def changes(composition: Composition) -> Iterator[str]:
    """Yield what a recipe chooses and sets, where that is not the default."""
    chosen = {
        group: option
        for group, option in composition.choices.items()
        if option != _defaults().get(group)
    }
    words = [f"{group}={_text(option)}" for group, option in chosen.items()]
    yield f"chooses   {' '.join(words) or 'the defaults'}"
    for number, (key, value) in enumerate(_flat(composition.differences)):
        yield f"{'' if number else 'sets':<9} {key}={_text(value)}"


def _defaults() -> dict[str, Any]:
    base = yaml.safe_load((packaged("conf") / "config.yaml").read_text("utf-8"))["defaults"]
    return {key: value for item in base if isinstance(item, dict) for key, value in item.items()}


def _flat(node: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return printable(str(value)) if value is not None else "null"
