"""Several sources as one: typed, drawn by a rule, each with its own cleaning."""

import json
from collections import Counter

import pytest

import ftrecipe.config  # noqa: F401 - registers every format
from ftrecipe.components.dataset.mix import Mix, Sampling, Stopping
from ftrecipe.compose import compose
from ftrecipe.config import to_plain
from ftrecipe.data.corpus import gather


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = {"a": [{"instruction": f"a{n}", "output": "x"} for n in range(30)],
            "b": [{"prompt": f"b{n}", "completion": "y"} for n in range(10)]}  # fmt: skip
    for name, records in rows.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return {"a": {"format": "alpaca", "path": "a.jsonl", "weight": 3}, "b": {"path": "b.jsonl"}}


def order(mix, seed=1):
    mix.split.train, mix.split.validation, mix.split.test = 1, 0, 0
    return [(example.source, example.question) for _, example in gather(mix, [], seed).rows]


def test_sources_are_learned_one_after_the_other(files):
    del files["a"]["weight"]
    found = order(Mix(sources=files))
    assert [source for source, _ in found] == ["a"] * 30 + ["b"] * 10


def test_a_weight_is_drawn_by_unless_something_else_is_said(files):
    mix = Mix(sources=files)
    corpus = gather(mix, [], 1)
    assert Counter(e.source for split, e in corpus.rows if split == "train")["a"] > 30
    assert "dataset.sampling is weighted, as a source has a weight" in corpus.readings[0].notes
    [fault] = Mix(sources=files, sampling=Sampling.concatenate).faults()
    assert "dataset.sources.a.weight has no meaning with dataset.sampling=concatenate" in fault


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("stopping", list(Stopping))
def test_held_out_splits_hold_each_example_once_and_training_none_of_them(
    files, streaming, stopping
):
    files["a"]["weight"] = 0.1
    mix = Mix(sources=files, streaming=streaming, stopping=stopping)
    mix.split.train, mix.split.validation, mix.split.test = 0.6, 0.2, 0.2
    corpus = gather(mix, [], 3)
    rows = [(split, example.question) for split, example in corpus.rows]
    held = [text for split, text in rows if split != "train"]
    train = {text for split, text in rows if split == "train"}
    everything = {f"a{n}" for n in range(30)} | {f"b{n}" for n in range(10)}
    assert len(held) == len(set(held))
    assert not train & set(held)
    if stopping is Stopping.all_exhausted:
        assert train | set(held) == everything
        assert any("drawn by weight" in note for note in corpus.readings[1].notes)
    else:
        assert len(rows) == len(set(rows))


def test_proportional_sampling_mixes_every_example_once(files):
    found = order(Mix(sources=files, sampling=Sampling.proportional))
    assert Counter(source for source, _ in found) == {"a": 30, "b": 10}
    assert len(set(found)) == 40
    assert {source for source, _ in found[:20]} == {"a", "b"}
    assert [text for source, text in found if source == "b"] == [f"b{n}" for n in range(10)]


def test_weighted_sampling_ends_with_the_first_source_and_repeats_nothing(files):
    found = order(Mix(sources=files, stopping=Stopping.first_exhausted))
    counts = Counter(source for source, _ in found)
    assert counts["a"] == 30 or counts["b"] == 10
    assert len(set(found)) == len(found)


def test_weighted_sampling_can_end_with_the_last_source(files):
    files["b"]["weight"] = 9
    stopping = Stopping.all_exhausted
    found = order(Mix(sources=files, sampling=Sampling.weighted, stopping=stopping))
    assert len(set(found)) == 40
    assert Counter(source for source, _ in found)["b"] > 30


def test_the_order_follows_the_seed(files):
    def once(seed):
        return order(Mix(sources=files, sampling=Sampling.weighted), seed)

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_a_source_that_is_not_drawn_to_its_end_is_read_to_its_end(files):
    mix = Mix(sources=files, sampling=Sampling.weighted)
    corpus = gather(mix, [], 1)
    assert [reading.rows for reading in corpus.readings] == [30, 10]


def test_each_source_keeps_its_own_cleaning(files):
    files["a"]["cleaning"] = ["boilerplate"]
    files["b"]["cleaning"] = []
    run_steps = ["the run's"]
    parts = Mix(sources=files).parts(run_steps)
    assert [[step.name() for step in steps] for _, steps in parts] == [["boilerplate"], []]
    del files["b"]["cleaning"]
    assert Mix(sources=files).parts(run_steps)[1][1] is run_steps


def test_the_held_out_file_of_a_mix_is_read_as_what_it_is(files):
    mix = Mix(sources={"a": files["a"]}, test_path="b.jsonl")
    corpus = gather(mix, [], 1)
    assert sum(split == "test" for split, _ in corpus.rows) == 10


def test_all_faults_of_all_sources_are_told_at_once(files):
    files["a"] |= {"format": "alpacca", "weight": -1, "cleaning": ["boilerplat"]}
    files["b"] |= {"max_sampls": 3, "split": 1}
    files["c"] = {"format": "text", "path": "b.jsonl", "max_samples": "few", "document": "x"}
    files["d"] = {"path": "c.jsonl"}
    files["e"] = "x.json"
    faults = "\n".join(Mix(sources=files).faults())
    for said in (
        "dataset.sources.a: alpacca is no dataset; did you mean alpaca?",
        "dataset.sources.a.weight=-1: must be a number greater than 0",
        "dataset.sources.a.cleaning.boilerplat: boilerplat is no cleaning; did you mean boilerpl",
        "dataset.sources.b.max_sampls: there is no such key; did you mean "
        "dataset.sources.b.max_samples?",
        "dataset.sources.b.split: belongs to the whole mix; set dataset.split",
        "dataset.sources.c.max_samples=few: must be a whole number or null",
        "dataset.sources.c.document=x: must be one of auto, file, block, line",
        "dataset.sources.d: c.jsonl does not exist",
        "dataset.sources.e=x.json: a source is written {format: alpaca, path: FILE}",
    ):
        assert said in faults


def test_what_belongs_to_a_source_is_refused_for_the_whole():
    faults = Mix(path="x", template="{x}").faults()
    assert faults[0].startswith("dataset.sources is empty; add dataset.sources.<name>=")
    assert "dataset.path: a mix has none of its own" in faults[1]
    assert "dataset.template: belongs to a source" in faults[2]


def test_a_mix_is_written_on_the_command_line(files):
    words = [
        "dataset=mix",
        "dataset.sources.a.path=a.jsonl",
        "dataset.sources.a.weight=2",
        "dataset.sources.b={format: prompt_completion, path: b.jsonl, chat: false}",
    ]
    run = compose(words, audit_only=True).run
    assert [part.name() for part, _ in run.dataset.parts([])] == ["alpaca", "prompt_completion"]
    assert to_plain(run)["dataset"]["sources"]["a"] == {"path": "a.jsonl", "weight": 2}
    assert [part.produces() for part, _ in run.dataset.parts([])] == ["chat", "completion"]


def test_a_mix_is_written_in_a_recipe(files, tmp_path):
    (tmp_path / "mixed.yaml").write_text(
        "defaults:\n  - override /dataset: mix\n"
        "dataset:\n  sampling: weighted\n  sources:\n"
        "    a: {format: alpaca, path: 'recipe:a.jsonl', cleaning: [boilerplate]}\n"
        "    b: {path: b.jsonl, weight: 2}\n"
    )
    run = compose(["+recipe=./mixed.yaml"]).run
    parts = run.dataset.parts([])
    assert [part.path for part, _ in parts] == [str(tmp_path / "a.jsonl"), "b.jsonl"]
