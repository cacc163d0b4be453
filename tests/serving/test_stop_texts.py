import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftrecipe.stages.serving.stopping import UntilStop, cut, stop_texts


def streamed(pieces: list[str], stops: list[str]) -> list[str]:
    """Return what comes out of the queue for an answer that comes in these pieces."""

    async def run() -> list[str]:
        queue = UntilStop(stops)
        for piece in [*pieces, None]:
            queue.put_nowait(piece)
        got = []
        while (one := await queue.get()) is not None:
            got.append(one)
        return got

    return asyncio.run(run())


@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=3), st.data())
def test_a_stream_ends_before_its_stop_however_it_is_cut(
    text: str, stop: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(streamed(pieces, [stop])) == cut(text, [stop])


def test_a_piece_that_may_not_begin_a_stop_is_not_kept_back() -> None:
    assert streamed(["one ", "two ", "three"], ["END"]) == ["one ", "two ", "three"]


def test_what_may_begin_a_stop_comes_once_it_does_not() -> None:
    assert streamed(["say E", "N", "OUGH"], ["END"]) == ["say ", "ENOUGH"]


def test_the_first_of_several_stops_ends_an_answer() -> None:
    assert cut("one two three", ["three", "two"]) == "one "


@pytest.mark.parametrize(
    ("asked", "texts"),
    [(None, []), ("", []), ("x", ["x"]), (["x", "y"], ["x", "y"]), (["", "y"], ["y"])],
)
def test_a_stop_is_a_text_or_several(asked: str | list[str] | None, texts: list[str]) -> None:
    assert stop_texts(asked) == texts
