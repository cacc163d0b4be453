"""The option `ollama`: what is wrong with its settings, and what is said how to use it."""

import socket
from pathlib import Path

import pytest
from answers import Cli
from stand_in import StandIn

from ftrecipe.components.export import Asking
from ftrecipe.components.export.gguf import Gguf
from ftrecipe.components.export.ollama import Ollama
from ftrecipe.memory.architecture import Architecture

REGISTER = ("export=ollama", "export.ollama.register=true")


def faults(target: Ollama, **beside: Gguf) -> list[str]:
    """Return what is wrong with a target, of a model that nothing is known of."""
    return list(target.faults({"ollama": target, **beside}, None))


def test_it_is_right_as_it_stands() -> None:
    assert faults(Ollama()) == []


def test_a_type_that_there_is_not_is_told_by_its_own_field() -> None:
    (told,) = faults(Ollama(gguf_type="q9"))
    assert told.startswith("gguf_type has no type 'q9'")


def test_a_file_of_the_gguf_target_is_taken_whatever_wrote_it() -> None:
    beside = Gguf(types=["q5_x"])
    assert faults(Ollama(gguf_type="q5_x"), gguf=beside) == []
    assert faults(Ollama(gguf_type="q5_x"), gguf=Gguf()) != []


@pytest.mark.parametrize(
    "template", ["{% for m in messages %}{{ m }}{% endfor %}", "{% x %}" + "text" * 200]
)
def test_a_jinja_template_is_refused(template: str) -> None:
    (told,) = faults(Ollama(template=template))
    assert "is Jinja" in told


def test_a_template_is_text_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "chat.tmpl"
    (told,) = faults(Ollama(template=str(file)))
    assert "neither a file nor a template in Go's language" in told
    file.write_text("{{ .System }}{{ .Prompt }}", "utf-8")
    assert faults(Ollama(template=str(file))) == faults(Ollama(template="{{ .Prompt }}")) == []


def test_names_that_ollama_would_not_take_are_refused() -> None:
    told = faults(Ollama(model="my model", base="a:b:c", host="ftp://x"))
    assert [line.partition("=")[0].partition(":")[0] for line in told] == ["model", "base", "host"]


def test_a_base_is_not_the_name_that_is_switched() -> None:
    (told,) = faults(Ollama(model="smol", base="smol"))
    assert "export.ollama.model=smol-tuned" in told
    assert faults(Ollama(model="smol", base="smol:base")) == []


def test_a_context_beyond_the_model_s_is_refused(tiny: Architecture) -> None:
    (told,) = Ollama(num_ctx=10**6).faults({}, tiny)
    assert told.startswith(f"num_ctx=1000000: this model goes up to {tiny.max_positions} tokens")


@pytest.fixture
def tiny() -> Architecture:
    from ftrecipe.compose import compose

    found = compose([]).run.model.architecture
    assert found is not None
    return found


def test_it_says_how_to_use_it() -> None:
    (use,) = Ollama().usage(Asking(Path("/x"), "runs/a b/export/ollama", "Support Bot"))
    create, run = use.code.splitlines()
    assert create == "ollama create support-bot -f 'runs/a b/export/ollama/Modelfile'"
    assert run == "ollama run support-bot"


def test_a_server_that_is_not_there_is_told_before_anything_starts(cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    said = cli(*REGISTER, f"export.ollama.host={host}")
    assert said.code == 2
    assert f"export=ollama: http://{host}: no Ollama server answers there" in said.err
    assert not [*Path("runs").rglob("run.json")]


def test_a_base_that_the_server_has_not_is_told_before_anything_starts(
    cli: Cli, ollama: StandIn
) -> None:
    ollama.models["smollm2:latest"] = {"files": []}
    said = cli(
        *REGISTER, f"export.ollama.host={ollama.address}",
        "export.ollama.base=smollm",
    )  # fmt: skip
    assert said.code == 2
    assert "base=smollm: " in said.err
    assert "did you mean smollm2?; ollama pull smollm" in said.err


def test_a_recipe_sends_no_model_away(cli: Cli, here: Path) -> None:
    text = "export: {ollama: {register: true, host: 'http://example.com'}}\n"
    (here / "team.yaml").write_text(f"defaults: [{{override /export: [ollama]}}]\n{text}", "utf-8")
    said = cli("plan", "+recipe=./team.yaml")
    assert said.code == 2
    assert "a recipe sends no model to another machine" in said.err
