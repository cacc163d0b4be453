"""Suite `classification`: which of the labels does the model find likeliest?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, Example, Measurable, SplitEval, SuiteResult
from ftrecipe.components.eval.likelihood import Normalize, likelihood
from ftrecipe.errors import DataError, did_you_mean, listed

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

MOST_LABELS = 50  # that are found rather than named: beyond, answers are texts and no labels
ENOUGH = 10  # questions of which, if answers are labels, two have the same
SHOWN = 3  # answers that are told of one kind of fault


@GROUP.option("classification")
@dataclass
class Classification(SplitEval):
    """Accuracy, F1 and confusions in percent: every label is scored as the reply to a question.

    Nothing is generated and no text is parsed, so that a model cannot answer beside the labels.
    `labels` are all expected answers of the split unless they are named.
    """

    headline: ClassVar[str] = "accuracy"
    of: ClassVar[str] = "questions"
    generates: ClassVar[bool] = True
    percents: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "weighted_f1", "f1")
    directions: ClassVar[dict[str, str]] = dict.fromkeys(percents, "max")
    only_of_parts: ClassVar[tuple[str, ...]] = ("f1",)

    labels: list[str] = field(default_factory=list)
    normalize: Normalize = Normalize.none

    def measure(self, model: Measurable) -> SuiteResult:
        """Score every label after every question; the likeliest is the answer."""
        examples = model.examples(self.split)
        if unfit := self.unfit(examples):
            raise DataError(f"eval=[classification]: {fault}" for fault in unfit)
        labels = self._labels(examples)
        asked = examples[: self.max_samples]
        pairs = [(example, label) for example in asked for label in labels]
        losses = model.reply_losses(pairs, self.batch_size)
        scores = [
            likelihood(loss, label, self.normalize)
            for (_, label), loss in zip(pairs, losses, strict=True)
        ]
        found = [scores[at : at + len(labels)] for at in range(0, len(scores), len(labels))]
        rows = [
            _row(example, dict(zip(labels, each, strict=True)))
            for example, each in zip(asked, found, strict=True)
        ]
        return self.result(rows)

    def _labels(self, examples: Sequence[Example]) -> list[str]:
        return self.labels or sorted({gold(example) for example in examples} - {""})

    def tally(self, row: Row) -> dict[str, float]:
        """Count the example for its label, for the one predicted, and where both are the same."""
        right = {f"right.{row['gold']}": 1.0} if row["gold"] == row["predicted"] else {}
        return {f"gold.{row['gold']}": 1.0, f"predicted.{row['predicted']}": 1.0, **right}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        """Return what scikit-learn's accuracy_score and f1_score return, times a hundred.

        A label that a sample neither holds nor predicts is no part of its macro F1, and has none
        of its own there.
        """
        import numpy as np

        labels = sorted({name.partition(".")[2] for name in sums})
        golds = np.array([sums[f"gold.{label}"] for label in labels])
        both = golds + np.array([sums[f"predicted.{label}"] for label in labels])
        right = np.array([sums[f"right.{label}"] for label in labels])
        f1 = 2 * right / np.where(both > 0, both, 1)
        found = {
            "accuracy": 100 * right.sum(0) / sums.examples,
            "macro_f1": 100 * f1.sum(0) / (both > 0).sum(0),
            "weighted_f1": 100 * (f1 * golds).sum(0) / sums.examples,
        }
        held = {name.partition(".")[2] for name in sums if name.startswith("gold.")}
        own = np.where(both > 0, 100 * f1, np.nan)
        each = {f"f1.{label}": own[at] for at, label in enumerate(labels) if label in held}
        return found | each | {"questions": sums.examples}

    def faults(self) -> list[str]:
        if len(set(self.labels)) == 1:
            return [
                f"labels=[{self.labels[0]}]: of one label, every answer is right; name them all"
            ]
        twice = sorted({label for label in self.labels if self.labels.count(label) > 1})
        empty = ["labels: one of them is empty"] if not all(map(str.strip, self.labels)) else []
        return empty + ([f"labels: {listed(twice)} is named twice"] if twice else [])

    def unfit(self, examples: Sequence[Example]) -> list[str]:
        if not examples:
            return []
        labels = self._labels(examples)
        no_two_alike = len(examples) >= ENOUGH and len(labels) == len(examples)
        if not self.labels and (len(labels) > MOST_LABELS or no_two_alike):
            shown = listed([repr(label) for label in labels], SHOWN)
            return [
                f"there are {len(labels)} different answers ({shown}): this is no classification; "
                "measure it with eval=[qa], or name eval.classification.labels=[…]"
            ]
        if len(labels) < 2:
            only = repr(labels[0]) if labels else "empty"
            return [
                f"every answer is {only}, so there is nothing to tell apart; name the "
                "other labels in eval.classification.labels=[…]"
            ]
        return list(_strange(examples, labels))


def _strange(examples: Sequence[Example], labels: Sequence[str]) -> Iterator[str]:
    """Yield what answers there are that are no labels, a fault each, with the first place."""
    places: dict[str, list[str]] = {}
    for example in examples:
        if gold(example) not in labels:
            places.setdefault(gold(example), []).append(example.where)
    for answer, found in list(places.items())[:SHOWN]:
        more = f" (and in {len(found) - 1} more)" if len(found) > 1 else ""
        yield (
            f"{found[0]}{more}: {answer!r} is none of the labels{did_you_mean(answer, labels)} "
            f"(labels: {listed(labels)}); mend it, or add it to eval.classification.labels"
        )
    if len(places) > SHOWN:
        yield f"{len(places) - SHOWN} more answers are none of the labels"


def gold(example: Example) -> str:
    """Return the label of an example: its first expected answer."""
    return example.answers[0].strip() if example.answers else ""


def _row(example: Example, scores: dict[str, float]) -> Row:
    """Return an example with its labels' scores; of equal ones, the first label is predicted."""
    predicted = max(scores, key=lambda label: scores[label])
    return {
        "where": example.where,
        "question": example.question,
        "expected": example.answers,
        "source": example.source,
        "gold": gold(example),
        "predicted": predicted,
        "answer": predicted,
        "scores": scores,
    }
