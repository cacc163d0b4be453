"""A recipe sends no model to another machine, and runs no program of this one."""

from pathlib import Path

import pytest

from ftrecipe.door.reach import outside

HOST = ("export", "ollama", "host")


@pytest.mark.parametrize("host", ["http://example.com", "gpu1", "10.0.0.1:11434", "ftp://x"])
def test_a_recipe_sends_no_model_to_another_machine(host: str, here: Path) -> None:
    (told,) = outside(HOST, host, here)
    assert "name it on the command line: export.ollama.host=" in told


@pytest.mark.parametrize("host", [None, "127.0.0.1:9", "http://localhost:11434", "0.0.0.0"])
def test_a_recipe_may_name_a_server_of_this_machine(host: str | None, here: Path) -> None:
    assert not list(outside(HOST, host, here))


def test_a_go_template_is_no_file(here: Path) -> None:
    assert not list(outside(("export", "ollama", "template"), "{{ .Prompt }}/../..", here))


def test_a_recipe_names_no_program_that_is_run(here: Path) -> None:
    (told,) = outside(("export", "gguf", "llama_cpp"), "./llama.cpp", here)
    assert "name it on the command line: export.gguf.llama_cpp=./llama.cpp" in told
    assert not list(outside(("export", "gguf", "llama_cpp"), "", here))
