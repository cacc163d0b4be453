import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from random_llama import random_llama, random_prompts, random_tokenizer

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.components.eval import Split, Timing
from ftrecipe.components.eval.latency import Latency
from ftrecipe.data.prepared import EvalExample
from ftrecipe.stages.measuring import timing
from ftrecipe.stages.measuring.first_batch import FirstBatch, try_first_batch
from ftrecipe.stages.measuring.measure import Subject
from ftrecipe.stages.measuring.timing import free_memory, loading, peak_memory, timed
from ftrecipe.stages.stored import Stored

CPU = torch.device("cpu")
QUICK = {"max_new_tokens": 4, "repeats": 2, "loads": 2, "batch_size": 3}


@dataclass
class Data:
    """Questions in memory."""

    asked: list[EvalExample] = field(default_factory=list)

    def examples(self, split):
        return self.asked

    def train(self):
        return None

    validation = test = train

    def places(self, split, limit=None):
        return []


@pytest.fixture(scope="module")
def model():
    return random_llama()


@pytest.fixture(scope="module")
def data():
    return Data([
        EvalExample(ids, f"question {at}", "", ["w1"], f"row {at}")
        for at, ids in enumerate(random_prompts(7))
    ])  # fmt: skip


@pytest.fixture
def stored(tmp_path, model):
    model.save_pretrained(tmp_path)
    return Stored((tmp_path,), lambda: type(model).from_pretrained(tmp_path))


def test_every_metric_is_measured(model, data, stored):
    found = Latency(**QUICK).measure(Subject(model, random_tokenizer(), data, None, stored))
    assert set(found.metrics) == set(Latency.directions)
    assert all(value > 0 for value in found.metrics.values())
    assert set(found.metrics) == set(Latency.units)


def test_a_row_tells_what_one_prompt_took(model, data):
    found = Latency(**QUICK).measure(Subject(model, random_tokenizer(), data))
    assert [row["where"] for row in found.rows] == [f"row {at}" for at in range(7)]
    assert {row["tokens"] for row in found.rows} == {3}
    again = Latency(**QUICK).result(found.rows).metrics
    assert again["tokens_per_second"] == pytest.approx(
        21 / sum(row["seconds"] for row in found.rows)
    )


def test_what_is_not_known_is_left_out(model, data, monkeypatch):
    monkeypatch.setattr(timing, "SELF", Path("/nowhere"))
    found = Latency(**QUICK).measure(Subject(model, random_tokenizer(), data))
    assert not {"load_seconds", "size_bytes", "peak_memory_bytes"} & found.metrics.keys()


def test_every_answer_is_as_long_as_was_asked_for(model):
    model.generation_config.eos_token_id = list(range(300))
    try:
        found = timed(model, random_prompts(4), 6, 4)
    finally:
        model.generation_config.eos_token_id = 2
    assert {one.tokens for one in found} == {5}


def test_a_batch_divides_its_time_among_its_rows(model):
    prompts = random_prompts(6, shortest=5, longest=5)
    found = timed(model, prompts, 4, 6)
    assert len({(one.first_token, one.rest) for one in found}) == 1
    assert len({one.first_token for one in timed(model, prompts, 4, 1)}) == 6


class Slow:
    """A model whose clock is set by hand."""

    def __init__(self, data: Data, factor: float) -> None:
        self.data, self.factor, self.calls = data, factor, []

    def examples(self, split: Split, limit: int | None = None):
        return self.data.examples(split)[:limit]

    def timed(self, prompts, new_tokens, batch_size):
        self.calls.append((len(prompts), batch_size))
        took = self.factor * (len(self.calls) % 3 + 1)
        return [Timing(0.01 * took, 0.1 * took, new_tokens - 1) for _ in prompts]

    def peak_memory(self, work):
        return work(), 5

    def load_seconds(self, times):
        return [3.0, 1.0, 2.0][:times]

    def stored_bytes(self):
        return 7


def test_the_first_time_is_not_counted_and_batches_come_first(data):
    model = Slow(data, 1.0)
    found = Latency(repeats=2, loads=3, batch_size=4).measure(model)  # type: ignore[arg-type]
    assert model.calls == [(7, 4)] * 3 + [(7, 1)] * 3
    assert found.metrics["load_seconds"] == 2.0
    assert (found.metrics["peak_memory_bytes"], found.metrics["size_bytes"]) == (5, 7)


def test_a_slower_model_is_found_with_an_interval(data):
    suite = Latency(batch_size=2)
    before = suite.measure(Slow(data, 1.0)).rows  # type: ignore[arg-type]
    after = suite.measure(Slow(data, 3.0)).rows  # type: ignore[arg-type]
    told = changes(suite, after, before, Settings())
    assert told["first_token_seconds"].real
    assert told["tokens_per_second"].change < 0


def test_a_clock_holds_for_no_other_run():
    assert not Latency.caches


def test_the_most_memory_is_that_of_the_weights_and_the_work(model):
    weights = sum(weight.nbytes for weight in model.parameters())
    size = 64 * 2**20
    done, small = peak_memory(model, lambda: "done")
    _, large = peak_memory(model, lambda: torch.ones(size // 4).sum())
    assert done == "done"
    assert small is not None
    assert large is not None
    assert small >= weights
    assert large - small == pytest.approx(size, rel=0.3)


def test_loading_is_timed_as_often_as_there_is_room(model, tmp_path, monkeypatch):
    slow = Stored((tmp_path,), lambda: time.sleep(0.02))
    assert min(loading(slow, CPU, 2)) >= 0.02
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    monkeypatch.setattr(timing, "free_memory", lambda device: 2999)
    assert loading(slow, CPU, 2) == []


def test_free_memory_is_told():
    assert (free_memory(CPU) or 0) > 2**20


def test_the_size_on_disk_is_what_loading_reads(stored, tmp_path):
    (tmp_path / "README.md").write_text("not read", "utf-8")
    read = [file for file in tmp_path.iterdir() if file.suffix in (".safetensors", ".json")]
    assert stored.bytes == sum(file.stat().st_size for file in read)
    assert stored.bytes > 1000


def test_a_rehearsal_reads_the_longest_prompts_once(model, data, monkeypatch):
    asked: list[int] = []
    whole = timing.timed
    monkeypatch.setattr(timing, "timed", lambda *args: asked.append(1) or whole(*args))
    subject = FirstBatch(model, random_tokenizer(), data)
    try_first_batch(Latency(**QUICK), subject)
    assert asked == []
