"""Planning needs hydra-core and nothing heavier: what the front imports is looked at."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

HEAVY = (
    "torch", "transformers", "trl", "peft", "datasets", "accelerate", "bitsandbytes", "deepspeed",
    "numpy", "pandas", "pyarrow", "safetensors", "tokenizers", "huggingface_hub", "requests",
    "wandb", "mlflow", "matplotlib",
)  # fmt: skip
LOOK = """
import json, sys
from ftrecipe.__main__ import main
codes = [main(line) for line in json.loads(sys.argv[1])]
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"codes": codes, "loaded": sorted(loaded)}))
"""

Process = Callable[..., "CompletedProcess[str]"]


def loaded(process: Process, *lines: list[str]) -> tuple[list[int], set[str]]:
    done = process("-c", LOOK, json.dumps(lines))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return found["codes"], set(found["loaded"])


def test_no_verb_of_the_front_imports_anything_heavy(process: Process) -> None:
    codes, modules = loaded(
        process,
        ["plan", "+recipe=quickstart"],
        ["plan", "--json", "+recipe=qlora_mistral"],
        ["plan", "peft=lorra"],
        ["recipes"],
        ["runs"],
        ["diff", "quickstart", "lora_smollm2_135m"],
        ["replay", "nowhere"],
        ["help"],
    )
    assert codes == [0, 0, 2, 0, 0, 1, 2, 0]
    assert modules & set(HEAVY) == set()
