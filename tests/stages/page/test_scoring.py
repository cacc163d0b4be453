"""Tables beside the one of metrics: confused labels, answers of the wrong form, speed."""

from stories import story, suite

from ftrecipe.components.eval.classification import Classification
from ftrecipe.components.eval.format import Format
from ftrecipe.components.eval.latency import Latency
from ftrecipe.stages.page.comparison import comparison
from ftrecipe.stages.page.scoring import confusions, failures, faults, matrix, speed
from ftrecipe.stages.page.suite import Change, Suite
from ftrecipe.stages.page.verdict import findings, verdict


def labeled(*pairs: tuple[str, str]) -> list[dict]:
    return [
        {"where": f"row {at}", "question": f"q{at}", "expected": [gold], "gold": gold,
         "predicted": said, "answer": said}
        for at, (gold, said) in enumerate(pairs)
    ]  # fmt: skip


def test_the_matrix_counts_every_pair_the_most_frequent_label_first() -> None:
    labels, pairs = matrix(labeled(("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")))
    assert labels == ["b", "a"]
    assert pairs == {("a", "a"): 1, ("a", "b"): 1, ("b", "b"): 2}


def test_very_many_labels_are_lumped_together() -> None:
    rows = labeled(*[(f"label {at}", f"label {at}") for at in range(50)])
    labels, pairs = matrix(rows)
    assert len(labels) == 16
    assert pairs["(others)", "(others)"] == 35
    assert sum(pairs.values()) == 50


def test_confusions_are_a_table_with_escaped_labels() -> None:
    rows = labeled(*[("<b>", "x"), ("x", "x")] * 10)
    text = confusions(story(suite(Classification(), {"base": rows, "tuned": rows}, "labels")))
    assert text.count('<table class="confusion">') == 2
    assert "<bdi>&lt;b&gt;</bdi>" in text
    assert "f1.x" not in comparison(story(suite(Classification(), {"tuned": rows}, "labels")))


def formed(valid: bool) -> dict:
    row = {"where": "r", "question": "q", "expected": ["{}"], "answer": "{", "ended": True}
    return row | {"valid_json": valid, "matches_schema": valid, "schema_fault": "no JSON"}


def test_answers_of_the_wrong_form_are_shown_with_what_is_wrong() -> None:
    told = suite(Format(), {"tuned": [formed(True), formed(False), formed(False)]}, "format")
    assert faults(told, formed(False)) == ["Valid JSON: no", "Matches schema: no"]
    text = failures(story(told))
    assert "2 of 3" in text
    assert "<td>Valid JSON: no</td><td>2</td>" in text
    assert failures(story(suite(Format(), {"tuned": [formed(True)]}, "format"))) == ""


def timed() -> Suite:
    values = {
        "base": {"tokens_per_second": 100.0, "load_seconds": 0.25, "size_bytes": 2048.0},
        "tuned": {"tokens_per_second": 250.0, "load_seconds": 2.0, "size_bytes": 4096.0},
    }
    faster = Change(150.0, 140.0, 160.0, True, True)
    changes = {"base": {"tokens_per_second": faster}}
    return Suite("latency", Latency(), "prompts", values, changes)


def test_speed_and_size_have_units_and_a_table_of_their_own() -> None:
    text = speed(story(timed()))
    assert "<td>Tokens per second</td><td>100 tokens/s</td><td>250 tokens/s</td>" in text
    assert "<td>Load</td><td>250 ms</td><td>2.0 s</td>" in text
    assert "<td>Size</td><td>2 KiB</td><td>4 KiB</td>" in text


def test_a_faster_model_is_not_called_better() -> None:
    told = story(timed())
    assert "better" not in verdict(told).text
    assert findings(told) == []
    assert comparison(told) == ""
