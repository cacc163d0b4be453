"""The verb `check`: only the data."""

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.verbs import flags


def check(words: list[str]) -> int:
    """Read, clean, audit and tokenise the data and say what was found; no weights are loaded.

    python -m ftrecipe check dataset=whatsapp dataset.path=chat.txt
    python -m ftrecipe check +recipe=qlora_mistral

    Leaves data/report.json, data/report.html and data/quarantine.jsonl in a run directory. Without
    a model it counts with the embedded model's tokenizer. Exit code 2 where the data cannot be
    trained on.
    """
    _, rest = flags(words)
    composition = compose(rest, audit_only=True)
    made = plan.make(composition, counts=False)
    made.stages = ["prepare"]
    if composition.recipe is None:
        made.name = plan.plain_name(f"check_{plan.data_name(composition.run)}")
    made.assumes_model = not composition.names_model
    print("".join(f"{note}\n" for note in composition.notes), end="", flush=True)
    return launch.begin(made)
