"""A chat with a GGUF file is up in a moment: neither side imports torch for it."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

HEAVY = {"torch", "transformers", "peft", "datasets", "accelerate", "pyarrow"}
FRONT = """
import json, sys
from ftrecipe.__main__ import main
code = main(["chat", "nowhere"])
print(json.dumps([code, sorted(sys.modules)]))
"""
WORKER = """
import json, sys
import ftrecipe.stages.chat.__main__, ftrecipe.stages.engines.llama_cpp
print(json.dumps([0, sorted(sys.modules)]))
"""

Process = Callable[..., "CompletedProcess[str]"]


def loaded(process: Process, code: str) -> tuple[int, set[str]]:
    done = process("-c", code)
    assert done.returncode == 0, done.stderr
    code_, names = json.loads(done.stdout)
    return code_, {name.partition(".")[0] for name in names}


def test_the_front_of_a_chat_imports_nothing_heavy(process: Process) -> None:
    code, modules = loaded(process, FRONT)
    assert code == 2
    assert modules & (HEAVY | {"numpy"}) == set()


def test_the_worker_needs_no_torch_for_a_gguf_file(process: Process) -> None:
    assert loaded(process, WORKER)[1] & HEAVY == set()
