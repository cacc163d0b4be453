"""The part of a run's page and of its card that tells of exports."""

import pytest

from ftrecipe.stages.page.exported import exported, heads, table
from ftrecipe.stages.page.markdown import exports
from ftrecipe.stages.page.story import Story


def artefact(name: str, verdict: str, *why: str, **figures: object) -> dict:
    """What gate.json says of one file."""
    told = {"name": name, "engine": "llama_cpp", "about": "llama.cpp", "closeness": "rounded"}
    return {**told, "verdict": verdict, "reasons": list(why), "bytes": 2048, **figures}


def gate(*found: dict, merge: dict | None = None) -> dict:
    """A gate.json of these files."""
    return {"split": "test", "prompts": 32, "artefacts": list(found), "merge": merge}


MEASURED = {
    "greedy": {"same": 31, "of": 32},
    "logprobs": {"finite": True, "max": 0.0312},
    "kl": {"to_trained": 2.3e-6},
    "loss": {"trained": 1.234, "artefact": 1.2361},
    "suites": {
        "qa": {
            "metrics": {
                "exact_match": {"tuned": 85.0, "artefact": 82.5, "counts": True},
                "length": {"tuned": 5.0, "artefact": 9.0, "counts": False},
            }
        }
    },
}


def test_a_row_has_the_figures_that_were_measured() -> None:
    rows = list(table({"gguf": gate(artefact("a-f16.gguf", "same", **MEASURED))}))
    again = "82.5, was 85.0"
    loss = "1.236, was 1.234"
    assert rows == [("gguf a-f16.gguf", "same", "2 KiB", "31 of 32", loss, "0.031", "2e-06", again)]


def test_the_first_metric_that_counts_has_a_column_a_suite() -> None:
    found = {"gguf": gate(artefact("a-f16.gguf", "same", **MEASURED))}
    assert heads(found)[-1] == "qa.exact_match"
    assert "qa.exact\\_match" in exports(found)


def test_what_was_not_asked_leaves_its_place_empty() -> None:
    silent = {"greedy": {"not_asked": "no"}, "logprobs": {"not_asked": "no"}, "kl": None}
    rows = list(
        table({"ollama": gate(artefact("", "unchecked", **silent, suites={"not_asked": "no"}))})
    )
    assert rows == [("ollama", "unchecked", "2 KiB", "", "", "", "")]


def test_a_file_asked_of_two_programs_says_by_which() -> None:
    names = [row[0] for row in table({"ollama": gate(artefact("", "same"), artefact("", "same"))})]
    assert names == ["ollama (llama_cpp)", "ollama (llama_cpp)"]


@pytest.mark.parametrize("verdict", ["degraded", "failed"])
def test_why_a_file_is_not_the_same_is_on_page_and_card(verdict: str) -> None:
    found = {"gguf": gate(artefact("a-q4_k_m.gguf", verdict, "qa.f1 fell by 4.2 <points>"))}
    page = exported(Story(name="a", folder="runs/a", exports=found))
    assert "gguf a-q4_k_m.gguf: qa.f1 fell by 4.2 &lt;points&gt;" in page
    assert verdict in page
    assert "fell by 4.2" in exports(found)


def test_a_file_that_failed_beside_others_is_said_to_lie_aside() -> None:
    found = gate(
        artefact("a-f16.gguf", "same"), artefact("a-q4_k_m.gguf", "failed", "it is broken")
    )
    told = exports({"gguf": found | {"kept": "same", "rejected": ["a-q4_k_m.gguf"]}})
    assert "a-q4\\_k\\_m.gguf (in rejected/): it is broken" in told


def test_both_merges_into_a_quantized_base_are_told_with_their_figures() -> None:
    far = {"max_dlogp": 0.5, "mean_dlogp": 0.02, "kl": 0.001}
    merge = {"kept": "dequantized", "into": {"base": far, "dequantized": {**far, "kl": 0.0004}}}
    told = exports({"merged": gate(artefact("", "same"), merge=merge)})
    assert "was merged into the base as it was quantized" in told
    assert "KL 0.001" in told
    assert "KL 0.0004" in told


def test_a_run_without_exports_says_nothing_of_them() -> None:
    assert exported(Story(name="a", folder="runs/a")) == ""
    assert exports({}) == ""
