"""RunConfig and conf/: every option has its YAML and its class, and survives its form as JSON."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ftrecipe import config
from ftrecipe.compose import compose, compose_layers
from ftrecipe.config import GROUPS, RunConfig, from_plain, options, packaged, to_plain
from ftrecipe.door.vet import Layer, Setting
from ftrecipe.errors import ConfigError

EVERY = [(group, name) for group in GROUPS for name in options(group)]
DATA = Setting(("dataset", "path"), "builtin:faq/train.jsonl", "test")
SOURCES = Setting(("dataset", "sources", "a", "path"), DATA.value, "test")
FIRST = Setting(("hardware", "main_process_ip"), "10.0.0.1", "test")
AGAINST = Setting(("cleaning", "contamination", "against"), [DATA.value], "test")
HERE = Setting(("model", "path"), "builtin:tiny", "test")
# Suites that measure nothing until they are told what.
TOLD = [
    Setting(("eval", "custom", "name"), "anything", "test"),
    Setting(("eval", "lm_eval", "tasks"), ["arc_easy"], "test"),
    Setting(("eval", "prompts", "prompts"), ["Who are you?"], "test"),
]

PUSHED = [
    Setting(("export", "hub", "repo_id"), "me/bot", "test"),
    Setting(("consent", "push_to_hub"), True, "test"),
]


def composed(choices: dict[str, object]) -> RunConfig:
    settings = [SOURCES if choices.get("dataset") == "mix" else DATA, HERE]
    settings += [FIRST] if "nodes" in str(choices.get("hardware")) else []
    if "contamination" in str(choices.get("cleaning")):
        settings.append(AGAINST)
    settings += [one for one in TOLD if one.path[1] in str(choices.get("eval"))]
    settings += PUSHED if "hub" in str(choices.get("export")) else []
    layer = Layer(choices=choices, settings=settings)
    return compose_layers([layer], None, audit_only=True).run  # of data that is only looked at


def option_file(group: str, name: str) -> Path:
    return packaged("conf") / group / f"{name}.yaml"


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An installed package that offers a metric of that name."""
    folder = tmp_path_factory.mktemp("packages")
    told = folder / "anything-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: anything\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[ftrecipe.metrics]\nanything = anything:judge\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def runs(anything: None) -> list[tuple[RunConfig, dict[str, object]]]:
    """Runs that together choose every option of every group."""
    most = max(len(options(group)) for group, kind in GROUPS.items() if not kind.many)
    every: list[dict[str, object]] = [
        {
            group: [names[turn % len(names)]] if kind.many else names[turn % len(names)]
            for group, kind in GROUPS.items()
            if (names := options(group))
        }
        for turn in range(most)
    ]
    # What may be combined is the rules' business: here each option only has to compose.
    sound = {"quantization": "none", "export": [], "eval": list(options("eval")),
             "peft": "lora", "hardware": "gpu_8x80gb", "strategy": "zero2"}  # fmt: skip
    alone: list[dict[str, object]] = [{"peft": name} for name in options("peft")]
    alone += [{"hardware": name} for name in options("hardware")]
    alone += [
        {"hardware": "gpu_8x80gb", "strategy": n} for n in options("strategy") if n != "single"
    ]
    alone += [{"strategy": "single"}]
    quantized = [{"quantization": name, "peft": "lora"} for name in options("quantization")]
    exported = [{"peft": "lora", "export": list(options("export"))}]
    chosen = [one | sound for one in every] + alone + quantized + exported
    chosen = [one | ({"eval": []} if one.get("dataset") == "text" else {}) for one in chosen]
    return [(composed(one), one) for one in chosen]


@pytest.mark.slow
def test_every_option_composes(runs: list[tuple[RunConfig, dict[str, object]]]) -> None:
    seen = set()
    for _, chosen in runs:
        for group, names in chosen.items():
            seen |= {(group, name) for name in (names if isinstance(names, list) else [names])}
    assert seen == set(EVERY)


@pytest.mark.slow
def test_every_run_survives_its_form_as_json(
    runs: list[tuple[RunConfig, dict[str, object]]],
) -> None:
    for run, _ in runs:
        assert from_plain(json.loads(json.dumps(to_plain(run)))) == run


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_an_options_yaml_names_a_registered_class(group: str, name: str) -> None:
    text = option_file(group, name).read_text("utf-8")
    defaults = yaml.safe_load(re.sub("^# @package.*", "", text))["defaults"]
    schemas = [item for item in defaults if item != "_self_"]
    assert len(schemas) == 1
    assert schemas[0].removesuffix("_schema") in GROUPS[group].classes


@pytest.mark.parametrize(("group", "name"), EVERY)
def test_an_options_yaml_is_short_and_says_what_it_is(group: str, name: str) -> None:
    lines = option_file(group, name).read_text("utf-8").splitlines()
    assert len(lines) <= 15
    said = [line for line in lines if line.startswith("#") and "@package" not in line]
    assert said


def test_every_registered_class_is_reached_by_a_yaml() -> None:
    for group, kind in GROUPS.items():
        texts = [option_file(group, name).read_text("utf-8") for name in options(group)]
        unreached = {
            name for name in kind.classes if not any(f"{name}_schema" in text for text in texts)
        }
        assert unreached == set(), group


def test_every_class_says_in_a_line_what_it_is() -> None:
    for kind in GROUPS.values():
        for cls in kind.classes.values():
            assert (cls.__doc__ or "").strip()
            assert not (cls.__doc__ or "").startswith(f"{cls.__name__}(")


def test_an_option_that_is_not_installed_is_told() -> None:
    plain = to_plain(compose(["recipe=quickstart"]).run)
    plain["peft"] = {"type": "lorra"}
    with pytest.raises(ConfigError, match=r"peft=lorra is not known; did you mean lora\?"):
        from_plain(plain)


def test_consent_is_withheld_by_default() -> None:
    assert set(vars(config.Consent()).values()) == {False}
