from dataclasses import dataclass, field

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model
from random_llama import random_llama, random_prompts, random_tokenizer
from test_generation import VIRTUAL, virtual_model

from ftrecipe.components.eval import Decoding, Split, SuiteResult
from ftrecipe.components.eval.forgetting import Forgetting
from ftrecipe.components.eval.generation import Generation
from ftrecipe.components.eval.perplexity import Perplexity
from ftrecipe.components.eval.qa import Qa
from ftrecipe.data.prepared import EvalExample
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.stages.measuring import measure
from ftrecipe.stages.measuring.losses import losses
from ftrecipe.stages.measuring.measure import (
    Subject,
    baseline_key,
    measure_all,
    read_baseline,
    write_baseline,
)


@dataclass
class Data:
    """Prepared data in memory."""

    rows: dict[str, list[dict]] = field(default_factory=dict)
    asked: dict[str, list[EvalExample]] = field(default_factory=dict)

    def train(self):
        return self._rows("train")

    def validation(self):
        return self._rows("validation")

    def test(self):
        return self._rows("test")

    def examples(self, split):
        return self.asked.get(split, [])

    def places(self, split, limit=None):
        return [(f"row {at}", "") for at in range(len(self.rows[split]))][:limit]

    def _rows(self, split):
        return Dataset.from_list(self.rows[split]) if split in self.rows else None


def labeled(count: int = 12) -> list[tuple[list[int], list[int]]]:
    rows = random_prompts(count, shortest=4, longest=20)
    return [(ids, [-100] * (len(ids) // 2) + ids[len(ids) // 2 :]) for ids in rows]


@pytest.fixture(scope="module")
def model():
    return random_llama()


@pytest.fixture(scope="module")
def data():
    rows = [{"input_ids": ids, "labels": labels} for ids, labels in labeled()]
    asked = [
        EvalExample(ids, f"question {at}", "", ["w1", "w2 w3"], f"row {at}")
        for at, ids in enumerate(random_prompts(6))
    ]
    return Data({"train": rows, "test": rows}, {"test": asked})


@pytest.fixture
def subject(model, data):
    return Subject(model, random_tokenizer(), data)


def by_hand(model, ids: list[int], labels: list[int]) -> float:
    """Sum the loss of one sequence from all its logits."""
    model.eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -len(ids) :].log_softmax(-1)
    return -sum(
        float(logits[at - 1, label]) for at, label in enumerate(labels) if at and label != -100
    )


def test_losses_are_those_computed_by_hand(model):
    rows = labeled()
    found = losses(model, rows)
    assert [loss.nll for loss in found] == pytest.approx(
        [by_hand(model, *row) for row in rows], rel=1e-4
    )
    assert [loss.tokens for loss in found] == [sum(x != -100 for x in row[1]) for row in rows]


def test_losses_do_not_depend_on_the_batch_size(model):
    rows = labeled(20)
    one, many = losses(model, rows, batch_size=1), losses(model, rows, batch_size=8)
    assert [x.nll for x in one] == pytest.approx([x.nll for x in many], rel=1e-5)


def test_losses_repeat_to_the_last_bit(model):
    assert losses(model, labeled()) == losses(model, labeled())


def test_the_first_token_is_never_counted(model):
    assert losses(model, [([7, 8, 9], [7, 8, 9])])[0].tokens == 2


@pytest.mark.parametrize("method", VIRTUAL)
def test_virtual_tokens_do_not_shift_the_losses(method):
    model, rows = virtual_model(method), labeled(6)
    assert [loss.nll for loss in losses(model, rows)] == pytest.approx(
        [by_hand(model, *row) for row in rows], rel=1e-4
    )


def test_measuring_a_4_bit_model_leaves_it_trainable():
    bitsandbytes = pytest.importorskip("bitsandbytes")
    base = random_llama()
    layer = base.model.layers[0].mlp.down_proj
    small = bitsandbytes.nn.Linear4bit(64, 32, bias=False, compute_dtype=torch.float32)
    small.weight = bitsandbytes.nn.Params4bit(layer.weight.data, requires_grad=False)
    base.model.layers[0].mlp.down_proj = small.to("cpu")
    losses(base, labeled(2))
    tuned = get_peft_model(
        base, LoraConfig(task_type=TaskType.CAUSAL_LM, target_modules=["up_proj"])
    )
    tuned.train()(
        input_ids=torch.tensor([[7, 8, 9]]), labels=torch.tensor([[7, 8, 9]])
    ).loss.backward()
    gradients = [
        p.grad.abs().sum()
        for name, p in tuned.named_parameters()
        if "layers.0" in name and "lora_B" in name
    ]
    assert gradients
    assert all(gradient > 0 for gradient in gradients)


def test_two_suites_with_the_same_decoding_generate_once(subject, monkeypatch):
    asked = []

    def counting(model, tokenizer, prompts, *rest):
        asked.extend(prompts)
        return original(model, tokenizer, prompts, *rest)

    original = measure.generate
    monkeypatch.setattr(measure, "generate", counting)
    results = measure_all({"qa": Qa(max_new_tokens=4), "g": Generation(max_new_tokens=4)}, subject)
    assert len(asked) == 6
    assert [r["answer"] for r in results["qa"].rows] == [r["answer"] for r in results["g"].rows]


def test_a_repeated_prompt_is_asked_once(subject):
    prompt = random_prompts(1)[0]
    first, second = subject.generate([prompt, prompt], Decoding(max_new_tokens=3))
    assert first is second


def test_perplexity_is_the_token_weighted_mean_over_the_split(model, subject):
    rows = labeled()
    found = Perplexity(everything=True).measure(subject).metrics
    nll = sum(by_hand(model, *row) for row in rows)
    tokens = sum(label != -100 for row in rows for label in row[1])
    assert found["loss"] == pytest.approx(nll / tokens, rel=1e-4)
    assert found["tokens"] == tokens
    everything = sum(by_hand(model, ids, ids) for ids, _ in rows)
    count = sum(len(ids) - 1 for ids, _ in rows)
    assert found["loss_everything"] == pytest.approx(everything / count, rel=1e-4)


def test_max_samples_takes_the_first_rows(subject):
    assert len(Perplexity(max_samples=3).measure(subject).rows) == 3
    assert len(Qa(max_samples=2, max_new_tokens=2).measure(subject).rows) == 2


def test_forgetting_reads_the_shipped_text(subject):
    result = Forgetting(max_samples=4, questions=None).measure(subject)
    assert len(result.rows) == 4
    assert result.metrics["perplexity"] > 1


def test_a_suite_with_data_of_its_own_is_asked_about_that(model, data):
    own = Data({}, {"test": [EvalExample([7, 8], "own", "", ["w1"], "row 1")]})
    suites = {"own": Qa(path="own.jsonl", max_new_tokens=2), "qa": Qa(max_new_tokens=2)}
    found = measure_all(suites, Subject(model, random_tokenizer(), data), {"own": own})
    assert [row["question"] for row in found["own"].rows] == ["own"]
    assert len(found["qa"].rows) == 6


def test_what_was_said_about_other_data_is_remembered(subject, data):
    prompt = random_prompts(1)[0]
    decoding = Decoding(max_new_tokens=3)
    assert subject.generate([prompt], decoding) == subject.on(data).generate([prompt], decoding)
    assert (
        subject.on(data).generate([prompt], decoding)[0] is subject.generate([prompt], decoding)[0]
    )


def test_questions_that_are_only_asked_need_no_answer(model):
    asked = [EvalExample([7], "hello", "", [], "row 1", open=True)]
    subject = Subject(model, random_tokenizer(), Data({}, {"test": asked}))
    assert subject.examples(Split.test) == asked


def test_a_loss_says_which_row_it_is_of(subject):
    assert [loss.where for loss in subject.split_losses(Split.test, 2)] == ["row 0", "row 1"]


def test_all_suites_without_data_are_named_together(model):
    suites = {"qa": Qa(), "perplexity": Perplexity(split=Split.validation)}
    with pytest.raises(ConfigError) as caught:
        measure_all(suites, Subject(model, random_tokenizer(), Data()))
    assert len(caught.value.faults) == 2
    assert caught.value.faults[0].startswith("eval=[qa] needs a test split")


def test_a_suite_that_could_read_another_split_is_told_so(data):
    (fault,) = measure.faults({"qa": Qa(split=Split.validation)}, data)
    assert "set eval.qa.split=test" in fault


def test_questions_without_answers_are_not_asked(model, data):
    silent = Data(data.rows, {"test": [EvalExample([7], "", "", [], "row 1")]})
    (fault,) = measure.faults({"qa": Qa()}, silent)
    assert "questions with answers" in fault


def test_labels_that_are_all_masked_are_refused(model):
    rows = [{"input_ids": [7, 8], "labels": [-100, -100]}]
    subject = Subject(model, random_tokenizer(), Data({"test": rows}))
    with pytest.raises(StageError, match="no token that counts"):
        Perplexity().measure(subject)


def test_a_baseline_is_found_again_under_its_key_only(tmp_path):
    key = baseline_key("model", "data", Qa())
    result = SuiteResult({"exact_match": 50.0}, [{"answer": "größer"}])
    write_baseline(tmp_path, key, result)
    assert read_baseline(tmp_path, key) == result
    assert read_baseline(tmp_path, baseline_key("model", "data", Qa(max_new_tokens=65))) is None


def test_a_baseline_key_changes_with_model_data_settings_and_files(tmp_path):
    text = tmp_path / "text.jsonl"
    keys = {baseline_key(m, d, Qa()) for m in "ab" for d in "cd"}
    keys.add(baseline_key("a", "c", Generation()))
    for line in ('{"text": "one"}', '{"text": "two"}'):
        text.write_text(line)
        keys.add(baseline_key("a", "c", Forgetting(path=str(text))))
    assert len(keys) == 7
