"""From figures to verdicts: what an artefact may differ by, and what is said of the rest."""

from typing import Any

import pytest

from ftrecipe.components.export import Closeness
from ftrecipe.stages.exporting.fidelity.told import lines
from ftrecipe.stages.exporting.fidelity.verdict import Verdict, judged, worst


def figures(**parts: Any) -> dict[str, Any]:
    """Return the figures of an artefact that is as the trained model, but for `parts`."""
    greedy = {"same": 32, "of": 32, "margins": [], "first": None}
    whole: dict[str, Any] = {
        "compute": "float32",
        "greedy": greedy | {"ended": {"same": 30, "of": 30, "ran_on": 0}},
        "logprobs": {"finite": True, "max": 1e-6, "mean": 1e-7, "max_all": 1e-6, "positions": 64},
        "kl": {"to_trained": 1e-9, "to_base": 2.0, "base": 2.0},
        "tokenization": {"same": 200, "of": 200, "first": None},
        "template": {"same": 37, "of": 37, "first": None},
        "streamed": None,
        "ends": {"declared": [3], "trained": [3], "lost": [], "cutting": []},
        "settings": {"of": 20, "same": 20, "differing": {}},
        "far": {
            "tokens": 1023,
            "positions": 8,
            "max": 1e-6,
            "mean": 1e-7,
            "max_all": 1e-6,
            "kl": 1e-9,
        },
        "loss": {"trained": 1.2, "artefact": 1.2, "max": 0.0, "answers": 20, "tokens": 200},
        "suites": suite(85.0, 85.0),
    }
    return {key: (value | parts[key]) if key in parts and isinstance(value, dict) else
            parts.get(key, value) for key, value in whole.items()}  # fmt: skip


def of(closeness: str, rounds: bool = False, **parts: Any) -> Verdict:
    return judged(figures(**parts), Closeness(closeness), points=2.0, rounds=rounds)


def suite(tuned: float, artefact: float) -> dict[str, Any]:
    value = {"tuned": tuned, "artefact": artefact, "worse_by": tuned - artefact, "counts": True}
    return {"qa": {"examples": 40, "same": 39, "metrics": {"exact_match": value}}}


@pytest.mark.parametrize("closeness", ["exact", "rounded", "quantized"])
def test_what_is_the_same_is_the_same(closeness: str) -> None:
    assert of(closeness).word == "same"
    assert of(closeness).reasons == []


def test_limit_of_log_probabilities_follows_from_how_numbers_are_kept() -> None:
    assert of("exact", logprobs={"max": 2e-4}).word == "degraded"
    assert of("rounded", logprobs={"max": 2e-4}).word == "same"
    assert of("rounded", logprobs={"max": 0.06}).word == "degraded"
    assert of("quantized", logprobs={"max": 2.0}).word == "same"


def test_seldom_tokens_may_be_further_apart_and_not_any_far() -> None:
    assert of("rounded", logprobs={"max_all": 0.9}).word == "same"
    assert of("rounded", logprobs={"max_all": 4.0}).word == "degraded"
    assert of("quantized", logprobs={"max_all": 4.0}).word == "same"


def test_limit_is_wider_where_float32_has_no_room() -> None:
    assert of("rounded", logprobs={"max": 0.2}, compute="bfloat16").word == "same"
    assert of("rounded", logprobs={"max": 0.6}, compute="bfloat16").word == "degraded"


def test_long_text_is_held_to_the_same_limits() -> None:
    assert of("rounded", far={"max": 0.04}).word == "same"
    assert of("rounded", far={"max": 0.06}).reasons[0].startswith("positions: in a text of 1023")
    assert of("rounded", far={"max": 1.0, "kl": 0.1}).word == "failed"


def test_quantized_numbers_may_not_be_much_further_off_in_a_long_text() -> None:
    short = {"to_trained": 0.04}
    assert of("quantized", kl=short, far={"kl": 0.4}).word == "same"
    assert of("quantized", kl=short, far={"kl": 2.0}).word == "degraded"


@pytest.mark.parametrize("name", ["logprobs", "far", "loss"])
def test_what_is_no_number_fails_in_every_format(name: str) -> None:
    found = of("quantized", **{name: {"finite": False}})
    assert (found.word, found.failed[0].partition(":")[0]) == ("failed", name)


def test_loss_of_one_answer_that_is_off_degrades() -> None:
    found = of("rounded", loss={"artefact": 1.21, "max": 0.2})
    assert (found.word, found.reasons[0].partition(":")[0]) == ("degraded", "loss")


def test_settings_of_others_fail_by_their_names() -> None:
    differing = {"temperature": {"trained": None, "artefact": 1.5}}
    found = of("exact", settings={"differing": differing})
    assert found.word == "failed"
    assert found.reasons == ["settings: temperature is 1.5 instead of not set"]


def test_another_answer_at_a_tie_degrades_and_is_called_one() -> None:
    found = of("rounded", greedy={"same": 31, "margins": [0.01]})
    assert found.word == "degraded"
    assert "at a tie" in found.reasons[0]


def test_difference_that_no_rounding_explains_fails() -> None:
    far: dict[str, Any] = {"logprobs": {"max": 1.5}, "kl": {"to_trained": 0.05}}
    assert of("rounded", **far).word == "failed"
    assert of("exact", **far).word == "failed"
    assert of("quantized", **far).word == "same"  # that is what its suites are for


def test_exact_numbers_are_not_explained_by_rounding() -> None:
    dropped: dict[str, Any] = {"logprobs": {"max": 0.4}, "kl": {"to_trained": 0.002}}
    assert of("exact", **dropped).word == "failed"
    assert of("rounded", **dropped).word == "degraded"
    assert of("exact", compute="bfloat16", **dropped).word == "same"


def test_difference_degrades_where_training_itself_computed_with_rounded_numbers() -> None:
    far: dict[str, Any] = {"logprobs": {"max": 1.5}, "kl": {"to_trained": 0.05}}
    assert of("rounded", rounds=True, **far).word == "degraded"


def test_lost_tune_fails_whatever_the_numbers() -> None:
    lost: dict[str, Any] = {"kl": {"to_trained": 2.0, "to_base": 0.1}}
    for closeness in ("exact", "rounded", "quantized"):
        assert of(closeness, rounds=True, **lost).word == "failed"


def test_quantized_artefact_may_lose_two_points() -> None:
    assert of("quantized", suites=suite(85.0, 83.0)).word == "same"
    found = of("quantized", suites=suite(85.0, 82.5))
    assert found.word == "degraded"
    assert "qa.exact_match: 82.5 instead of 85.0" in found.reasons[0]
    assert of("quantized", suites=suite(85.0, 95.0)).word == "same"


def test_suites_of_an_artefact_within_its_limits_are_only_shown() -> None:
    assert of("rounded", suites=suite(85.0, 82.5)).word == "same"
    assert of("rounded", suites=suite(85.0, 82.5), logprobs={"max": 0.06}).word == "failed"


DIFFERENCE = {
    "position": 1, "expected": [5, 6], "found": [5, 7],
    "expected_pieces": ["a", "b"], "found_pieces": ["a", "c"],
}  # fmt: skip


def test_other_ids_fail_and_the_first_difference_is_named() -> None:
    found = of("quantized", tokenization={"same": 199, "first": {"text": "a 1", **DIFFERENCE}})
    assert found.word == "failed"
    assert found.reasons == [
        '1 of 200 texts are tokenised otherwise, first "a 1" at token 1: a c (5 7) instead of '
        "a b (5 6)"
    ]


def test_template_that_refuses_fails_with_its_words() -> None:
    first = {"conversation": "system", "messages": [], "refused": "no system role"}
    found = of("exact", template={"same": 36, "first": first})
    assert found.word == "failed"
    assert found.reasons[0].endswith('first "system": no system role')


def test_end_token_has_to_be_declared_and_to_work() -> None:
    assert of("quantized", ends={"lost": ["<|im_end|>"]}).word == "failed"
    runs_on = {"ended": {"same": 0, "of": 30, "ran_on": 30}}
    assert of("quantized", greedy=runs_on).word == "failed"


def test_numbers_that_are_none_fail() -> None:
    found = figures(logprobs={"finite": False}) | {"kl": None}
    assert judged(found, Closeness.rounded, 2.0, rounds=False).word == "failed"


def test_what_a_program_does_not_tell_is_never_the_same() -> None:
    found = judged(
        figures() | {"logprobs": {"not_asked": "has no such question"}, "kl": None},
        Closeness.exact, 2.0, rounds=False,
    )  # fmt: skip
    assert found.word == "unchecked"
    assert found.reasons == ["logprobs could not be asked: has no such question"]


def test_quantized_artefact_that_no_suite_looks_at_is_unchecked() -> None:
    found = judged(figures() | {"suites": {}}, Closeness.quantized, 2.0, rounds=False)
    assert found.word == "unchecked"
    assert "eval=[qa]" in found.reasons[0]
    assert judged(figures() | {"suites": {}}, Closeness.rounded, 2.0, rounds=False).word == "same"


def test_template_that_is_rendered_unseen_is_known_by_its_answers() -> None:
    hidden = figures() | {"template": {"not_asked": "it renders by itself"}}
    same = {"same": 4, "of": 4, "first": None}
    seen = judged(hidden | {"streamed": same}, Closeness.rounded, 2.0, rounds=False)
    assert seen.word == "same"
    other = {"same": 0, "of": 4, "first": {"messages": [], "by_ids": "a", "by_template": "b"}}
    found = judged(hidden | {"streamed": other}, Closeness.rounded, 2.0, rounds=False)
    assert found.word == "failed"
    unknown = {"not_asked": "it is not there"}
    found = judged(hidden | {"streamed": unknown}, Closeness.rounded, 2.0, rounds=False)
    assert found.word == "unchecked"


def test_verdict_on_a_target_is_that_of_its_worst_artefact() -> None:
    assert worst(["same", "degraded"]) == "degraded"
    assert worst(["failed", "degraded"]) == "failed"
    assert worst([]) == "unchecked"


def test_screen_is_told_verdict_figures_and_reasons() -> None:
    found = of("rounded", greedy={"same": 31, "margins": [0.2]}, suites=suite(85.0, 82.5))
    told = figures(suites=suite(85.0, 82.5)) | {
        "name": "x.gguf", "about": "llama.cpp", "verdict": found.word, "reasons": found.reasons,
    }  # fmt: skip
    assert lines(told) == [
        "gate      x.gguf (llama.cpp) failed: 32 of 32 answers identical, log-probabilities "
        "within 1e-06, loss of the answers 1.2 (trained 1.2), qa.exact_match 82.5 "
        "(trained 85.0)",
        "gate      greedy: 1 of 32 answers differ",
        "gate      qa.exact_match: 82.5 instead of 85.0 on 40 examples; 2 points may be lost, "
        "and one example is 2.5",
    ]
