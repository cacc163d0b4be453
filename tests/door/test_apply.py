"""Setting one value: what fits is set, what does not is told in plain words with the whole key."""

from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ftrecipe.compose import options_tree, to_run
from ftrecipe.door.apply import apply
from ftrecipe.door.vet import Setting
from ftrecipe.door.words import read
from ftrecipe.errors import ConfigError

FORBIDDEN = ("Could not override", "To append", "struct", "type 'str'", "OmegaConf", "+")


def tree() -> DictConfig:
    return options_tree()[0].copy()


def set_words(*words: str) -> tuple[DictConfig, list[str]]:
    node, asked = tree(), read(list(words))
    faults = [fault for setting in asked.settings for fault in apply(node, setting)]
    return node, [*asked.faults, *faults]


def value_of(word: str) -> Any:
    node, faults = set_words(word)
    assert faults == []
    found = OmegaConf.select(node, word.partition("=")[0].lstrip("+"))
    return OmegaConf.to_container(found) if OmegaConf.is_config(found) else found


FITTING = {
    "peft.r=4": 4,
    "+peft.r=4": 4,
    "++peft.r=4": 4,
    "seed=1e3": 1000,
    "trainer.learning_rate=1e-4": 1e-4,
    "trainer.learning_rate=1": 1.0,
    "trainer.learning_rate=null": None,
    "trainer.max_length=null": None,
    "trainer.packing=true": True,
    "peft.target_modules=[q_proj,v_proj]": ["q_proj", "v_proj"],
    "peft.target_modules=q_proj": ["q_proj"],
    "peft.target_modules=[]": [],
    "trainer.extra.neftune_noise_alpha=5": 5,
    "trainer.extra={neftune_noise_alpha: 5}": {"neftune_noise_alpha": 5},
    "trainer.extra.deep.er=5": 5,
    "trainer.extra={}": {},
    "dataset.columns.question=Frage": "Frage",
    "dataset.columns.question=a, b": "a, b",
    "dataset.columns.question=5": "5",
    "dataset.path=null": None,
    "dataset.path=5": "5",
    "dataset.columns={question: Frage}": {"question": "Frage"},
    "eval.qa.max_samples=3": 3,
    "trainer.save_steps=${seed}": 42,
    "model.revision=123e456": "123e456",
    "consent.remote_code=true": True,
    'dataset.system=You are a helpful, honest bot: say "hi"': (
        'You are a helpful, honest bot: say "hi"'
    ),
    "dataset.template={question} [x] (y), z": "{question} [x] (y), z",
    "dataset.template=${question}": "${question}",
    "dataset.template=\\${question}": "\\${question}",
    "dataset.system=": "",
}


@pytest.mark.parametrize("word", FITTING)
def test_a_value_that_fits_is_set(word: str) -> None:
    assert value_of(word) == FITTING[word]


WRONG = {
    "peft.r=x": "peft.r=x: must be a whole number",
    "peft.r=1.5": "peft.r=1.5: must be a whole number",
    "peft.r=null": "peft.r=null: must be a whole number",
    "peft.r=true": "peft.r=true: must be a whole number",
    "peft.r=[1]": "peft.r=[1]: must be a whole number",
    "peft.r={a: 1}": "peft.r={a: 1}: must be a whole number",
    "peft.r=": "peft.r=: must be a whole number",
    "peft.r=???": "peft.r=???: must be a whole number",
    "trainer.learning_rate=fast": "trainer.learning_rate=fast: must be a number or null",
    "trainer.packing=maybe": "trainer.packing=maybe: must be true or false",
    "eval.qa.split=tset": (
        "eval.qa.split=tset: must be one of train, validation, test; did you mean test?"
    ),
    "peft.target_modules=[{a: 1}]": "peft.target_modules=[{a: 1}]: must be a list, [a,b]",
    "peft.target_modules=null": "peft.target_modules=null: must be a list, [a,b]",
    "dataset.split=0.8": (
        "dataset.split=0.8: has values of its own; "
        "set dataset.split.train, dataset.split.validation, dataset.split.test, dataset.split.by, "
        "dataset.split.column"
    ),
    "trainer.extra=5": "trainer.extra=5: has values of its own; set trainer.extra.<name>",
    "consent=true": (
        "consent=true: has values of its own; set consent.remote_code, consent.push_to_hub"
    ),
}


@pytest.mark.parametrize("word", WRONG)
def test_a_wrong_type_is_told_in_plain_words(word: str) -> None:
    assert set_words(word)[1] == [WRONG[word]]


UNKNOWN = {
    "peft.rr=4": "peft.rr: there is no such key; did you mean peft.r?",
    "+peft.rr=4": "peft.rr: there is no such key; did you mean peft.r?",
    "++peft.rr=4": "peft.rr: there is no such key; did you mean peft.r?",
    "dataset.spilt.train=0.8": "did you mean dataset.split.train?",
    "dataset.split.trian=0.8": "did you mean dataset.split.train?",
    "dataset.split={trian: 0.8}": "dataset.split.trian: there is no such key",
    "eval.qa.max_sample=1": "did you mean eval.qa.max_samples?",
    "eval.gen.max_samples=1": "eval.gen.max_samples: there is no such key",
    "eval.generation.max_samples=1": "add eval=[perplexity,qa,generation]",
    "lr=1": "did you mean trainer.learning_rate?",
    "trainer.lr=1": "did you mean trainer.learning_rate?",
    "base_model=x": "did you mean model.path?",
    "load_in_4bit=true": "did you mean quantization=nf4?",
    "packing=true": "did you mean trainer.packing?",
    "dora=true": "did you mean peft=dora?",
    "sead=1": "did you mean seed?",
    "foo.bar=1": "foo.bar: there is no such key (known: dataset, model,",
    "peft.last_layers=4": "peft.last_layers: belongs to peft=freeze, not chosen here",
    "quantization.double_quant=true": "belongs to quantization=nf4 and fp4, not chosen here",
    "quantization.foo=true": "quantization.foo: quantization has no keys below it",
    "peft.r.x=3": "peft.r.x: peft.r has no keys below it",
    "peft..r=3": "peft..r: there is no such key",
    "hydra.run.dir=x": "hydra.run.dir: there is no such key",
    "++hydra.job.name=x": "hydra.job.name: there is no such key",
    "consent.remote=1": "did you mean consent.remote_code?",
    "dataset.columns.a.b=x": "dataset.columns.a.b=x: must be text",
}


@pytest.mark.parametrize("word", UNKNOWN)
def test_an_unknown_key_is_answered_with_the_one_meant(word: str) -> None:
    (fault,) = set_words(word)[1]
    assert UNKNOWN[word] in fault
    assert not [text for text in FORBIDDEN if text in fault]


def test_a_later_value_is_added_to_a_mapping() -> None:
    node, _ = set_words("trainer.extra.a=1", "trainer.extra.b=2")
    assert node.trainer.extra == {"a": 1, "b": 2}


def test_an_option_given_as_a_value_says_where_it_is_chosen() -> None:
    (fault,) = apply(tree(), Setting(("peft",), "dora", "x.yaml line 3", "dora"))
    assert fault == (
        "x.yaml line 3: peft=dora: an option is chosen in defaults: - override /peft: dora"
    )


def test_a_mapping_left_empty_changes_nothing() -> None:
    node = tree()
    assert apply(node, Setting(("trainer",), None, "x.yaml line 3", "")) == []
    assert apply(node, Setting(("peft",), {}, "x.yaml line 3")) == []
    assert node == tree()


def test_a_number_in_a_text_field_keeps_its_digits() -> None:
    node = tree()
    apply(node, Setting(("model", "revision"), float("inf"), "x.yaml line 3", "123e456"))
    assert node.model.revision == "123e456"


def test_a_fault_in_a_recipe_names_its_line() -> None:
    (fault,) = apply(tree(), Setting(("peft", "rr"), 4, "x.yaml line 3", "4"))
    assert fault.startswith("x.yaml line 3: peft.rr: there is no such key")


def test_an_interpolation_that_leads_nowhere_is_told_with_its_key() -> None:
    node, _ = set_words("seed=${nowhere}")
    with pytest.raises(ConfigError, match=r"^seed: .*nowhere"):
        to_run(node)


def test_an_interpolation_in_a_circle_is_told() -> None:
    node, _ = set_words("seed=${seed}")
    with pytest.raises(ConfigError, match="seed"):
        to_run(node)
