"""The words of errors."""

from ftrecipe.errors import told_once


def test_what_there_is_to_choose_from_is_listed_once() -> None:
    faults = ["a: no key (known: x, y)", "b: no key (known: x, y)", "c: no (known: z)", "d: wrong"]
    assert told_once(faults) == [
        "a: no key (known: x, y)",
        "b: no key",
        "c: no (known: z)",
        "d: wrong",
    ]
