"""Nothing that came from elsewhere runs here: no model's code without consent, and no pickle."""

import ast
import json
import os
import pickle
from pathlib import Path

import pytest
from answers import ROOT, Cli

from ftrecipe.errors import ConfigError
from ftrecipe.existing import open_run

CONSENT = "consent.remote_code=true"


class Canary:
    """Touches a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return Path.touch, (self.file,)  # type: ignore[return-value]


@pytest.fixture
def model(here: Path) -> Path:
    """A whole model's folder, the embedded one by links of its files."""
    folder = here / "model"
    folder.mkdir()
    for file in (ROOT / "ftrecipe" / "builtin" / "tiny").iterdir():
        if file.name == "config.json":
            (folder / file.name).write_bytes(file.read_bytes())
        elif file.is_file():
            os.link(file, folder / file.name)
    return folder


def name_code(config: Path, canary: Path) -> None:
    """Let a config name a module beside it that touches `canary` when it is imported."""
    values = json.loads(config.read_text("utf-8"))
    values["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    config.write_text(json.dumps(values), "utf-8")
    (config.parent / "evil.py").write_text(
        f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n"
    )


@pytest.mark.parametrize("verb", ["plan", "run", "check"])
def test_a_model_that_names_its_own_code_is_refused_before_anything_is_imported(
    verb: str, cli: Cli, faq: str, here: Path, model: Path
) -> None:
    name_code(model / "config.json", here / "canary")
    said = cli(verb, f"dataset={faq}", "model=./model")
    assert said.code == 2
    assert "config.json names code of the model's author (evil.py)" in said.err
    assert CONSENT in said.err
    assert not (here / "canary").exists()
    assert not (here / "runs").exists()


def test_with_consent_on_the_command_line_it_is_planned(cli: Cli, faq: str, model: Path) -> None:
    name_code(model / "config.json", model / "canary")
    assert cli("plan", f"dataset={faq}", "model=./model", CONSENT).code == 0


def test_a_recipe_cannot_consent(cli: Cli, faq: str, here: Path, model: Path) -> None:
    name_code(model / "config.json", here / "canary")
    (here / "x.yaml").write_text(
        f"defaults: [override /model: custom]\nmodel: {{path: ./model}}\n"
        f"dataset: {{path: {faq}}}\nconsent: {{remote_code: true}}\n"
    )
    said = cli("plan", "recipe=./x.yaml")
    assert said.code == 2
    assert "consent is given on the command line, never in a recipe" in said.err


def test_a_tokenizer_that_names_its_own_code_is_refused(cli: Cli, faq: str, model: Path) -> None:
    (model / "tokenizer_config.json").unlink(missing_ok=True)
    (model / "tokenizer_config.json").write_text(
        '{"auto_map": {"AutoTokenizer": ["evil.T", null]}}'
    )
    said = cli("plan", f"dataset={faq}", "model=./model")
    assert "tokenizer_config.json names code of the model's author (evil.py)" in said.err


def test_weights_that_are_only_pickles_are_refused_and_not_read(
    cli: Cli, faq: str, here: Path, model: Path
) -> None:
    next(model.glob("*.safetensors")).unlink()
    (model / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(here / "canary")))
    said = cli("plan", f"dataset={faq}", "model=./model")
    assert said.code == 2
    assert "has its weights only as pickles (pytorch_model.bin)" in said.err
    assert not (here / "canary").exists()


def test_an_earlier_runs_adapter_that_is_a_pickle_is_refused(
    cli: Cli, faq: str, here: Path
) -> None:
    written = cli("plan", "--write", f"dataset={faq}", "hardware=cpu")
    assert written.code == 0
    run = next((here / "runs").glob("*/*"))
    (run / "base.json").write_text('{"schema_version": 1, "path": "builtin:tiny"}')
    (run / "adapter").mkdir()
    (run / "adapter" / "adapter_config.json").write_text("{}")
    (run / "adapter" / "adapter_model.bin").write_bytes(pickle.dumps(Canary(here / "canary")))
    said = cli("plan", f"dataset={faq}", f"model.from_run={run}")
    assert said.code == 2
    assert "adapter/: has its weights only as pickles (adapter_model.bin)" in said.err
    assert not (here / "canary").exists()


@pytest.mark.parametrize("verb", ["resume", "evaluate", "export"])
def test_a_run_that_was_consented_to_asks_again(verb: str, cli: Cli, faq: str, here: Path) -> None:
    assert cli("plan", "--write", f"dataset={faq}", "hardware=cpu", CONSENT).code == 0
    run = next((here / "runs").glob("*/*"))
    assert "consent" not in (run / "recipe.yaml").read_text()
    said = cli(verb, str(run))
    assert said.code == 2
    assert f"python -m ftrecipe {verb} {run} {CONSENT}" in said.err
    assert open_run(verb, [str(run), CONSENT, "eval=[qa]"])[1] == ["eval=[qa]"]
    with pytest.raises(ConfigError, match="say so again"):
        open_run(verb, [str(run), "consent.remote_code=false"])


def test_nothing_of_ours_reads_a_pickle_but_what_its_own_process_wrote() -> None:
    loads = {"torch", "pickle", "joblib", "dill", "cloudpickle", "numpy", "np", "marshal", "shelve"}
    found = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "ftrecipe").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("load", "loads", "open")
        and isinstance(node.value, ast.Name)
        and node.value.id in loads
    }
    assert found == {"ftrecipe/data/spool.py"}


def test_every_model_is_loaded_with_the_consent_that_was_given_and_from_safetensors() -> None:
    given = ("self.hub_arguments(remote_code)", "trust_remote_code=")
    calls = [
        ast.unparse(node)
        for file in (ROOT / "ftrecipe").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id.startswith("Auto")
    ]
    assert calls
    assert all(any(word in call for word in given) for call in calls)
    assert not any("trust_remote_code=True" in call for call in calls)
    assert all("use_safetensors=True" in call for call in calls if "ForCausalLM" in call)
