"""The verb `run`: prepare, baseline, train, evaluate, export, report."""

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.verbs import flags


def run(words: list[str]) -> int:
    """Prepare the data, measure the base, train, measure again, export, report.

    python -m ftrecipe [run] [-m] [key=value …]

    -m, --multirun: every combination of the comma-separated values (Hydra multirun).
    +sweep=<name>: a ready-made sweep of conf/sweep, for instance +sweep=lora_rank_lr.
    """
    given, rest = flags(words, "-m", "--multirun")
    if not rest:
        raise ConfigError(
            "run what? name a recipe, +recipe=<name> (python -m ftrecipe recipes lists them; "
            "+recipe=quickstart is the example), or data of yours, dataset=<file>"
        )
    if given or any(word.lstrip("+").startswith("sweep=") for word in rest):
        from ftrecipe.sweep.front import sweep

        return sweep(rest)
    made = plan.make(compose(rest))
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    return launch.begin(made)
