"""The gate catches what users meet and short prompts do not: positions, settings, templates."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty import Trained, changed

from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.stages.engines import Settings, opened
from ftrecipe.stages.exporting.fidelity.figures import template

pytestmark = pytest.mark.slow

Change = Callable[[dict[str, Any]], None]
FRAME = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
    "special_tokens": {
        "<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}
    },
}


def planted(run: Trained, tmp_path: Path, **changes: Change) -> dict[str, Any]:
    """Return what the gate says of the merged model with faults in its JSON files."""
    folder = tmp_path / "planted"
    shutil.copytree(run.session.dir.export / "merged", folder)
    for stem, change in changes.items():
        changed(folder / f"{stem}.json", change)
    return run.judged(folder)


def test_settings_that_nobody_trained_with_are_named(run: Trained, tmp_path: Path) -> None:
    sampling = {"do_sample": True, "temperature": 1.5, "repetition_penalty": 1.3}
    found = planted(
        run,
        tmp_path,
        generation_config=lambda told: told.update(sampling, eos_token_id=[3, 17]),
        config=lambda told: told.update(dtype="bfloat16"),
        tokenizer_config=lambda told: told.update(pad_token="<|im_end|>"),
        tokenizer=lambda told: told.update(post_processor=FRAME),
    )
    assert found["verdict"] == "failed"
    assert any("is a part of texts" in reason for reason in found["reasons"])
    assert {name: each["artefact"] for name, each in found["settings"]["differing"].items()} == {
        **sampling, "dtype": "bfloat16", "pad_token": "<|im_end|>",
        "a plain text": "<|endoftext|> text",
    }  # fmt: skip


@pytest.mark.parametrize(
    "rotary",
    [
        {"rope_type": "default", "rope_theta": 20000.0},
        {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
         "original_max_position_embeddings": 256},
    ],
)  # fmt: skip
def test_other_positions_are_named(run: Trained, tmp_path: Path, rotary: dict[str, Any]) -> None:
    found = planted(run, tmp_path, config=lambda told: told.update(rope_parameters=rotary))
    assert found["verdict"] == "failed"
    assert any(reason.startswith("positions: in a text of 1023") for reason in found["reasons"])
    assert any(reason.startswith("settings: rope_parameters") for reason in found["reasons"])


def test_window_that_short_prompts_do_not_reach_fails(run: Trained, tmp_path: Path) -> None:
    windowed: dict[str, Any] = {"model_type": "mistral", "architectures": ["MistralForCausalLM"]}
    windowed["sliding_window"] = 128
    found = planted(run, tmp_path, config=lambda told: told.update(windowed))
    assert found["verdict"] == "failed"
    assert found["logprobs"]["max"] < 0.05
    assert any(reason.startswith("positions") for reason in found["reasons"])


@pytest.mark.parametrize(
    ("when", "kind"),
    [
        ("tools", "tools"),
        ("not add_generation_prompt", "data, answered"),
        ("messages | length > 6", "many turns"),
        ("'</think>' in messages[1 % (messages | length)]['content']", "a turn with thoughts"),
    ],
)
def test_template_that_differs_in_one_case_only_is_found(
    run: Trained, tmp_path: Path, when: str, kind: str
) -> None:
    folder = run.copy("merged", f"case-{kind.replace(' ', '-')}")
    file = folder / "chat_template.jinja"
    file.write_text(f"{{%- if {when} %}}x{{% endif %}}{file.read_text('utf-8')}", "utf-8")
    artefact = Artefact("", "transformers", folder, Closeness.rounded)
    with opened(artefact, Settings()) as engine:
        found = template(engine, run.fidelity.asked)
    assert found["first"]["conversation"] == kind


def test_loss_of_the_answers_is_that_of_the_trained_model(run: Trained) -> None:
    found = run.judged(run.session.dir.export / "merged")
    assert found["loss"]["artefact"] == pytest.approx(found["loss"]["trained"], abs=1e-3)
    assert found["loss"]["answers"] > 1
    assert found["settings"]["differing"] == {}
    assert found["far"]["max"] < 0.05
