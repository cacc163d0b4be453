"""A chat in which everybody's messages are learned: each with its sender, in tokens of its own."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.components.dataset.telegram import Telegram
from ftrecipe.components.model import Model
from ftrecipe.compose import compose
from ftrecipe.data.example import Chat, Where
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.data.tokens.render import Renderer
from ftrecipe.data.tokens.templates import Tags
from ftrecipe.data.tokens.tokenize import MASKED, Encoder
from ftrecipe.errors import ConfigError

HERE = Where("chat.txt", "line", 1)
TAGS = Tags()
TINY = Model(path="builtin:tiny")

pytestmark = pytest.mark.skipif(
    not (BUILTIN / "tiny" / "tokenizer.json").is_file(), reason="the tiny model is not built"
)


def group_chat() -> Chat:
    said = [("Alice", "who is coming?"), ("Bob: jr", "me 😀"), ("Zoë", "me too")]
    messages = [{"role": "user", "name": name, "content": text} for name, text in said]
    messages[-1]["role"] = "assistant"
    return Chat(where=HERE, messages=messages, answers=["me too"], everyone=True)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return Telegram().implied(TINY).load_tokenizer()


def test_every_message_is_trained_on_with_its_sender_and_its_tags(tokenizer):
    [row] = Encoder(tokenizer).rows(Renderer(tokenizer).rows(group_chat()))
    assert MASKED not in row.labels
    assert tokenizer.decode(row.input_ids) == (
        "<|startoftext|>Alice<|separator|>who is coming?<|endoftext|>"
        "<|startoftext|>Bob: jr<|separator|>me 😀<|endoftext|>"
        "<|startoftext|>Zoë<|separator|>me too<|endoftext|>"
    )


def test_each_tag_is_one_token_and_the_last_one_ends_the_row(tokenizer):
    encoder = Encoder(tokenizer)
    [row] = encoder.rows(Renderer(tokenizer).rows(group_chat()))
    for token in TAGS.tokens():
        assert row.input_ids.count(tokenizer.convert_tokens_to_ids(token)) == 3
    assert row.input_ids[-1] == tokenizer.convert_tokens_to_ids(TAGS.end)
    assert row.input_ids[-1] in encoder.ends


def test_an_end_tag_that_the_tokenizer_has_is_used_and_not_added(tokenizer):
    bare = TINY.load_tokenizer()
    assert TAGS.end in bare.get_vocab()
    assert tokenizer.convert_tokens_to_ids(TAGS.end) == bare.convert_tokens_to_ids(TAGS.end)
    assert len(tokenizer) == len(bare) + 2
    assert (tokenizer.bos_token, tokenizer.eos_token) == (bare.bos_token, bare.eos_token)


def test_the_prompt_ends_with_the_tag_of_the_one_who_is_to_speak(tokenizer):
    example = group_chat()
    prompt = Renderer(tokenizer).prompt(example)
    assert prompt.endswith("me 😀<|endoftext|><|startoftext|>Zoë<|separator|>")
    [row] = Renderer(tokenizer).rows(example)
    assert row.text == f"{prompt}me too<|endoftext|>"


def test_the_prompt_of_a_single_message_is_its_tag(tokenizer):
    alone = Chat(where=HERE, messages=group_chat().messages[-1:], everyone=True)
    assert Renderer(tokenizer).prompt(alone) == "<|startoftext|>Zoë<|separator|>"


def test_where_one_is_the_assistant_only_its_messages_are_trained_on(tokenizer):
    example = group_chat()
    only = Chat(where=HERE, messages=example.messages, answers=example.answers)
    [row] = Encoder(tokenizer).rows(Renderer(tokenizer).rows(only))
    trained = [token for token in row.labels if token != MASKED]
    assert tokenizer.decode(trained) == "me too<|endoftext|>"


def test_a_sender_without_a_name_is_called_by_its_role(tokenizer):
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    [row] = Renderer(tokenizer).rows(Chat(where=HERE, messages=messages))
    assert row.text.startswith("<|startoftext|>user<|separator|>hi")


@pytest.mark.parametrize("odd", ["it's", 'say "so"', "back\\slash", "<b>"])
def test_any_text_may_be_a_tag(odd):
    model = Telegram(tags=Tags(start=odd)).implied(TINY)
    text = model.load_tokenizer().apply_chat_template(
        [{"role": "user", "content": "hi"}], tokenize=False
    )
    assert text == f"{odd}user<|separator|>hi<|endoftext|>"


def test_a_tag_that_stands_for_two_things_is_one_token():
    same = Tags(start="<|t|>", separator="<|t|>", end="<|e|>")
    assert Telegram(tags=same).implied(TINY).special_tokens == ["<|t|>", "<|e|>"]


def export(folder: Path) -> Path:
    """Write a group chat as Telegram exports it: 60 conversations of four messages."""
    messages = []
    for number in range(240):
        hour = 10 * (number // 4)
        date = f"2024-{1 + hour // 600:02}-{1 + hour // 24 % 25:02}T{hour % 24:02}:0{number % 4}:00"
        sender = ["Alice", "Bob", "Cem"][number % 3]
        messages.append({"id": number, "type": "message", "date": date, "from": sender,
                         "from_id": f"user{number % 3}", "text": f"number {number}"})  # fmt: skip
    path = folder / "result.json"
    chat = {"name": "us", "type": "private_group", "id": 1, "messages": messages}
    path.write_text(json.dumps(chat), encoding="utf-8")
    return path


def test_a_chat_without_an_assistant_brings_its_template_and_tokens(tmp_path):
    run = compose(["dataset=telegram", f"dataset.path={export(tmp_path)}"]).run
    assert run.model.chat_template == TAGS.template()
    assert run.model.special_tokens == TAGS.tokens()


@pytest.mark.parametrize("words", [
    ["dataset=auto", "dataset.path={}"],
    ["dataset=mix", "dataset.sources={{chat: {{format: telegram, path: '{}'}}}}"],
])  # fmt: skip
def test_a_chat_found_or_mixed_in_brings_them_too(tmp_path, words):
    path = export(tmp_path)
    run = compose([word.format(path) for word in words]).run
    assert run.model.special_tokens == TAGS.tokens()


def test_a_chat_with_an_assistant_has_the_template_of_its_model(tmp_path):
    words = ["dataset=telegram", f"dataset.path={export(tmp_path)}", "dataset.assistant=Bob"]
    run = compose(words).run
    assert run.model.chat_template is None
    assert run.model.special_tokens == []


def test_a_template_that_was_asked_for_is_left_alone(tmp_path):
    words = ["dataset=telegram", f"dataset.path={export(tmp_path)}", "model.chat_template=chatml"]
    assert compose(words).run.model.chat_template == "chatml"


def test_sender_tags_asked_for_by_name_bring_their_tokens_with_any_data():
    run = compose(["model.chat_template=sender_tags"]).run
    assert run.model.special_tokens == TAGS.tokens()


def test_a_method_that_cannot_learn_new_tokens_is_refused(tmp_path):
    words = ["dataset=telegram", f"dataset.path={export(tmp_path)}", "peft=ia3"]
    with pytest.raises(ConfigError, match="cannot learn the rows of new tokens"):
        compose(words)


@pytest.mark.slow
def test_a_step_of_training_changes_the_rows_of_the_tags(tmp_path):
    from ftrecipe import launch, plan
    from ftrecipe.stages.screen import Screen
    from ftrecipe.stages.session import Session

    words = [
        "recipe=quickstart", "dataset=telegram", f"dataset.path={export(tmp_path)}", "export=[]",
        "dataset.split.train=0.8", "dataset.split.validation=0.1", "dataset.split.test=0.1",
        "eval=[perplexity]",
        "trainer.max_steps=1", "trainer.learning_rate=1e-2", "model.dtype=float32",
        "trainer.warmup_steps=0", "hardware=cpu", f"runs_dir={tmp_path / 'runs'}",
    ]  # fmt: skip
    made = plan.make(compose(words))
    session = Session.open(launch.create(made), Screen(None))
    for stage in made.stages:
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    deltas = {name: weight for name, weight in session.models.tuned.named_parameters()
              if "trainable_tokens_delta" in name}  # fmt: skip
    base: Any = session.models.load(None)
    before = base.get_input_embeddings().weight.detach()
    ids = session.models.new_tokens()
    assert len(ids) == len(set(ids)) == 3
    for rows in deltas.values():
        assert rows.shape[0] == 3
        assert ((rows.detach() - before[ids]).abs().amax(dim=1) > 1e-4).all()
