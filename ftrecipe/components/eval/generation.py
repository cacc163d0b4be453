"""Suite `generation`: how near written answers come to the expected ones, and how they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example, SuiteResult
from ftrecipe.components.eval import bleu as sacre
from ftrecipe.components.eval.rouge import NAMES as ROUGE
from ftrecipe.components.eval.rouge import rouge
from ftrecipe.components.eval.variety import distinct, repetition, words

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

DISTINCT = {"distinct_1": 1, "distinct_2": 2}


class Tokenize(Enum):
    """What BLEU takes for words: sacrebleu's ways that need no further package."""

    v13a = "v13a"
    intl = "intl"
    zh = "zh"
    char = "char"
    none = "none"

    @property
    def of_sacrebleu(self) -> str:
        """The name that sacrebleu has for it; ours begins with a letter, as names in YAML do."""
        return "13a" if self is Tokenize.v13a else self.value


@GROUP.option("generation")
@dataclass
class Generation(AnswerEval):
    """BLEU and chrF as sacrebleu computes them, ROUGE as rouge-score does; lengths and variety.

    BLEU and chrF are of all answers together, 0 to 100; ROUGE is the mean F-measure in percent.
    `distinct_n` is the share of different word n-grams among those of all answers; `repetition`
    that of word triples that an answer has said before. Lengths are in words; the ratio is to the
    first expected answer.
    tokenize, lowercase: of BLEU (lowercase of chrF too). stemmer: of ROUGE.
    """

    headline: ClassVar[str] = "chrf"
    percents: ClassVar[tuple[str, ...]] = (*ROUGE, *DISTINCT, "repetition", "unfinished")
    neutral: ClassVar[tuple[str, ...]] = ("mean_length", "length_ratio")
    directions: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("bleu", "chrf", *ROUGE), "max"),
        "repetition": "min",
        "unfinished": "min",
    }

    tokenize: Tokenize = Tokenize.v13a
    lowercase: bool = False
    stemmer: bool = False

    def judged(self, example: Example, said: Completion) -> Row:
        """Count what an answer shares with the expected ones, its words, and repeated ones."""
        golds = example.answers or [""]
        bleu = sacre.bleu_counts(said.text, golds, self.tokenize.of_sacrebleu, self.lowercase)
        return {
            "bleu": bleu,
            "chrf": sacre.chrf_counts(said.text, golds, self.lowercase),
            **rouge(said.text, golds, self.stemmer),
            "words": len(words(said.text)),
            "wanted": len(words(golds[0])),
            "repetition": repetition(said.text),
        }

    def result(self, rows: list[Row], alone: dict[str, float] | None = None) -> SuiteResult:
        """Return rows and metrics; what is distinct in an answer depends on all the others."""
        said = [row["answer"] for row in rows]
        shares = {name: distinct(said, size) for name, size in DISTINCT.items()}
        whole = [row | {name: shares[name][at] for name in shares} for at, row in enumerate(rows)]
        return super().result(whole, alone)

    def tally(self, row: Row) -> dict[str, float]:
        added = {f"bleu_{at}": count for at, count in enumerate(row["bleu"])}
        added |= {f"chrf_{at}": count for at, count in enumerate(row["chrf"])}
        added |= {name: row[name] for name in (*ROUGE, *DISTINCT, "repetition", "words")}
        # What a share is of is left out where there is nothing of it, and then so is the share.
        whole = {f"runs_{name}": row["words"] - size + 1 for name, size in DISTINCT.items()}
        whole["wanted"] = row["wanted"]
        if row["ended"] is not None:  # answers that others wrote do not say
            added["unfinished"] = float(not row["ended"])
            whole["known"] = 1
        return added | {name: count for name, count in whole.items() if count > 0}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        found = {
            "bleu": sacre.bleu(_side_by_side(sums, "bleu", sacre.BLEU_COUNTS)),
            "chrf": sacre.chrf(_side_by_side(sums, "chrf", sacre.CHRF_COUNTS)),
            **{name: 100 * sums.mean(name) for name in ROUGE},
            "mean_length": sums.mean("words"),
            "repetition": 100 * sums.mean("repetition"),
        }
        there = set(sums)
        if "wanted" in there:
            found["length_ratio"] = sums["words"] / sums["wanted"]
        shares = {name: f"runs_{name}" for name in DISTINCT} | {"unfinished": "known"}
        for name, whole in shares.items():
            if whole in there:
                found[name] = 100 * sums[name] / sums[whole]
        return found


def _side_by_side(sums: Mapping[str, "Array"], name: str, count: int) -> "Array":
    """Return the sums of one metric's statistics, [samples, statistics]."""
    import numpy as np

    return np.stack([sums[f"{name}_{at}"] for at in range(count)], axis=1)
