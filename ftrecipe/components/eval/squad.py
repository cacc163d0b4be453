"""SQuAD's scores, by its own rules: text is normalized, the best of several answers counts."""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize(text: str) -> str:
    """Lower the case, drop ASCII punctuation and English articles, and collapse white space.

    Source: the official evaluation script of SQuAD v1.1 (Rajpurkar et al. 2016), in its order.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, gold: str) -> float:
    """Return 1.0 where both are the same after normalization."""
    return float(normalize(answer) == normalize(gold))


def f1(answer: str, gold: str) -> float:
    """Return the F1 of the bags of words; 0.0 where they share none, as in v1.1's script.

    So two texts that hold nothing but articles match exactly, and have no F1.
    """
    said, wanted = normalize(answer).split(), normalize(gold).split()
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted)) if shared else 0.0


def best(score: Callable[[str, str], float], answer: str, golds: Sequence[str]) -> float:
    """Return the best score of an answer over all that are accepted."""
    return max(score(answer, gold) for gold in golds)
