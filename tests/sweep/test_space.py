"""What a word varies: Hydra's sweep grammar read as dimensions, kept as JSON."""

from pathlib import Path

import pytest

from ftrecipe.errors import ConfigError
from ftrecipe.sweep.space import Choices, Numbers, combinations, count, from_plain, plain, read


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("peft.r", "4,8", ("4", "8")),
        ("peft.r", "choice(4,8)", ("4", "8")),
        ("peft.r", "range(4,17,4)", ("4", "8", "12", "16")),
        ("peft.r", "range(16,3,-4)", ("4", "8", "12", "16")),
        ("trainer.warmup_steps", "range(0.1,0.5,0.1)", ("0.1", "0.2", "0.3", "0.4")),
        ("trainer.learning_rate", "1e-3,2e-3", ("0.001", "0.002")),
        ("eval", "[qa],[qa,perplexity]", ("[qa]", "[qa,perplexity]")),
        ("dataset", "a.csv,b c.csv", ("a.csv", "b c.csv")),
        ("dataset.path", "'a,b.csv','it\\'s.csv'", ("a,b.csv", "it's.csv")),
        ("trainer.max_length", "null,64", ("null", "64")),
        ("strategy", "glob(zero*)", ("zero1", "zero2", "zero3", "zero3_offload")),
    ],
)
def test_values_are_read_as_compose_takes_them(key: str, text: str, values: tuple[str]) -> None:
    dimension = read(key, text)
    assert not isinstance(dimension, str)
    assert dimension.values == values


@pytest.mark.parametrize(
    ("key", "text", "numbers"),
    [
        ("trainer.weight_decay", "interval(1e-5,1e-2)", Numbers("", 1e-5, 1e-2)),
        ("trainer.weight_decay", "tag(log, interval(1e-5,1))", Numbers("", 1e-5, 1, log=True)),
        ("peft.r", "interval(4,64)", Numbers("", 4, 64, whole=True)),
        ("peft.r", "int(tag(log,interval(4,64)))", Numbers("", 4, 64, log=True, whole=True)),
    ],
)  # fmt: skip
def test_intervals_have_no_end_of_values(key: str, text: str, numbers: Numbers) -> None:
    dimension = read(key, text)
    assert isinstance(dimension, Numbers)
    assert vars(dimension) | {"key": ""} == vars(numbers)
    assert dimension.values is None
    assert count([dimension]) is None
    with pytest.raises(ConfigError, match="has no end of values"):
        list(combinations([dimension]))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("peft.r", "4", "4"),
        ("eval", "[qa,perplexity]", "[qa,perplexity]"),
        ("dataset.path", "'a,b.csv'", "a,b.csv"),
        ("trainer.learning_rate", "1e-4", "1e-4"),
    ],
)
def test_a_word_that_varies_nothing_stays_as_it_is(key: str, text: str, value: str) -> None:
    assert read(key, text) == value


@pytest.mark.parametrize("name", ["faq.csv", "a b, [c]=d.csv", "it's.csv", "😀.csv", "a,b.csv"])
def test_a_file_that_there_is_needs_no_quoting(name: str, here: Path) -> None:
    (here / name).write_text("question,answer\na,b\n")
    assert read("dataset", name) == name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a[b", "in a sweep, text with commas"),
        ("interval(2,1)", "begins above its end"),
        ("tag(log,interval(0,1))", "begins above 0"),
        ("tag(log,range(1,9))", "log goes with interval"),
    ],
)
def test_what_cannot_be_varied_is_told(text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        read("trainer.weight_decay", text)


def test_combinations_are_all_of_them_the_last_key_fastest() -> None:
    space = [Choices("a", ("1", "2")), Numbers("b", 0, 1, 1, whole=True)]
    assert list(combinations(space)) == [
        {"a": "1", "b": "0"}, {"a": "1", "b": "1"}, {"a": "2", "b": "0"}, {"a": "2", "b": "1"},
    ]  # fmt: skip
    assert count(space) == 4


def test_a_dimension_survives_json() -> None:
    for one in (Choices("a", ("1", "2")), Numbers("b", 0.5, 1, log=True)):
        assert from_plain(plain(one)) == one
