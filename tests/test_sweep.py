"""A sweep's words: written as Hydra takes them, every value checked before the first run."""

from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.sweep import hydra_words, plain_word, preflight


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("recipe=quickstart", "+recipe=quickstart"),
        ("+recipe=a,b", "+recipe=a,b"),
        ("peft.r=4,8", "++peft.r=4,8"),
        ("++peft.r=4,8", "++peft.r=4,8"),
        ("+peft=lora,dora", "peft=lora,dora"),
        ("seed=1,2", "seed=1,2"),
        ("eval=[qa,perplexity]", "eval=[qa,perplexity]"),
        ("model=tiny,smollm2_135m", "model=tiny,smollm2_135m"),
    ],
)
def test_a_word_is_written_as_hydra_takes_it(word: str, written: str) -> None:
    assert hydra_words(word) == [written]


def test_a_model_folder_becomes_option_and_path(here: Path) -> None:
    assert hydra_words("model=./a b") == ["model=custom", "++model.path='./a b'"]


@pytest.mark.parametrize("name", ["faq.csv", "a b, [c]=d.csv", "it's.csv", "😀.csv"])
def test_a_data_file_reaches_every_trial_by_its_own_name(name: str, here: Path) -> None:
    (here / name).write_text("question,answer\na,b\n")
    written = hydra_words(f"dataset={name}")
    preflight(written)
    words = [plain_word(word.lstrip("+")) for word in written]
    assert compose(words).run.dataset.path == name


def test_a_typo_in_any_swept_value_ends_the_sweep_before_it_begins(faq: str, cli: Cli) -> None:
    said = cli("-m", f"dataset={faq}", "peft=lora,dorra")
    assert said.code == 2
    assert "did you mean dora?" in said.err
    assert not Path("runs").exists()


def check(*line: str) -> None:
    preflight([written for word in line for written in hydra_words(word)])


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["+recipe=quickstart,quickstrat"], "did you mean quickstart?"),
        (["peft.r=4,x"], "peft.r=x: must be a whole number"),
        (["peft.rr=4,8"], "did you mean peft.r?"),
        (["trainer.learning_rate=1e-3,7"], "must be"),
        (["runs_dir=a[b"], "in a sweep, text with commas"),
        (["peft"], "what should it be?"),
    ],
)
def test_a_fault_in_a_sweep_is_told_in_our_words(words: list[str], fault: str, faq: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(f"dataset={faq}", *words)
    assert fault in str(caught.value)
    assert "To append" not in str(caught.value)
