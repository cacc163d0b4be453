"""Keeps examples in some languages; which one a text is in is told by py3langid."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from ftrecipe.components.cleaning import GROUP, Filter, package_faults
from ftrecipe.data.example import Example
from ftrecipe.data.ngrams import spoken
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.registry import bounded

_NO_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|<[A-Z_]+>|[\d_]+", re.DOTALL)
_LONG_ENOUGH = 2000  # characters that settle it


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@GROUP.option("language")
@dataclass
class Language(Filter):
    """Examples in one of the languages of `keep`; code and addresses are not looked at.

    What is shorter than min_chars, or less certain than `confidence`, is kept.
    """

    quick: ClassVar[bool] = False

    keep: list[str] = field(default_factory=lambda: ["en"])
    min_chars: int = bounded(40, 0)
    confidence: float = bounded(0.9, 0, 1)

    def fault(self, example: Example) -> str | None:
        text = "\n".join(spoken(example))[: 2 * _LONG_ENOUGH]
        text = _NO_PROSE.sub(" ", text)[:_LONG_ENOUGH]
        if len(text.strip()) < self.min_chars:
            return None
        language, certainty = _identifier().classify(text)
        if language in self.keep or language == "zxx" or certainty < self.confidence:
            return None
        return f"language: {language}"

    def languages(self) -> list[str]:
        return self.keep

    def faults(self) -> list[str]:
        if not self.keep:
            return ["keep is empty: every example would be dropped; keep=[en]"]
        if missing := package_faults("keep", "py3langid"):
            return missing
        known = sorted(set(_identifier().labels))
        return [
            f"keep: {code} is not a language that is known"
            f"{did_you_mean(code.lower(), known)} (known: {listed(known, 40)})"
            for code in self.keep
            if code not in known
        ]
