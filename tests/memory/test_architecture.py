"""A config.json is read without torch: counts, positions, what is not known, what is nonsense."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from architectures import SMALL
from hypothesis import given
from hypothesis import strategies as st

from ftrecipe.components.model import Model
from ftrecipe.components.model.facts import facts
from ftrecipe.compose import compose
from ftrecipe.config import GROUPS
from ftrecipe.errors import ConfigError
from ftrecipe.memory.architecture import Architecture, read
from ftrecipe.memory.layouts import LAYOUTS
from ftrecipe.memory.numbers import READ
from ftrecipe.rules import faults
from ftrecipe.rundir import RunDir, write_json

PUBLISHED = {
    "mistralai/Mistral-7B-Instruct-v0.3": 7_248_023_552,
    "meta-llama/Llama-3.1-8B-Instruct": 8_030_261_248,
    "meta-llama/Llama-3.2-1B-Instruct": 1_235_814_400,
    "Qwen/Qwen2.5-0.5B-Instruct": 494_032_768,
    "Qwen/Qwen3-8B": 8_190_735_360,
    "google/gemma-3-4b-it": 4_300_079_472,
    "microsoft/Phi-4-mini-instruct": 3_836_021_760,
    "HuggingFaceTB/SmolLM2-135M-Instruct": 134_515_008,
    "HuggingFaceTB/SmolLM2-1.7B-Instruct": 1_711_376_384,
}
LLAMA: dict[str, Any] = SMALL | {"model_type": "llama"}
RUN = ["dataset=question_answer", "dataset.path=builtin:faq/train.jsonl", "eval=[perplexity]"]


def made(**changes: Any) -> Architecture:
    found = read(LLAMA | changes)
    assert found is not None
    return found


def told(*line: str) -> list[str]:
    """What the rules say of a command line; composing checks them, too."""
    try:
        return faults(compose([*RUN, *line]).run)
    except ConfigError as error:
        return list(error.faults)


@pytest.mark.parametrize("hub_id", PUBLISHED)
def test_a_named_model_has_its_published_number_of_weights(hub_id: str) -> None:
    architecture = Model(path=hub_id).architecture
    assert architecture is not None
    assert architecture.parameters == facts()[hub_id]["parameters"] == PUBLISHED[hub_id]


def test_every_named_model_has_facts() -> None:
    files = (Path(__file__).resolve().parents[2] / "conf" / "model").glob("*.yaml")
    paths = [yaml.safe_load(file.read_text("utf-8"))["path"] for file in files]
    named = [path for path in paths if path is not None]
    assert [path for path in named if Model(path=path).architecture is None] == []


def test_gemma_3s_vision_tower_is_counted_and_its_text_layers_are_told() -> None:
    architecture = Model(path="google/gemma-3-4b-it").architecture
    assert architecture is not None
    assert architecture.layers == 34
    tower = [m for m in architecture.modules if m.path.startswith("model.vision_tower.")]
    assert sum(module.parameters for module in tower) == 416_866_032
    assert architecture.sliding_layers == 29


def test_lora_on_a_7b_model_trains_as_many_weights_as_is_known() -> None:
    """0.58 % of Mistral 7B at rank 16: 41,943,040."""
    architecture = Model(path="mistralai/Mistral-7B-Instruct-v0.3").architecture
    assert architecture is not None
    assert GROUPS["peft"].get("lora")().trainable(architecture) == 41_943_040


def test_the_embedded_model_is_read_from_its_folder() -> None:
    architecture = Model(path="builtin:tiny").architecture
    assert architecture is not None
    assert architecture.parameters == 3_081_984


def test_a_local_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert Model(path=str(tmp_path)).architecture == made()


def test_a_run_that_is_gone_on_from_has_its_bases_architecture(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    write_json(run.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    known = Model(path="builtin:tiny").architecture
    assert Model(from_run=str(tmp_path)).architecture == known


def test_a_run_that_wrote_a_model_has_that_models_architecture(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.model.mkdir(parents=True)
    (run.model / "config.json").write_text(json.dumps(LLAMA))
    assert Model(from_run=str(tmp_path)).architecture == made()


def test_a_downloaded_model_is_read_from_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--org--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / "config.json").write_text(json.dumps(LLAMA))
    assert Model(path="org/name").architecture == made()
    assert Model(path="org/name", revision="abc").architecture == made()
    assert Model(path="org/name", revision="../../x").architecture is None


@pytest.mark.parametrize("config", [{}, {"model_type": "mamba"}, {"model_type": ["llama"]}])
def test_a_model_type_that_is_not_known_is_no_guess(config: dict[str, Any]) -> None:
    assert read(config) is None


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 40), st.integers(), st.floats(allow_nan=False),
    st.text(max_size=3), st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["rope_type", "type", "factor"]), st.integers(), max_size=2),
)  # fmt: skip


@given(
    family=st.sampled_from(sorted(LAYOUTS)),
    changes=st.dictionaries(st.sampled_from(sorted(READ)), ANYTHING, max_size=4),
)
def test_whatever_a_config_says_is_read_or_refused(family: str, changes: dict[str, Any]) -> None:
    config = SMALL | {"num_hidden_layers": 2} | changes | {"model_type": family}
    try:
        architecture = read(config)
    except ConfigError:
        return
    assert architecture is None or architecture.parameters > 0


def test_a_layout_that_the_table_lacks_is_no_guess() -> None:
    assert read(SMALL | {"model_type": "phi", "qk_layernorm": True}) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": "wide"}, "hidden_size is 'wide', not a whole number"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, not a whole number"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"intermediate_size": True}, "intermediate_size is True"),
        ({"vocab_size": None}, "has no vocab_size"),
    ],
)
def test_a_number_that_is_none_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(LLAMA | changes)


def test_what_a_config_leaves_out_has_the_librarys_default() -> None:
    architecture = read({"model_type": "llama"})
    assert architecture is not None
    assert architecture.parameters == 6_738_415_616  # Llama 2 7B


def test_a_tied_head_is_counted_once() -> None:
    table = SMALL["vocab_size"] * SMALL["hidden_size"]
    untied, tied = made(tie_word_embeddings=False), made(tie_word_embeddings=True)
    assert untied.parameters - tied.parameters == table


def test_quantisation_covers_the_linear_layers_without_head_and_biases() -> None:
    architecture = made(attention_bias=True)
    biases = sum(module.biases for module in architecture.linears)
    kept = architecture.embedding.parameters + architecture.head.parameters + 7 * 96
    assert architecture.linear_parameters == architecture.parameters - kept - biases


@pytest.mark.parametrize(
    ("scaling", "positions"),
    [
        (None, 256),
        ({"rope_type": "default"}, 256),
        ({"type": "linear", "factor": 4.0}, 1024),
        ({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 200}, 800),
        ({"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}, 256),
        ("nonsense", 256),
        ({"rope_type": "yarn", "factor": "four"}, 256),
    ],
)
def test_rope_scaling_adds_positions_where_the_config_does_not_count_them(
    scaling: Any, positions: int
) -> None:
    assert made(rope_scaling=scaling).max_positions == positions


def test_names_end_paths_as_peft_takes_them() -> None:
    architecture = made()
    assert [m.count for m in architecture.named(["q_proj"])] == [3]
    assert [m.layers for m in architecture.named(["layers.1.self_attn.q_proj"])] == [(1,)]
    assert architecture.named(["proj"]) == ()
    assert len(architecture.inside(["mlp"])) == 3


def test_a_length_beyond_the_models_positions_is_refused_with_both_numbers() -> None:
    (fault,) = told("model=tiny", "trainer.max_length=1025")
    assert fault.startswith("trainer.max_length=1025: this model has 1024 positions")
    assert fault.endswith("use trainer.max_length=1024")
    assert told("model=tiny", "trainer.max_length=1024") == []


def test_a_learned_prompt_takes_positions() -> None:
    line = ["model=tiny", "peft=prompt_tuning", "export=[adapter]", "eval=[perplexity]"]
    (fault,) = told(*line, "trainer.max_length=1020")
    assert fault.endswith("peft=prompt_tuning puts 20 before them; use trainer.max_length=1004")
    assert told(*line, "trainer.max_length=1004") == []


def test_a_sliding_window_limits_no_length() -> None:
    line = ["model=gemma3_4b", "hardware=gpu_1x80gb"]
    assert not [fault for fault in told(*line, "trainer.max_length=65536") if "max_length" in fault]
    assert [fault for fault in told(*line, "trainer.max_length=131073") if "131072" in fault]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("peft.target_modules=[q_prj]", "no module q_prj; did you mean q_proj?"),
        ("peft.target_modules=[q_proj,c_attn]", "peft.target_modules: this model has no module c_"),
        ("peft=freeze peft.modules=[layers.9.mlp]", "this model has no module layers.9.mlp"),
        ("peft=freeze peft.last_layers=4", "peft.last_layers=4: this model has 3 layers"),
        ("peft=ia3 peft.feedforward_modules=[up]", "peft.feedforward_modules: this model has no"),
    ],
)
def test_what_the_model_does_not_have_is_told_before_it_is_loaded(line: str, said: str) -> None:
    assert any(said in fault for fault in told("model=tiny", "export=[]", *line.split()))


def test_names_that_the_model_has_are_no_faults() -> None:
    assert told("model=tiny", "peft.target_modules=[q_proj,layers.1.mlp.up_proj]") == []


def test_a_pattern_that_is_no_regular_expression_is_refused() -> None:
    option = GROUPS["peft"].get("lora")(extra={"exclude_modules": "("})
    with pytest.raises(ConfigError, match=r"peft\.extra\.exclude_modules: '\(' is no regular"):
        option.trainable(made())


def test_what_changes_the_count_in_ways_not_known_is_no_guess() -> None:
    option = GROUPS["peft"].get("lora")(extra={"layer_replication": [[0, 2], [1, 3]]})
    assert option.trainable(made()) is None


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", ["phi", "llama"])
def test_the_modules_that_have_weights_of_their_own_are_all_of_them(
    family: str, tied: bool
) -> None:
    architecture = read(SMALL | {"model_type": family, "tie_word_embeddings": tied})
    assert architecture is not None
    assert sum(module.parameters for module in architecture.own) == architecture.parameters


def test_files_of_experts_and_heads_with_older_names_are_not_taken_as_lacking_them() -> None:
    experts = {"num_local_experts": 4, "num_experts_per_tok": 2}
    architecture = read(SMALL | experts | {"model_type": "mixtral"})
    assert architecture is not None
    assert not [name for name in architecture.stored if "experts" in name or "lm_head" in name]
    assert "model.layers.2.self_attn.o_proj.weight" in architecture.stored
