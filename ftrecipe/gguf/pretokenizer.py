"""What a byte-level tokenizer splits text into before it merges, and llama.cpp's name for that."""

from collections.abc import Mapping
from typing import Any

from ftrecipe.errors import ConfigError, listed
from ftrecipe.gguf import INSTEAD

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
DIGIT = r"\p{N}"

_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_SHORT_SPELLED = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"

LLAMA3 = rf"{_SHORT}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}"
QWEN2 = rf"{_SHORT}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}"
QWEN35 = (
    rf"{_SHORT}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

NAMES: dict[tuple[tuple[str, ...], bool], str] = {
    ((DIGIT, GPT2), False): "smollm",
    ((GPT2,), False): "gpt-2",
    ((LLAMA3,), True): "llama-bpe",
    ((LLAMA3,), False): "smaug-bpe",
    ((QWEN2,), False): "qwen2",
    ((QWEN35,), False): "qwen35",
    ((TEKKEN,), True): "tekken",
}
"""llama.cpp's names, by the patterns that split one after the other, and by whether a piece that
is a token as it stands is taken whole, whatever the merges say (`ignore_merges`)."""


MARKS_APART = {"tekken"}
"""Names for which llama.cpp has no exact pattern: the tokenizer's words take combining marks in
(category M), and llama.cpp's, which knows letters alone there (category L), end before each."""


def parts_marks(tokenizer: Mapping[str, Any]) -> bool:
    """Tell a tokenizer.json whose words llama.cpp splits at combining marks, and it does not."""
    try:
        return name_of(tokenizer) in MARKS_APART
    except ConfigError:
        return False


def name_of(tokenizer: Mapping[str, Any]) -> str:
    """Return llama.cpp's name for the pre-tokenizer in a tokenizer.json.

    Raises ConfigError for one that it does not know: a file that named another would be read
    without a word and split text otherwise, numbers most of all.
    """
    whole = bool(tokenizer["model"].get("ignore_merges"))
    patterns = tuple(
        pattern
        for step in _steps(tokenizer.get("pre_tokenizer"))
        for pattern in _patterns(step)
    )  # fmt: skip
    if (patterns, whole) in NAMES:
        return NAMES[patterns, whole]
    if (patterns, not whole) in NAMES:
        near = NAMES[patterns, not whole]
        raise ConfigError(
            f"export.gguf: the tokenizer splits text as llama.cpp's {near} does, but with "
            f"ignore_merges={str(whole).lower()}, which llama.cpp has no name for; {INSTEAD}"
        )
    told = listed([repr(pattern) for pattern in patterns], 3)
    raise ConfigError(
        f"export.gguf: the tokenizer splits text by {told}, which is none of the "
        f"pre-tokenizers known here ({listed(sorted(set(NAMES.values())))}); {INSTEAD}"
    )


def _steps(node: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the steps of a pre-tokenizer, those of sequences one by one."""
    if node is None:
        return []
    if node["type"] == "Sequence":
        return [step for part in node["pretokenizers"] for step in _steps(part)]
    return [node]


def _patterns(step: Mapping[str, Any]) -> list[str]:
    """Return the patterns that a step splits by, each in its usual spelling; a step that does
    anything else is returned by its name, which is no pattern."""
    kind = step["type"]
    if kind == "ByteLevel" and not step.get("add_prefix_space"):
        return [GPT2] if step.get("use_regex", True) else []
    if kind == "Digits" and step.get("individual_digits"):
        return [DIGIT]
    if kind == "Split" and "Regex" in step["pattern"]:
        pattern = step["pattern"]["Regex"].replace(_SHORT_SPELLED, _SHORT)
        every = pattern.endswith(r"|\s+")  # nothing is left between two matches
        apart = step["behavior"].lower() == "isolated" and not step.get("invert")
        if apart or (every and step["behavior"].lower() == "removed" and step.get("invert")):
            return [pattern]
    return [f"<{kind}>"]
