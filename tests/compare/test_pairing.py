"""Rows are put side by side by the example that they are of."""

from ftrecipe.compare.pairs import pairs


def row(question: str, answer: str) -> dict[str, str]:
    return {"question": question, "answer": answer}


def test_rows_of_the_same_example_are_paired_whatever_their_order() -> None:
    mine, theirs = [row("a", "1"), row("b", "2")], [row("b", "3"), row("a", "4")]
    assert pairs(mine, theirs, ("question",)) == (mine, theirs[::-1])


def test_rows_of_other_examples_are_left_out() -> None:
    mine, theirs = [row("a", "1"), row("b", "2")], [row("b", "3"), row("c", "4")]
    assert pairs(mine, theirs, ("question",)) == (mine[1:], theirs[:1])


def test_an_example_that_is_there_twice_is_paired_twice() -> None:
    mine, theirs = [row("a", "1"), row("a", "2")], [row("a", "3"), row("a", "4")]
    assert pairs(mine, theirs, ("question",)) == (mine, theirs)


def test_rows_that_say_nothing_of_their_example_are_paired_in_order() -> None:
    mine, theirs = [{"nll": 1.0}, {"nll": 2.0}], [{"nll": 3.0}, {"nll": 4.0}]
    assert pairs(mine, theirs, ("where",)) == (mine, theirs)
