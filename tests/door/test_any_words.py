"""Whatever is typed, or written in a recipe, composes or is refused in our own words."""

import os
import string
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ftrecipe.__main__ import main
from ftrecipe.config import GROUPS
from ftrecipe.door import words
from ftrecipe.errors import ConfigError
from ftrecipe.sweep import line

THEIRS = (
    "omegaconf", "OmegaConf", "Could not override", "To append", "To force", "in struct",
    "full_key", "object_type", "token recognition", "mismatched input", "extraneous input",
    "no viable", "Interpolation", "Error parsing", "LexerNoViable", "ambiguous", "while scanning",
    "while parsing", "could not find expected", "could not determine a constructor", "Traceback",
    "ValidationError", "is not of type", "NoneType",
)  # fmt: skip
KEYS = sorted(words.field_types())
PIECES = [
    "${", "}", "{", "[", "]", "(", ")", "'", '"', "\\", "oc.env:HOME", "seed", "peft.r", "null",
    "true", "1", "-1", "1e400", "0x", "nan", ".inf", "???", "~", "@", ":", ",", " ", "\n", "\t",
    "\x00", "\x1b[2J", "\u202e", "é", "💥", "range(1,3)", "glob(*)", "interval(0,1)", "&a", "*a",
    "!!python/name:os", "_target_", "%", "#", "|", ">", "-", "<<", "/", "..", "~/x", "file:///x",
    "builtin:", "recipe:", "consent", "hydra", "9" * 30, "a" * 300,
]  # fmt: skip

text = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(string.printable, max_size=4)), max_size=5
).map("".join)
key = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from([*GROUPS, "recipe", "lr", "trainer", "hydra.x", "consent", ""]),
    st.tuples(st.sampled_from(KEYS), text).map("".join),
    st.tuples(
        st.sampled_from(["trainer.extra", "dataset.sources", "eval", "cleaning.x"]), text
    ).map(".".join),
    text,
)
word = st.tuples(
    st.sampled_from(["", "+", "++", "~", "--"]), key, st.sampled_from(["=", "", "=="]), text
)
# FTRECIPE_FUZZ=1000 looks for new faults
few = settings(
    max_examples=int(os.environ.get("FTRECIPE_FUZZ", "15")),
    deadline=None,
    derandomize="FTRECIPE_FUZZ" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def in_our_words(faults: list[str]) -> None:
    assert faults
    for fault in faults:
        assert fault.removeprefix("error: ").strip()
        assert [text for text in THEIRS if text in fault] == [], fault


def plan(*words: str) -> None:
    """Run the command; it plans, or refuses in our own words."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["plan", *words])
    assert code in (0, 2), err.getvalue()
    if code == 2:
        in_our_words(err.getvalue().splitlines())


@few
@given(st.lists(word.map("".join), max_size=3))
@example(["peft.r=${${description}:HOME}"])
@example(["trainer.extra.a=${"])
@example(["trainer.learning_rate={a:${b}}"])
@example(["peft.target_modules=[${x}]"])
def test_any_words_are_planned_or_refused(line: list[str]) -> None:
    plan("seed=1", *line)


@few
@given(st.lists(word.map("".join), max_size=3))
def test_any_words_of_a_sweep_are_read_or_refused(words: list[str]) -> None:
    try:
        line.sort(words)
    except ConfigError as error:
        in_our_words(error.faults)


tree = st.recursive(
    text,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(text, inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{k}: {v}" for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=5,
)
entry = st.one_of(
    st.tuples(st.sampled_from([*GROUPS, "seed", "description", "defaults", "expected"]), tree).map(
        lambda pair: f"{pair[0]}: {pair[1]}\n"
    ),
    st.tuples(st.sampled_from(KEYS), tree).map(
        lambda pair: (
            "{" + pair[0].replace(".", ": {") + f": {pair[1]}" + "}" * (pair[0].count(".") + 1)
        )
    ),
    text.map(lambda line: f"{line}\n"),
)


@few
@given(written=st.lists(entry, max_size=3).map("".join))
@example(written="peft: {? {a: b} : 1}")
@example(written="trainer: {extra: {? '${oc.env:HOME}' : 1}}")
@example(written="dataset: {sources: {a: 5}}")
@example(written="eval: {qa: null}")
def test_any_recipe_is_planned_or_refused(
    tmp_path_factory: pytest.TempPathFactory, written: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(written.encode("utf-8", "surrogatepass"))
    plan(f"+recipe={file}")


def test_the_words_of_other_libraries_would_be_found() -> None:
    with pytest.raises(AssertionError):
        in_our_words(["Could not override 'x'. To append to your config use +x=1"])
