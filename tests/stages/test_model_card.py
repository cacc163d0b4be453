from pathlib import Path

import pytest
import yaml

from ftrecipe import launch, plan
from ftrecipe.components.model.facts import facts as model_facts
from ftrecipe.compose import compose
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.card import CARD, renew_cards, write_card
from ftrecipe.stages.card.licenses import front_matter, of_data, of_model
from ftrecipe.stages.card.places import without_places
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session

HUB = pytest.importorskip("huggingface_hub")
DATA = "dataset=faq.csv"
BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
METRICS = {
    "base": {"qa": {"exact_match": 10.0, "f1": 20.0, "f1.easy": 9.0, "questions": 4.0}},
    "tuned": {"qa": {"exact_match": 60.0, "f1": 70.0, "f1.easy": 99.0, "questions": 4.0}},
    "train": {"seconds": 30.0, "tokens": 5000, "steps": 20, "epochs": 1.5, "loss": 0.4,
              "device": "NVIDIA H100", "processes": 2, "precision": "bf16"},
    "compare": {"base": {"qa": {"exact_match": {
        "change": 50.0, "low": 20.0, "high": 75.0, "real": True, "changed": 12, "better": True}}}},
}  # fmt: skip


def report(path: str, **more) -> dict:
    """Return the part of a data report that a card reads."""
    source = {"path": path, "format": "question_answer", "rows_read": 50, "rows_used": 48}
    clean = {"same_prompt": 0, "same_words": 0, "words": 13}
    return {
        "sources": [source],
        "examples": {"train": 40, "validation": 0, "test": 8},
        "tokens": {"train": {"total": 1000, "supervised": 300}},
        "cleaning": [{"step": "boilerplate", "changed": 3, "dropped": 2}],
        "contamination": {"test": clean, "validation": clean},
        "warnings": [],
        **more,
    }


@pytest.fixture
def session(here: Path, faq: str) -> Session:
    """A run on a file of its own that was tuned and measured, as its files tell it."""
    return told(here, f"dataset={here / faq}")


def told(here: Path, *words: str, **data) -> Session:
    made = plan.make(
        compose(["model=smollm2_135m", "hardware=cpu", "eval=[qa]",
                 "export=[adapter]", f"runs_dir={here / 'runs'}", *words])
    )  # fmt: skip
    rundir = launch.create(made)
    write_json(rundir.metrics, METRICS)
    write_json(rundir.base, {"path": made.run.model.path, "revision": None, "sha256": "0"})
    write_json(rundir.data_report, report(str(made.run.dataset.path), **data))
    return Session.open(rundir, Screen(None))


def card_of(session: Session, target: str = "adapter") -> str:
    folder = session.dir.path / "written"
    folder.mkdir(exist_ok=True)
    write_card(session, session.run.export[target], folder)
    return (folder / CARD).read_text("utf-8")


def test_the_hubs_own_reader_finds_what_and_how_good_it_is(session):
    card = HUB.ModelCard(card_of(session))
    data = card.data
    assert (data.base_model, data.license, data.library_name) == ([BASE], "apache-2.0", "peft")
    assert data.to_dict()["base_model_relation"] == "adapter"
    assert data.tags == ["ftrecipe", "sft", "lora"]
    assert data.pipeline_tag == "text-generation"
    assert data.datasets is None
    found = {one.metric_type: one.metric_value for one in data.eval_results}
    assert found == {"exact_match": 60.0, "f1": 70.0}
    one = data.eval_results[0]
    assert (one.dataset_name, one.dataset_type, one.dataset_split) == ("faq.csv", "faq", "test")
    assert one.metric_name == "Exact match (%)"


def test_the_text_has_the_verdict_the_interval_the_data_and_the_training(session):
    text = card_of(session)
    assert "| qa | Exact match | 10.0 % | 60.0 % | +50.0 points | +20.0 to +75.0 | better |" in text
    assert "48 of 50" in text
    assert "40 to train on, 8 to measure on" in text
    assert "cleaning `boilerplate`: changed 3, dropped 2" in text
    assert "2 × NVIDIA H100" in text
    assert "AutoPeftModelForCausalLM" in text


def test_limitations_are_those_that_the_run_knows(session):
    text = card_of(session)
    assert "tuned on 40 examples" in text
    assert "Nobody looked for personal data" in text
    assert "What it forgot of what its base knows was not measured" in text
    assert "The license of the training data is not known here: faq.csv" in text


def test_what_was_looked_for_is_not_said_to_be_unknown(here, faq):
    session = told(
        here, DATA, "cleaning=[language,personal_data]", "cleaning.language.keep=[en,de]"
    )
    text = card_of(session)
    assert HUB.ModelCard(text).data.language == ["en", "de"]
    assert "Nobody looked" not in text
    assert "was hidden before training (personal\\_data)" in text


def test_questions_that_were_trained_on_are_a_limitation(here, faq):
    leak = {"same_prompt": 3, "same_words": 0, "words": 13}
    text = card_of(told(here, DATA, contamination={"test": leak}))
    assert "3 questions of the test split can be seen in training too" in text


def test_no_secret_and_no_place_of_this_machine_is_on_it(session, here, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnopqrstuvwx")
    write_json(session.dir.data_report, report(
        str(here / "faq.csv"), warnings=[f"{here}/faq.csv: hf_abcdefghijklmnopqrstuvwx"]
    ))  # fmt: skip
    text = card_of(session)
    assert str(here) not in text
    assert "hf_abc" not in text
    assert "faq.csv" in text


def test_a_model_of_a_folder_has_no_id_on_the_hub(here, faq):
    folder = here / "my models" / "secret project"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: house\n---\n# It")
    session = told(here, DATA)
    write_json(session.dir.base, {"path": str(folder), "revision": None, "sha256": "0"})
    text = card_of(session)
    data = HUB.ModelCard(text).data
    assert (data.base_model, data.license, data.license_name) == (None, "other", "house")
    assert "`secret project`" in text
    assert "my models" not in text


def test_what_was_not_measured_is_not_claimed(session):
    write_json(session.dir.metrics, {"train": METRICS["train"]})
    text = card_of(session)
    assert HUB.ModelCard(text).data.eval_results is None
    assert "It was not measured." in text
    assert "## Results" not in text


def test_a_number_that_is_none_is_left_out_of_the_index(session):
    tuned = {"qa": {"exact_match": 1.0, "f1": float("inf")}}
    write_json(session.dir.metrics, {**METRICS, "tuned": tuned, "compare": {}})
    found = HUB.ModelCard(card_of(session)).data.eval_results
    assert [one.metric_type for one in found] == ["exact_match"]


def test_cards_are_renewed_where_something_was_exported(session):
    renew_cards(session)
    assert not session.dir.export.exists()
    folder = session.dir.export / "adapter"
    folder.mkdir(parents=True)
    (folder / CARD).write_text("# written by a library")
    renew_cards(session)
    assert HUB.ModelCard.load(folder / CARD).data.library_name == "peft"


def test_the_recipe_on_the_card_is_one_that_can_be_run(session):
    text = card_of(session)
    recipe = yaml.safe_load(text.partition("```yaml\n")[2].partition("\n```")[0])
    assert recipe["dataset"]["path"] == "faq.csv"


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("read /home/ada/data/faq.csv and", "read faq.csv and"),
        ("path: ~/data/faq.csv", "path: faq.csv"),
        ('"C:\\Users\\ada\\faq.csv"', '"faq.csv"'),
        ("file:///home/ada/faq.csv", "faq.csv"),
        ("https://huggingface.co/org/name/tree/main", "https://huggingface.co/org/name/tree/main"),
        ("org/name, 3 tokens/s, and/or", "org/name, 3 tokens/s, and/or"),
        ("runs/quickstart/1", "runs/quickstart/1"),
    ],
)
def test_places_are_told_by_their_names_alone(text, public):
    assert without_places(text) == public


def test_places_with_blanks_are_known_from_the_config():
    config = {"dataset": {"path": "/home/ada/my data/faq of us.csv"}}
    said = "learned of /home/ada/my data/faq of us.csv today"
    assert without_places(said, config) == "learned of faq of us.csv today"


def test_every_model_that_is_known_has_a_license():
    known = read_json(BUILTIN / "licenses.json")["models"]
    assert known.keys() == model_facts().keys()
    assert of_model(BASE, None) == {"license": "apache-2.0"}
    assert of_model("nobody/nothing", None) is None


def test_data_say_their_license_in_a_card_beside_them(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-4.0\npretty_name: x\n---\n")
    assert of_data(str(tmp_path), None) == {"license": "cc-by-4.0"}
    assert of_data("builtin:faq", None) == {"license": "apache-2.0"}
    assert of_data(str(tmp_path / "gone.csv"), None) is None


@pytest.mark.parametrize("text", ["", "# no front", "---\nlicense: [\n---\n", "---\n- a\n---\n"])
def test_a_card_without_front_matter_says_nothing(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    assert front_matter(tmp_path / "README.md") == {}


@pytest.mark.slow
def test_an_export_of_a_real_run_carries_its_card(here: Path):
    import importlib

    made = plan.make(
        compose(["recipe=quickstart", "trainer.max_steps=2", "eval=[qa]", "eval.qa.max_samples=4",
                 "eval.qa.max_new_tokens=4", "hardware=cpu", "export=[adapter,merged]",
                 f"runs_dir={here / 'runs'}"])
    )  # fmt: skip
    rundir: RunDir = launch.create(made)
    session = Session.open(rundir, Screen(None))
    for stage in ("prepare", "baseline", "train", "evaluate", "export"):
        getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
    adapter, merged = (HUB.ModelCard.load(rundir.export / name / CARD) for name in
                       ("adapter", "merged"))  # fmt: skip
    assert (adapter.data.library_name, merged.data.library_name) == ("peft", "transformers")
    assert {one.metric_type for one in adapter.data.eval_results} >= {"exact_match", "f1"}
    assert "AutoModelForCausalLM" in merged.text
    assert str(here) not in adapter.content


def test_a_model_that_failed_the_gate_of_its_run_says_so_before_all_else(session):
    missed = {"condition": "qa.f1 >= 80", "passed": False, "reason": "f1 is 70.0 %"}
    write_json(session.dir.metrics, METRICS | {"gate": {"passed": False, "conditions": [missed]}})
    _, _, text = card_of(session).partition("\n# ")
    assert "> **This model failed the gate of its run:** qa.f1 \\>= 80." in text.splitlines()[2]
