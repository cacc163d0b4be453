"""Rules on what is measured while training, and on what is decided by it."""

from collections.abc import Iterator

from ftrecipe import best
from ftrecipe.config import RunConfig
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.rules.register import chosen, rule

STEPS = "add trainer.eval_steps=<steps between two measurements>"
SPLIT = "set dataset.split.validation or dataset.validation_path"


@rule
def _evaluations(run: RunConfig) -> Iterator[str]:
    """Check that evaluations happen where something waits for them."""
    trainer = run.trainer
    waits = {
        "eval_suites": bool(trainer.eval_suites),
        "metric_for_best_model": trainer.metric_for_best_model is not None,
        "load_best_model_at_end": trainer.load_best_model_at_end,
        "early_stopping_patience": trainer.early_stopping_patience is not None,
    }
    asked = [f"trainer.{name}" for name, wanted in waits.items() if wanted]
    if trainer.eval_steps is None:
        yield from (f"{key}: nothing is measured while training; {STEPS}" for key in asked)
    elif run.dataset.validation_path is None and not run.dataset.split.validation:
        yield f"trainer.eval_steps: the data has no validation split to measure on; {SPLIT}"


@rule
def _metric_for_best_model(run: RunConfig) -> Iterator[str]:
    name, known = run.trainer.metric_for_best_model, list(best.known(run))
    if name is None:
        return
    if best.direction(run) is None:
        suite = name.partition(".")[0]
        way = did_you_mean(name, known)
        if suite in run.eval and suite not in run.trainer.eval_suites:
            way = f"; add trainer.eval_suites=[{','.join([*run.trainer.eval_suites, suite])}]"
        yield (
            f"trainer.metric_for_best_model={name}: is not measured while training{way} "
            f"(known: {listed(known)})"
        )
    elif not run.trainer.keeps_best:
        yield (
            f"trainer.metric_for_best_model={name} decides nothing; add "
            "trainer.load_best_model_at_end=true or trainer.early_stopping_patience=3"
        )


@rule
def _earlier_weights(run: RunConfig) -> Iterator[str]:
    if run.trainer.load_best_model_at_end and not run.peft.keeps_shapes:
        yield (
            f"trainer.load_best_model_at_end: {chosen(run, 'peft')} changes the shapes of what it "
            "trains, so that earlier weights do not fit in again; use peft=lora, or leave it out"
        )


@rule
def _eval_suites(run: RunConfig) -> Iterator[str]:
    for name in run.trainer.eval_suites:
        if name not in run.eval:
            chosen = list(run.eval)
            hint = did_you_mean(name, chosen) or f"; add it: eval=[{','.join([*chosen, name])}]"
            yield (
                f"trainer.eval_suites=[{name}]: is not a suite of this run{hint} "
                f"(known: {listed(chosen) or 'none'})"
            )
        elif run.trainer.eval_suites.count(name) > 1:
            yield f"trainer.eval_suites: {name} is named twice"
            return
        elif not run.eval[name].caches:
            yield (
                f"trainer.eval_suites=[{name}]: a clock says nothing in the middle of a training; "
                f"leave {name} out of it: eval=[{name}] measures before and after"
            )
