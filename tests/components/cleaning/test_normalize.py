"""What normalize changes, what it leaves, and that doing it twice changes nothing more."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning.normalize import Normalize
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.example import Completion, Text, Where

HERE = Where("x", "line", 1)
PIECES = [
    "&amp;", "lt;", "&#38;", "Ã©", "â€œ", "\u200d", "\u200b", "👩", "ی", "\r\n", "\n\n\n\n",
    "  ", "\ud800", "e\u0301", "`", "```", "<b>", "\U000e0041", "🏴", "\x93",
]  # fmt: skip
PIECE = st.sampled_from(PIECES) | st.text(st.characters(codec=None), max_size=5)
TEXTS = st.lists(PIECE).map("".join)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("a\u00a0b\u202fc\u3000d", "a b c d"),
        ("a  \nb\t\nc  ", "a\nb\nc"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n\n\n\nb", "a\n\n\nb"),
        ("\u200e[1] a\u200bb\ufeff\x07", "[1] ab"),
        ("Tom &amp; Jerry &lt;3 caf&eacute; &#8364;", "Tom & Jerry <3 café €"),
        ("R&amp;amp;D &amp;lt;", "R&D <"),
        ("schÃ¶n, â€œquotedâ€\x9d", "schön, “quoted”"),
        ("a\u200db", "ab"),
        ("half \ud83d", "half \ufffd"),
        ("hi\U000e0041\U000e0042", "hi"),
    ],
)
def test_it_changes(before, after):
    assert Normalize().text(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    if x:\n\treturn  1\n\n\n# end",
        "می‌خواهم",
        "👩‍👩‍👧 क्‍ष",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "`&lt;` is <",
        "see ```\n&amp;\n```",
        "<div>&nbsp;</div>",
        "?a=1&copy=2 &notit; AT&T",
        "Grüße, её, à la carte, Ångström",
        "“curly” Case, a   b",
    ],
)
def test_it_leaves(text):
    assert Normalize().text(text) == text


def test_what_is_asked_for_is_done():
    step = Normalize(quotes=True, lowercase=True, strip_punctuation=True, collapse_spaces=True)
    assert step.text("“It’s”   GREAT! 😀\n    a  b") == "its great 😀\n    a b"


def test_runs_of_spaces_in_code_fences_are_not_collapsed():
    assert Normalize(collapse_spaces=True).text("a   b ```x   y```") == "a b ```x   y```"


def test_a_prompt_and_its_completion_keep_the_spaces_between_them():
    raw = Completion(where=HERE, text="Answer: \u200b", completion=" yes\n")
    [cleaned] = Cleaning.of([Normalize()], Quarantine(None)).examples([raw])
    assert (cleaned.text, cleaned.completion) == ("Answer: ", " yes\n")


def test_it_says_why_it_changed_a_row():
    cleaning = Cleaning.of([Normalize()], Quarantine(None))
    texts = ["fine", "a\u200b &amp;", "a \nb"]
    assert len(list(cleaning.examples(Text(where=HERE, text=text) for text in texts))) == 3
    [report] = cleaning.report()
    assert (report["changed"], report["dropped"]) == (2, 0)
    assert report["reasons"] == {"entities": 1, "invisible characters": 1, "white space": 1}
    assert report["samples"]["entities"][0]["after"] == "a &"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXTS)
@example("&amp;amp;lt;br&amp;gt;")
def test_doing_it_twice_changes_nothing_more(text):
    step = Normalize()
    once = step.text(text)
    assert step.text(once) == once
    once.encode()
