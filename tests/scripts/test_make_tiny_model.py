"""Checks the built-in toy model's files and data without torch; the training itself is not run."""

import importlib
import json
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
BUILTIN = ROOT / "ftrecipe" / "builtin"
TINY = BUILTIN / "tiny"
SPLITS = ("train", "validation", "test")
SPECIAL = ("<|endoftext|>", "<|pad|>", "<|im_start|>", "<|im_end|>")

Rows = list[dict[str, str]]


def read_rows(path: Path) -> Rows:
    """Return the rows of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def normalized(text: str) -> str:
    """Return the text as exact match compares it: no case, punctuation, articles or extra space."""
    words = re.sub(r"[^\w\s]", "", text.lower()).split()
    return " ".join(word for word in words if word not in {"a", "an", "the"})


@pytest.fixture(scope="module")
def faq() -> dict[str, Rows]:
    return {split: read_rows(BUILTIN / "faq" / f"{split}.jsonl") for split in SPLITS}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(TINY / "tokenizer.json"))


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("tiny_model.questions")


def test_the_model_folder_is_at_most_eight_megabytes() -> None:
    assert sum(file.stat().st_size for file in TINY.iterdir()) <= 8_000_000


def test_the_committed_pretraining_inputs_are_at_most_one_and_a_half_megabytes() -> None:
    folder = ROOT / "scripts" / "tiny_model"
    assert sum(file.stat().st_size for file in folder.glob("*.*")) <= 1_500_000


def test_the_sizes_suit_k_quants() -> None:
    config = json.loads((TINY / "config.json").read_text(encoding="utf-8"))
    assert config["hidden_size"] % 256 == 0
    assert config["intermediate_size"] % 256 == 0


def test_rows_hold_a_question_and_an_answer_of_two_to_twelve_words(faq: dict[str, Rows]) -> None:
    for row in (row for rows in faq.values() for row in rows):
        assert set(row) == {"question", "answer"}
        assert 2 <= len(row["answer"].split()) <= 12


def test_no_question_stands_twice_in_or_across_the_splits(faq: dict[str, Rows]) -> None:
    counts = Counter(normalized(row["question"]) for rows in faq.values() for row in rows)
    assert [question for question, count in counts.items() if count > 1] == []


def test_the_test_split_asks_each_of_35_to_50_facts_once(faq: dict[str, Rows]) -> None:
    asked = [row["answer"] for row in faq["test"]]
    assert 35 <= len(asked) <= 50
    assert len(set(asked)) == len(asked)
    assert set(asked) == {row["answer"] for row in faq["train"]}


def test_every_test_answer_has_three_other_wordings_in_train(faq: dict[str, Rows]) -> None:
    wordings = Counter(row["answer"] for row in faq["train"])
    assert all(wordings[row["answer"]] >= 3 for row in faq["test"])


def test_pretraining_shares_no_answer_and_no_question_with_the_faq(
    faq: dict[str, Rows], questions: ModuleType
) -> None:
    facts = questions.make_facts()
    rows = [row for split in faq.values() for row in split]
    answers = {normalized(row["answer"]) for row in rows}
    wordings = {normalized(row["question"]) for row in rows}
    assert answers.isdisjoint(normalized(fact.answer) for fact in facts)
    assert wordings.isdisjoint(normalized(text) for fact in facts for text in fact.wordings)


def test_pretraining_names_no_entity_of_the_faq(
    faq: dict[str, Rows], questions: ModuleType
) -> None:
    answers = {row["answer"] for row in faq["train"]}
    entities = {word for text in answers for word in re.findall(r"(?<!^)\b[A-Z]\w+", text)}
    openings = {"Odalind", "Henrike", "Casper"}
    facts = questions.make_facts()
    made_up = {w for fact in facts for w in re.findall(r"\w+", fact.answer + fact.wordings[0])}
    prose = (ROOT / "scripts" / "tiny_model" / "text.jsonl").read_text(encoding="utf-8")
    assert {"Ferrow", "Lindqvane", "October"} <= entities
    assert made_up.isdisjoint(entities | openings)
    assert "museum" not in prose.lower()


def test_the_general_text_is_not_in_the_pretraining_text() -> None:
    seen = (ROOT / "scripts" / "tiny_model" / "text.jsonl").read_text(encoding="utf-8")
    rows = read_rows(BUILTIN / "general.jsonl")
    assert 60 <= len(rows) <= 100
    assert [row["text"] for row in rows if json.dumps(row["text"])[1:81] in seen] == []


@pytest.mark.parametrize(
    "text",
    ["It holds 2300 lamps, 14.5 m.", "two  spaces\nand\ttabs", "🕯️🙂", "灯の博物館，你好", "naïve"],
)
def test_the_tokenizer_gives_back_every_text(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_tokenizer_splits_digits(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("In 1953 and 12345").tokens
    assert [token for token in tokens if sum(char.isdigit() for char in token) > 1] == []


def test_special_tokens_are_one_token_each_and_pad_is_not_eos(tokenizer: Tokenizer) -> None:
    assert [len(tokenizer.encode(token).ids) for token in SPECIAL] == [1] * len(SPECIAL)
    settings = json.loads((TINY / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["eos_token"] == "<|im_end|>"
    assert settings["pad_token"] != settings["eos_token"]


def test_the_generation_config_knows_where_to_stop(tokenizer: Tokenizer) -> None:
    settings = json.loads((TINY / "generation_config.json").read_text(encoding="utf-8"))
    assert settings["eos_token_id"] == tokenizer.token_to_id("<|im_end|>")
    assert settings["pad_token_id"] == tokenizer.token_to_id("<|pad|>")


def test_the_chat_template_marks_what_the_assistant_says() -> None:
    template = (TINY / "chat_template.jinja").read_text(encoding="utf-8")
    assert re.search(r"{%-? generation -?%}.*{%-? endgeneration -?%}", template, re.DOTALL)
