"""Puts together report.json: what was read, what was done to it, what speaks against it."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from ftrecipe.amounts import many
from ftrecipe.data.audit.samples import sample
from ftrecipe.data.reading import malformed_faults
from ftrecipe.data.split import HELD_OUT

if TYPE_CHECKING:
    from ftrecipe.data.build import Builder

Report = dict[str, Any]

_SHOWN = 10  # conversations that the template cannot take
_FEW = 100  # examples below which a person is told that there are few
_ONE_VOICE = 0.95  # share of one sender's text from which on the others are hardly heard
_MANY = 0.05  # share of short answers or repeated examples that a person is told of


def report(builder: "Builder") -> Report:
    """Return the whole report of a build."""
    job, corpus, audit = builder.job, builder.corpus, builder.audit
    steps = [one for cleaning in corpus.cleanings for one in cleaning.report()]
    counted = audit.report()
    overlong = builder.overlong
    made: Report = {
        "format": job.source.name(),
        "tokenizer": {"name": job.tokenizer_name, "assumed": job.overlong_is_a_finding},
        "chat_template": job.template_name,
        "train_on": job.train_on.value,
        "trainable": job.source.produces() in job.accepts,
        "sources": [reading.report() for reading in corpus.readings],
        "cleaning": steps,
        "dropped": _dropped(builder, steps),
        "changed": _sum(steps, "changed"),
        **counted,
        "overlong": {
            "policy": overlong.policy.value,
            "max_length": overlong.max_length,
            "found": overlong.found,
            "longest": overlong.longest,
            "fits_99": overlong.fits_99,
            **_cuts(builder),
        },
        "unsupervised_rows": builder.unsupervised.malformed,
        "template": {
            "refused": builder.rendering.malformed,
            "first_refused": builder.rendering.first,
            "reasons": dict(builder.rendering.reasons.most_common(20)),
            **builder.renderer.counts,
        },
        "samples": [sample(row, job.tokenizer, builder.encoder.ends) for row in audit.samples],
    }
    made["failures"] = _failures(builder, made)
    made["warnings"] = _warnings(builder, made)
    return made


def _cuts(builder: "Builder") -> dict[str, int]:
    """Return what became of over-long rows; a plain text has no answers to be cut."""
    counts = dict(builder.overlong.counts)
    if builder.job.source.produces() == "text":
        return {key: count for key, count in counts.items() if key not in ("answer_cut",
                "answers_lost", "pieces_without_answer")}  # fmt: skip
    return counts


def _dropped(builder: "Builder", steps: list[Report]) -> dict[str, int]:
    found = Counter(_sum(steps, "dropped"))
    for reading in builder.corpus.readings:
        found.update(reading.left)
    found.update(builder.too_long)
    found["template"] += builder.rendering.malformed
    found["unsupervised"] += builder.unsupervised.malformed
    return {rule: count for rule, count in found.most_common() if count}


def _sum(steps: list[Report], key: str) -> dict[str, int]:
    found = Counter[str]()
    for step in steps:
        found[step["step"]] += step[key]
    return dict(found)


def _failures(builder: "Builder", made: Report) -> list[str]:
    """Say what forbids training on this data, a line each."""
    source = builder.job.source
    failures = list(builder.corpus.refused)
    failures += malformed_faults(builder.corpus.readings, source.max_malformed)
    failures += _refused(builder)
    if unsupervised := builder.unsupervised.malformed:
        shown = builder.unsupervised.shown
        failures += shown[:5]
        failures.append(f"{many(unsupervised, 'row')} without a token that would be trained on; "
                        "leave them out of the data, or see trainer.train_on")  # fmt: skip
    failures += builder.overlong.failures()
    if not builder.job.trains:
        left = sum(made["examples"].values())
        return failures if left or failures else [f"{_paths(builder)}: no row is left to measure"]
    rows = made["tokens"]["train"]["rows"]
    if rows and not made["eos_supervised"]:
        failures.append("no row ends with an end token that is trained on: the model would never "
                        "learn to stop; see model.chat_template")  # fmt: skip
    if not rows and not failures:
        failures.append(f"{_paths(builder)}: no row is left to train on")
    return failures


def _refused(builder: "Builder") -> list[str]:
    """Say which conversations the chat template cannot take, if there are more than allowed."""
    refused = builder.rendering.malformed
    if refused <= builder.job.source.max_malformed:
        return []
    return [*builder.rendering.shown[:_SHOWN],
            f"{many(refused, 'row')} that the chat template cannot take whole; choose another "
            "(model.chat_template=chatml, say), mend them, or leave them out with "
            f"dataset.max_malformed={refused}"]  # fmt: skip


def _paths(builder: "Builder") -> str:
    return ", ".join(reading.path for reading in builder.corpus.readings)


def _warnings(builder: "Builder", made: Report) -> list[str]:
    """Return what a person should know before training, as plain sentences."""
    return [
        *_few(made),
        *(note for source in made["sources"] for note in source["notes"]),
        *_left_to_a_person(builder),
        *_leaks(made),
        *_voices(builder, made),
        *_answers(builder, made),
        *_cut(builder, made),
        *_template(made),
    ]


def _few(made: Report) -> list[str]:
    train = made["examples"]["train"]
    if train >= _FEW or made["failures"]:
        return []
    return [f"Only {many(train, 'example')} to train on; a few hundred are usually needed."]


def _left_to_a_person(builder: "Builder") -> list[str]:
    """Say what cleaning steps noted, those of all sources together."""
    notes = sum((cleaning.notes() for cleaning in builder.corpus.cleanings), Counter[str]())
    return [told.format(count=count) for told, count in notes.items()]


def _leaks(made: Report) -> list[str]:
    found = []
    for split in HELD_OUT:
        leak = made["contamination"][split]
        if prompts := leak["same_prompt"]:
            found.append(f"{many(prompts, 'prompt')} of the {split} split can be seen in training: "
                         "its scores will flatter the model.")  # fmt: skip
        if overlapping := leak["same_words"]:
            found.append(f"{overlapping:,} training examples have {leak['words']} words in a row "
                         f"in common with the {split} split.")  # fmt: skip
    return found


def _voices(builder: "Builder", made: Report) -> list[str]:
    found = []
    characters = builder.audit.characters
    if len(characters) > 1:
        name, most = characters.most_common(1)[0]
        if (share := most / max(1, sum(characters.values()))) >= _ONE_VOICE:
            found.append(f"{share:.0%} of the text is by {name}.")
    placeholders = sum(source.get("media", 0) + source.get("deleted", 0)
                       for source in made["sources"])  # fmt: skip
    if placeholders and "boilerplate" not in made["changed"]:
        found.append(f"{placeholders:,} placeholders of media and deleted messages stay in the "
                     "text; add boilerplate to cleaning.")  # fmt: skip
    return found


def _answers(builder: "Builder", made: Report) -> list[str]:
    found = []
    examples = sum(made["examples"].values())
    if conflicting := made["duplicates"]["prompts_with_several_answers"]:
        found.append(f"{many(conflicting, 'prompt')} with more than one answer in the data.")
    repeated = made["duplicates"]["repeated_examples"]
    if repeated > _MANY * examples:
        found.append(f"{repeated:,} examples repeat an earlier one word for word; "
                     "add exact_duplicates to cleaning.")  # fmt: skip
    if (short := builder.audit.short_answers) > _MANY * examples:
        found.append("1 answer is shorter than five characters." if short == 1 else
                     f"{short:,} answers are shorter than five characters.")  # fmt: skip
    share = made["eos_supervised"]
    if examples and share < 0.5 and builder.job.source.produces() != "text":
        found.append(f"Only {share:.0%} of rows end with an end token: "
                     "the model may not learn to stop.")  # fmt: skip
    return found


def _cut(builder: "Builder", made: Report) -> list[str]:
    """Say what truncation took of answers; a plain text is meant to be cut."""
    overlong = made["overlong"]
    found = []
    if cut := overlong.get("answer_cut_away"):
        found.append(
            f"Truncation cut the whole answer away from {many(cut, 'row')}; they are left out."
        )
    if cut := overlong.get("answers_lost"):
        found.append(f"Truncation cut away {cut:,} whole answers of rows that keep another.")
    cut = overlong.get("answer_cut")
    if cut and overlong["policy"] != "split":
        found.append(f"Truncation cut off a part of an answer of {many(cut, 'row')}.")
    elif cut and builder.job.source.produces() != "text":
        found.append(f"A cut goes through an answer of {many(cut, 'row')}.")
    return found


def _template(made: Report) -> list[str]:
    found = []
    overlong, template = made["overlong"], made["template"]
    if overlong["policy"] == "error" and overlong["found"] and not made["failures"]:
        found.append(f"{many(overlong['found'], 'row')} longer than "
                     f"{overlong['max_length']:,} tokens of this tokenizer.")  # fmt: skip
    if spliced := template.get("spliced"):
        found.append(f"{spliced:,} answers stand after the template's generation prompt, "
                     "which the template itself would not write before them.")  # fmt: skip
    if disagrees := template.get("disagrees"):
        found.append(f"In {many(disagrees, 'row')} the template's own generation markers differ "
                     "from the tokens that are trained.")  # fmt: skip
    return found
