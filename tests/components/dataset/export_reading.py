"""Reads chat exports for tests: their entries as they are, and the counts of a whole reading."""

import importlib
import json
import pkgutil
from pathlib import Path

import pytest
from hypothesis import strategies as st

import ftrecipe.components.dataset as package
from ftrecipe.components.cleaning.boilerplate import Boilerplate
from ftrecipe.components.dataset import GROUP
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.entries import Entry
from ftrecipe.data.example import RowFault
from ftrecipe.data.files import data_files
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"{package.__name__}.{module.name}")

TESTS = Path(__file__).parents[2]
FIXTURES = TESTS / "data" / "fixtures"
SHARED = TESTS.parents[1] / "shared" / "data"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared real data")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def entries(name, path):
    """Return the entries, without faults, in the order in which they are read."""
    source = GROUP.get(name)(path=str(path))
    rows = source.entries(data_files(Path(path), source.endings()))
    return [row for _, row in rows if isinstance(row, Entry)]


def faults(name, path):
    """Return place and reason of each bad row."""
    source = GROUP.get(name)(path=str(path))
    rows = source.entries(data_files(Path(path), source.endings()))
    return [f"{where}: {row}" for where, row in rows if isinstance(row, RowFault)]


def said(name, path):
    return [(entry.sender, entry.text, entry.kind.value) for entry in entries(name, path)]


def counts(name, path):
    """Return the counts of a reading with the default cleaning, which must add up."""
    reading = read(name, path)
    chat = reading.chat
    return {"rows": reading.rows, "malformed": reading.malformed, "messages": chat.messages,
            "senders": dict(chat.senders), "system": chat.system_entries, "media": chat.media,
            "deleted": chat.deleted, "edited": chat.edited}  # fmt: skip


def read(name, path):
    source = GROUP.get(name)(path=str(path))
    reading = Reading(str(path))
    cleaning = Cleaning.of([Boilerplate()], Quarantine(None))
    examples = list(read_examples(source, reading, cleaning))
    dropped = sum(log.dropped for _, log in cleaning.steps)
    assert reading.rows == reading.used + dropped + reading.malformed
    assert reading.used == sum(example.rows for example in examples)
    return reading


def written(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def survives(name, path, content):
    """Read a file of anything: rows that add up, or an error in words that names the file."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    refused = ""
    try:
        read(name, path)
    except DataError as error:
        refused = str(error)
    assert not refused or path.name in refused


def mutated(data, value):
    """Return JSON with one value anywhere in it replaced by another, or left out."""
    value = json.loads(json.dumps(value))
    holder = value
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return value
        key = data.draw(st.sampled_from(keys))
        inner = holder[key]
        if not isinstance(inner, (dict, list)) or not data.draw(st.integers(0, 3)):
            if data.draw(st.booleans()):
                holder[key] = data.draw(JSON)
            else:
                del holder[key]
            return value
        holder = inner


def fitting(value):
    """Return the names of the chat apps that a parsed file is an export of."""
    apps = ("telegram", "discord", "slack", "messenger", "instagram", "signal", "whatsapp")
    return [name for name in apps if name in GROUP.classes and GROUP.get(name).fits_json(value)]
