"""Gives each question its answer: by id where both files have ids, else by their order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ftrecipe.components.eval import Completion, Example
from ftrecipe.errors import DataError, listed
from ftrecipe.scoring.predictions import NOBODY, Predictions
from ftrecipe.scoring.references import References

Pair = tuple[Example, Completion]


@dataclass(frozen=True)
class Paired:
    """Every question with its answer, in the order of the questions.

    name, how: of the answers' file, and what of it they are. questions: the other file's name.
    missing: names of the questions that nobody has answered. unused: answers to no question.
    """

    name: str
    how: str
    questions: str
    pairs: list[Pair]
    missing: list[str]
    unused: int
    by_id: bool


def paired(wanted: References, found: Predictions) -> Paired:
    """Pair questions and answers.

    Raises DataError for an id that is there twice, for two files without a common id, and for
    unequal numbers where there are no ids.
    """
    asked, said = wanted.asked, found.said
    if asked[0].id is None or said[0].id is None:
        if len(asked) != len(said):
            raise DataError(_unequal(wanted, found))
        completions = [one.completion for one in said]
    else:
        _refuse_twice(wanted.name, (one.id for one in asked))
        _refuse_twice(found.name, (one.id for one in said))
        known = {one.id: one.completion for one in said}
        if not any(one.id in known for one in asked):
            raise DataError(
                f"{found.name}: none of its ids ({said[0].id} …) is one of {wanted.name} "
                f"({asked[0].id} …)"
            )
        completions = [known.get(one.id, NOBODY) for one in asked]
    by_id = asked[0].id is not None and said[0].id is not None
    ids = {one.id for one in asked}
    return Paired(
        name=found.name,
        how=found.how,
        questions=wanted.name,
        pairs=[(one.example, text) for one, text in zip(asked, completions, strict=True)],
        missing=[o.name for o, text in zip(asked, completions, strict=True) if text.missing],
        unused=sum(one.id not in ids for one in said) if by_id else 0,
        by_id=by_id,
    )


def _unequal(wanted: References, found: Predictions) -> str:
    lacking = [
        name for name, has in ((wanted.name, wanted.asked[0].id), (found.name, found.said[0].id))
        if has is None
    ]  # fmt: skip
    return (
        f"{found.name} has {len(found.said):,} answers and {wanted.name} {len(wanted.asked):,} "
        f"questions; without ids ({listed(lacking)}) they are paired by order, and have to be as "
        "many"
    )


def _refuse_twice(name: str, ids: Iterable[str | None]) -> None:
    twice = [str(one) for one, count in Counter(ids).items() if count > 1]
    if twice:
        raise DataError(f"{name}: ids that are there more than once: {listed(twice, 5)}")
