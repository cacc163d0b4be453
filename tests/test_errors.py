"""The words of errors."""

from ftrecipe.errors import did_you_mean, told_once


def test_what_there_is_to_choose_from_is_listed_once() -> None:
    faults = ["a: no key (known: x, y)", "b: no key (known: x, y)", "c: no (known: z)", "d: wrong"]
    assert told_once(faults) == [
        "a: no key (known: x, y)",
        "b: no key",
        "c: no (known: z)",
        "d: wrong",
    ]


def test_of_names_as_near_the_one_that_goes_on_from_the_word_is_meant() -> None:
    runs = ["2026-11-22_16-47-54", "2026-11-22_16-47-45"]
    for names in (runs, runs[::-1]):
        assert did_you_mean("2026-11-22_16-47-4", names) == f"; did you mean {runs[1]}?"
