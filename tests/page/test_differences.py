"""Two texts side by side: the words that differ are marked, unless nearly all of them do."""

from ftrecipe.page.differences import marked


def test_words_that_differ_are_marked_on_their_side() -> None:
    assert marked("It opens at nine.", "It opens at ten.") == (
        "It opens at <del>nine</del>.",
        "It opens at <ins>ten</ins>.",
    )


def test_texts_that_share_little_but_spaces_are_not_marked() -> None:
    before, after = "It takes 96 dollars.", "An adult ticket costs eight."
    assert marked(before, after) == (before, after)


def test_marks_do_not_let_markup_in() -> None:
    old, new = marked("say <b> now", "say <i> now")
    assert (old, new) == ("say &lt;<del>b</del>&gt; now", "say &lt;<ins>i</ins>&gt; now")


def test_an_empty_text_has_nothing_to_mark() -> None:
    assert marked("", "") == ("", "")
    assert marked("", "a") == ("", "a")
