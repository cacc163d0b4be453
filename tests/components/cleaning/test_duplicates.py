"""Exact and near duplicates: the first is kept, and what was dropped is told."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.cleaning.exact_duplicates import ExactDuplicates, Seen
from ftrecipe.components.cleaning.near_duplicates import NearDuplicates, bands
from ftrecipe.components.cleaning.parts import By
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.example import Chat, Preference, Text, Where

STORY = (
    "The ferry leaves the old harbor every morning at seven, unless the wind blows from the north, "
    "and returns after sunset with the fishermen, their nets and whatever the sea has left them."
)


def asked(question, answer, line=1, system=""):
    said = [("system", system), ("user", question), ("assistant", answer)]
    messages = [{"role": role, "content": text} for role, text in said if text]
    return Chat(where=Where("x", "line", line), answers=[answer], messages=messages)


def run(step, examples):
    cleaning = Cleaning.of([step], Quarantine(None))
    kept = list(cleaning.examples(examples))
    [report] = cleaning.report()
    assert len(kept) + report["dropped"] == len(examples)
    return [example.where.number for example in kept], report


def test_the_first_of_exact_duplicates_is_kept_whatever_case_and_space():
    rows = [asked("Who?", "Me.", 1), asked("who? ", "ME.", 2), asked("Who?", "You.", 3)]
    kept, report = run(ExactDuplicates(), rows)
    assert kept == [1, 3]
    assert report["reasons"] == {"the same example as an earlier one": 1}


def test_duplicate_prompts_are_dropped_where_asked():
    rows = [asked("Who?", "Me.", 1), asked("Who?", "You.", 2), asked("Where?", "Me.", 3)]
    assert run(ExactDuplicates(by=By.prompt), rows)[0] == [1, 3]


def test_pairs_with_their_answers_swapped_are_no_duplicates():
    def pair(line, good, bad):
        one, other = ([{"role": "assistant", "content": text}] for text in (good, bad))
        where = Where("x", "line", line)
        return Preference(where=where, messages=[], chosen=one, rejected=other)

    rows = [pair(1, "a", "b"), pair(2, "b", "a"), pair(3, "a", "b")]
    assert run(ExactDuplicates(), rows)[0] == [1, 2]


def test_calls_of_a_tool_with_other_arguments_are_no_duplicates():
    def called(line, city):
        example = asked("What is the weather?", "", line)
        call = {"function": {"name": "weather", "arguments": {"city": city}}}
        answer = {"role": "assistant", "content": "", "tool_calls": [call]}
        return Chat(where=example.where, messages=[*example.messages[:1], answer], answers=[""])

    rows = [called(1, "Rome"), called(2, "Oslo"), called(3, "rome")]
    assert run(ExactDuplicates(), rows)[0] == [1, 2]
    assert run(NearDuplicates(), rows)[0] == [1, 2]


def test_the_same_question_under_another_system_prompt_is_no_exact_duplicate():
    rows = [asked("Who?", "Me.", 1, "Be kind."), asked("Who?", "Me.", 2, "Be brief.")]
    assert run(ExactDuplicates(), rows)[0] == [1, 2]


def test_a_second_pass_does_not_remember_the_first():
    step, rows = ExactDuplicates(), [asked("a", "b")]
    assert run(step, rows)[0] == run(step, rows)[0] == [1]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(1, 40), max_size=300))
def test_the_compact_set_knows_what_a_set_knows(numbers):
    seen, known = Seen(), {0, 1} if 0 in numbers else set[int]()
    for number in numbers:
        if number > 1 or 0 not in numbers:
            assert seen.add(number) == (number not in known)
        known.add(number)


def test_the_compact_set_takes_27_bytes_a_number_at_most():
    seen = Seen()
    source = random.Random(0)
    numbers = {source.getrandbits(64) for _ in range(20_000)}
    assert all([seen.add(number) for number in numbers])
    assert not any([seen.add(number) for number in numbers])
    assert len(seen._table) * 8 <= 27 * len(numbers)


def test_a_near_duplicate_is_dropped_and_says_which_row_it_is_like():
    other = "Quite another answer with as many words as that one has."
    rows = [
        asked("Tell me.", STORY, 1),
        asked("Tell me!", STORY + " Nobody minds.", 2),
        asked("Tell me.", other, 3),
    ]
    kept, report = run(NearDuplicates(threshold=0.7), rows)
    assert kept == [1, 3]
    [sample] = report["samples"]["nearly the same as an earlier one"]
    assert sample["where"] == "x line 2 (x line 1)"


def test_texts_that_share_less_than_the_threshold_are_kept():
    half = " ".join(STORY.split()[:16])
    rows = [asked("Tell me.", STORY, 1), asked("Tell me.", half + " but never on Sundays.", 2)]
    assert run(NearDuplicates(), rows)[0] == [1, 2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2+2?", "What is 2+3?"),
        ("The capital of France?", "The capital of Spain?"),
        ("法国的首都是哪里？", "德国的总统是谁？"),
    ],
)
def test_short_texts_that_differ_in_a_word_are_kept(one, other):
    assert run(NearDuplicates(), [asked(one, "4", 1), asked(other, "5", 2)])[0] == [1, 2]


def test_text_without_spaces_is_compared_too():
    text = "今天天气很好我们一起去公园散步然后吃了一顿美味的午餐最后回家休息了一会儿"
    rows = [asked("说", text, 1), asked("说", text + "啊", 2), asked("说", text[::-1], 3)]
    assert run(NearDuplicates(), rows)[0] == [1, 3]


def test_a_system_prompt_that_all_share_makes_nobody_alike():
    rows = [asked("Who is it?", "Me.", 1, STORY), asked("Where was that?", "Here.", 2, STORY)]
    assert run(NearDuplicates(), rows)[0] == [1, 2]


def test_examples_without_words_are_kept():
    rows = [Text(where=Where("x", "line", line), text="…") for line in (1, 2)]
    assert run(NearDuplicates(), rows)[0] == [1, 2]


def test_nearly_all_pairs_above_the_threshold_are_found():
    source = random.Random(1)
    rows = []
    for number in range(200):
        said = [f"w{source.randrange(10**6)}" for _ in range(100)]
        rows.append(asked("q", " ".join(said), 2 * number))
        said[source.randrange(100)] = "changed"  # leaves 90 of 101 runs of five words: J = 0.9
        rows.append(asked("q", " ".join(said), 2 * number + 1))
    kept, _ = run(NearDuplicates(), rows)
    assert [line for line in kept if line % 2 == 0] == list(range(0, 400, 2))
    assert len(kept) <= 204


def test_more_bands_are_cut_the_lower_the_threshold_is():
    assert (bands(0.9, 128), bands(0.8, 128), bands(0.5, 128)) == (16, 32, 64)
    assert NearDuplicates().faults() == []
