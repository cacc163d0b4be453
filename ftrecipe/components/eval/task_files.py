"""Task files of lm-evaluation-harness: what in them would run code; nothing is loaded here.

Such a file is YAML in which `!function` names Python to be imported. Metrics that the harness does
not know by itself are fetched as code, from the hub or from a folder of that name.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

METRICS = frozenset({
    "acc", "acc_all", "acc_bytes", "acc_mutual_info", "acc_norm", "bits_per_byte", "bleu",
    "brier_score", "bypass", "byte_perplexity", "chrf", "chrf++", "exact_match", "f1", "likelihood",
    "mcc", "perplexity", "ter", "word_perplexity",
})  # fmt: skip
"""The metrics that the harness (0.4.13) computes itself."""

LONGEST = 4096  # of a path
PLAIN = "tag:yaml.org,2002:"
PYTHON = f"{PLAIN}python"


def task_files(folder: Path) -> list[Path]:
    """Return the files of a folder that the harness would read, in a fixed order."""
    return sorted(folder.glob("**/*.yaml"))


def code_in(folder: Path) -> Iterator[str]:
    """Yield where the task files of a folder, and what they include, would run code."""
    waiting, seen = task_files(folder), set()
    while waiting:
        file = waiting.pop(0).resolve()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        try:
            node = yaml.compose(file.read_text("utf-8"), Loader=yaml.SafeLoader)
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield f"{file.name} cannot be read: {str(error).splitlines()[0]}"
            continue
        for place, what in _code(node):
            yield f"{file.name}, line {place.start_mark.line + 1}: {what}"
        waiting += [file.parent / name for name in _included(node)]


def named_files(folder: Path) -> list[Path]:
    """Return the files that the task files of a folder name: their data, in most cases."""
    found: set[Path] = set()
    for file in task_files(folder):
        try:
            events = list(yaml.parse(file.read_text("utf-8"), Loader=yaml.SafeLoader))
        except (OSError, ValueError, yaml.YAMLError):
            continue  # told by code_in
        texts = [event.value for event in events if isinstance(event, yaml.ScalarEvent)]
        found |= {Path(text) for text in texts if _is_file(text)}
    return sorted(found)


def _is_file(text: str) -> bool:
    try:
        return 0 < len(text) < LONGEST and Path(text).is_file()
    except (OSError, ValueError):  # no name that a file may have
        return False


def _code(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, str]]:
    """Yield each node that names code, with what it says."""
    if node is None:
        return
    if not node.tag.startswith(PLAIN) or node.tag.startswith(PYTHON):
        yield node, f"{node.tag} {node.value if isinstance(node.value, str) else ''}".strip()
        return
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            text = value.value if isinstance(value.value, str) else ""
            if key.value == "class" or (key.value == "hf_evaluate" and text != "false"):
                yield value, f"{key.value}: {text}"
            elif key.value == "metric" and value.tag.startswith(PLAIN) and text not in METRICS:
                yield value, f"metric: {text}, which the harness would fetch as code"
            else:
                yield from _code(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _code(value)


def _included(node: yaml.Node | None) -> list[str]:
    if not isinstance(node, yaml.MappingNode):
        return []
    found = [value for key, value in node.value if key.value == "include"]
    listed = [part for value in found for part in _parts(value)]
    return [part.value for part in listed if isinstance(part.value, str)]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else [node]
