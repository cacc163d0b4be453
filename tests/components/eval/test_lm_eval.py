from pathlib import Path

import pytest
from harness_tasks import TASKS, write_tasks

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.components.eval import SuiteResult
from ftrecipe.components.eval.lm_eval import HIGHER, LOWER, LmEval
from ftrecipe.components.eval.task_files import METRICS, code_in
from ftrecipe.errors import ConfigError

pytest.importorskip("lm_eval")


@pytest.fixture
def folder(tmp_path):
    return write_tasks(tmp_path / "tasks")


def suite(folder: Path, *tasks: str) -> LmEval:
    return LmEval(tasks=list(tasks), include_path=str(folder))


def row(task: str, main: str | None, **metrics: float) -> dict:
    named = {f"{name}.{task}": value for name, value in metrics.items()}
    return {"task": task, "main": main, "metrics": named}


def test_a_suite_without_tasks_is_told():
    assert LmEval().faults() == [
        "tasks: is empty; name tasks of the harness, eval.lm_eval.tasks=[arc_easy]"
    ]


def test_a_folder_that_is_not_there_or_has_no_tasks_is_told(tmp_path):
    assert "there is no such folder" in suite(tmp_path / "x", "a").faults()[0]
    assert "has no task files" in suite(tmp_path, "a").faults()[0]


def test_an_unknown_task_is_told_with_the_one_meant(folder):
    from ftrecipe.components.eval.tasks import _manager, load

    known = _manager(folder, own=False)
    assert set(TASKS) <= set(known.all_tasks)
    with pytest.raises(ConfigError, match=r"no task next_numbr; did you mean next_number"):
        _only(load, folder, ["next_numbr"], known)


def _only(load, folder, names, manager):
    """Load without the index of the harness's own tasks, which takes seconds to make."""
    from ftrecipe.components.eval import tasks

    whole, tasks._manager = tasks._manager, lambda folder, own: manager
    try:
        load(names, folder, "eval.lm_eval.tasks")
    finally:
        tasks._manager = whole


def test_a_data_set_that_cannot_be_had_is_told(folder, monkeypatch):
    (folder / "numbers.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"eval.lm_eval.tasks: next_number cannot be loaded"):
        suite(folder, "next_number").look()


def test_plain_task_files_have_no_code(folder):
    assert suite(folder, *TASKS).foreign() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("doc_to_text: !function utils.text", "!function utils.text"),
        ("class: !function task.Mine", "class: task.Mine"),
        ("class: task.Mine", "class: task.Mine"),
        ("metric_list: [{metric: mine}]", "metric: mine"),
        ("metric_list: [{metric: acc, hf_evaluate: true}]", "hf_evaluate: true"),
        ("x: !!python/object/apply:os.system [ls]", "python/object/apply"),
    ],
)
def test_task_files_that_run_code_are_found_with_their_line(folder, line, told):
    (folder / "bad.yaml").write_text(f"task: bad\n{line}\n", "utf-8")
    (fault,) = suite(folder, *TASKS).foreign()
    assert fault.startswith(f"include_path={folder}: bad.yaml, line 2: ")
    assert told in fault


def test_code_in_an_included_file_is_found(folder, tmp_path):
    (tmp_path / "outside.txt").write_text("doc_to_text: !function os.system\n", "utf-8")
    (folder / "bad.yaml").write_text("include: ../outside.txt\ntask: bad\n", "utf-8")
    assert [fault.split(",")[0] for fault in code_in(folder)] == ["outside.txt"]


def test_a_file_that_is_no_yaml_is_told(folder):
    (folder / "bad.yaml").write_text("a: [b\n", "utf-8")
    assert "bad.yaml cannot be read" in suite(folder, "x").foreign()[0]


def test_templates_cannot_reach_into_python(folder):
    evil = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    text = (folder / "next_number.yaml").read_text("utf-8")
    changed = text.replace("After {{number}} comes", evil)
    assert changed != text
    (folder / "next_number.yaml").write_text(changed, "utf-8")
    with pytest.raises(ConfigError, match="unsafe"):
        suite(folder, "next_number").look()


def test_the_known_metrics_are_those_of_the_harness():
    import lm_eval.api.metrics
    from lm_eval.api.registry import HIGHER_IS_BETTER_REGISTRY, METRIC_REGISTRY

    assert lm_eval.api.metrics
    assert set(METRIC_REGISTRY) == set(METRICS)
    real = METRICS - {"bypass"}  # which computes nothing
    assert {name for name in real if HIGHER_IS_BETTER_REGISTRY[name]} <= set(HIGHER)
    assert {name for name in real if not HIGHER_IS_BETTER_REGISTRY[name]} <= set(LOWER)


def test_metrics_are_the_means_over_the_examples_of_each_task():
    rows = [
        row("a", "acc.a", acc=1.0),
        row("a", "acc.a", acc=0.0),
        row("b", None, likelihood=3.0),
        row("c", "exact_match.c", exact_match=1.0, f1=0.5),
    ]
    found = LmEval(tasks=["a", "b", "c"]).result(rows)
    assert found.metrics == {
        "score": 0.75, "acc.a": 0.5, "likelihood.b": 3.0, "exact_match.c": 1.0, "f1.c": 0.5,
    }  # fmt: skip


def test_what_the_harness_says_stands_above_what_rows_say():
    found = LmEval(tasks=["a"]).result([row("a", "acc.a", acc=1.0)], {"acc.a": 0.25, "f1.a": 2.0})
    assert found.metrics == {"score": 1.0, "acc.a": 0.25, "f1.a": 2.0}


def test_a_change_of_a_task_is_paired_by_example():
    measured = LmEval(tasks=["a"])
    before = [row("a", "acc.a", acc=0.0) for _ in range(20)]
    after = [row("a", "acc.a", acc=float(at < 15)) for at in range(20)]
    told = changes(measured, after, before, Settings())
    assert told["acc.a"].change == pytest.approx(0.75)
    assert told["acc.a"].real
    assert told["score"] == told["acc.a"]


def test_a_baseline_depends_on_the_task_files_and_their_data(folder):
    names = {Path(name).name for name in suite(folder, *TASKS).files()}
    assert {"METADATA", "next_number.yaml", "numbers.jsonl"} <= names


def test_the_front_learns_of_tasks_without_importing_the_harness(process, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    code = (
        "import sys; from ftrecipe.components.eval.lm_eval import LmEval; "
        f"one = LmEval(tasks=['a'], include_path={str(folder)!r}); one.faults(); one.foreign(); "
        "print([name for name in ('torch', 'lm_eval', 'numpy') if name in sys.modules])"
    )
    assert process("-c", code).stdout.strip() == "[]"


class Asked:
    """Answers as a model would, with what it was asked at hand."""

    def harness(self, asked, batch_size) -> SuiteResult:
        self.asked, self.batch_size = asked, batch_size
        return SuiteResult({"acc.a": 1.0}, [row("a", "acc.a", acc=1.0)])


def test_a_suite_asks_as_it_was_told(folder):
    measured = suite(folder, "next_number")
    measured.num_fewshot, measured.max_samples, measured.apply_chat_template = 3, 4, True
    model = Asked()
    measured.measure(model)
    assert (model.asked.num_fewshot, model.asked.limit) == (3, 4)
    assert (model.asked.apply_chat_template, model.batch_size) == (True, 8)
    assert list(model.asked.tasks) == ["next_number"]
