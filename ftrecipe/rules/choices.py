"""Rules on methods, values and suites: what they read is facts that options declare."""

from collections.abc import Iterator

from ftrecipe import objective
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.nested import out_of_bounds
from ftrecipe.passthrough import argument_faults, tables
from ftrecipe.rules.register import chosen, rule, training_rule

YIELDS = {
    "chat": "chats",
    "completion": "raw completions",
    "text": "plain text",
    "preference": "preference pairs",
    "rated": "rated answers",
}
KEEPS_DOCUMENTS_APART = ("sdpa", "eager", "flash_attention_2", "flash_attention_3")


@rule
def _quantized_base(run: RunConfig) -> Iterator[str]:
    bits = run.quantization.bits
    both = f"{chosen(run, 'peft')} and {chosen(run, 'quantization')}"
    if run.peft.trains_base and bits < 16:
        yield (
            f"{both}: this method trains the base itself, which cannot be done in {bits} bits; "
            "use peft=lora, or quantization=none"
        )
    elif not run.peft.trains_base and bits not in run.peft.allows_bits:
        yield (
            f"{both}: this method cannot be trained on a base in {bits} bits; "
            "use peft=lora, or quantization=none"
        )


@rule
def _cleaning(run: RunConfig) -> Iterator[str]:
    for name, step in run.cleaning.items():
        for fault in step.faults():
            yield f"cleaning.{name}.{fault}"


@rule
def _suites(run: RunConfig) -> Iterator[str]:
    for name, suite in run.eval.items():
        for fault in suite.faults():
            yield f"eval.{name}.{fault}"


@rule
def _bounds(run: RunConfig) -> Iterator[str]:
    """Check every number against the bounds that its field declares."""
    yield from out_of_bounds(run)
    for group in (group.name for group in GROUPS.values() if group.many):
        for name, option in getattr(run, group).items():
            yield from (f"{group}.{name}.{fault}" for fault in out_of_bounds(option))


@rule
def _prompt_learning(run: RunConfig) -> Iterator[str]:
    if run.trainer.gradient_checkpointing and not run.peft.allows_checkpointing:
        yield (
            f"trainer.gradient_checkpointing=true does not work with {chosen(run, 'peft')}; "
            "use trainer.gradient_checkpointing=false"
        )
    if run.trainer.packing and run.peft.prompt_learning:
        yield (
            f"trainer.packing=true: the one learned prompt of {chosen(run, 'peft')} would be that "
            "of several documents; use trainer.packing=false"
        )


@rule
def _special_tokens(run: RunConfig) -> Iterator[str]:
    if run.model.special_tokens and not run.peft.trains_tokens:
        yield (
            f"model.special_tokens: {chosen(run, 'peft')} cannot learn the rows of new tokens; "
            "use peft=lora or peft=full"
        )


@rule
def _passed_on(run: RunConfig) -> Iterator[str]:
    """Check what goes to a library by its own name against that library's names."""
    for group, option in (("peft", run.peft), ("trainer", run.trainer)):
        values = vars(option)
        if values.get("extra"):
            library, reserved = type(option).passes_to, option.reserved
            yield from argument_faults(group, library, values["extra"], values, reserved)


@training_rule
def _accepted(run: RunConfig) -> Iterator[str]:
    accepted, trainer = run.trainer.accepts, GROUPS["trainer"].name_of(type(run.trainer))
    for part, _ in run.dataset.parts([]):
        if part.produces() not in accepted:
            yield (
                f"trainer={trainer} trains on {_either(accepted)}; dataset={part.name()} yields "
                f"{YIELDS[part.produces()]}: look at it with check, or keep its good answers with "
                "convert --to messages --out FILE and train on those"
            )


def _either(kinds: tuple[str, ...]) -> str:
    named = [YIELDS[kind] for kind in kinds]
    return " or ".join([", ".join(named[:-1]), named[-1]] if named[:-1] else named)


@training_rule
def _answers(run: RunConfig) -> Iterator[str]:
    if run.dataset.produces() == "text":
        asked = {name: suite for name, suite in run.eval.items() if suite.generates}
        for name in (name for name, suite in asked.items() if suite.reads() is not None):
            yield f"eval={name} needs questions with answers, not plain text; use eval=[perplexity]"


@rule
def _optimizer(run: RunConfig) -> Iterator[str]:
    known = tables()["optimizers"]
    if run.trainer.optim not in known:
        hint = did_you_mean(run.trainer.optim, known)
        yield f"trainer.optim={run.trainer.optim}: is not an optimizer{hint}"


@rule
def _objective(run: RunConfig) -> Iterator[str]:
    known = objective.known(run)
    if run.objective is not None and objective.direction_of(run.objective, run) is None:
        yield (
            f"objective={run.objective}: is not measured by this run"
            f"{did_you_mean(run.objective, known)} (known: {listed(known)})"
        )


@rule
def _attention_of_packed_rows(run: RunConfig) -> Iterator[str]:
    kind = run.model.attn_implementation
    if run.trainer.packing and kind is not None and kind not in KEEPS_DOCUMENTS_APART:
        yield (
            f"model.attn_implementation={kind} is not known to keep packed documents apart; use "
            f"{' or '.join(KEEPS_DOCUMENTS_APART)}, or trainer.packing=false"
        )
