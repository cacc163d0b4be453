"""A recipe for others: without what only the command line of a machine may name."""

from ftrecipe.exchange.portable import portable


def test_programs_and_servers_of_a_machine_are_no_part_of_a_published_recipe() -> None:
    own = {
        "export": {
            "gguf": {"llama_cpp": "/opt/llama.cpp"},
            "ollama": {"host": "gpu1", "name": "x"},
        },
        "peft": {"r": 8},
    }
    assert portable(own, {}) == {"export": {"ollama": {"name": "x"}}, "peft": {"r": 8}}
