"""What an artefact answered, held against what the trained model did: figures, not judged yet."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ftrecipe.components.eval import Completion
from ftrecipe.errors import StageError
from ftrecipe.stages.engines import Engine, NotAsked
from ftrecipe.stages.exporting.fidelity.asked import Asked
from ftrecipe.stages.exporting.fidelity.asking import Said, once
from ftrecipe.stages.exporting.fidelity.likely import LIKELY, likely
from ftrecipe.stages.exporting.fidelity.reference import Reference

Figures = dict[str, Any]
T = TypeVar("T")
IMPOSSIBLE = -100.0  # nats: what a program may call minus infinity
SHOWN = 4  # tokens before and behind a difference that are shown
STREAMED = 4  # questions that are put to a program that renders templates behind closed doors


def asked_for(ask: Callable[[], T]) -> T | Figures:
    """Return figures, or why a program has no way to give them."""
    try:
        return ask()
    except NotAsked as error:
        return {"not_asked": str(error)}


def tokenization(engine: Engine, asked: Asked) -> Figures:
    """Return of how many texts the ids are the same, and the first difference."""
    wanted = asked.tokenizer(asked.texts, add_special_tokens=False, verbose=False)["input_ids"]
    first: Figures | None = None
    same = 0
    for text, ids in zip(asked.texts, wanted, strict=True):  # type: ignore[arg-type]
        found = engine.tokenized(text)
        same += found == ids
        if found != ids and first is None:
            first = {"text": text, **_difference(asked, ids, found)}
    return {"same": same, "of": len(asked.texts), "first": first}


def template(engine: Engine, asked: Asked) -> Figures:
    """Return of how many conversations the ids are those that were trained on."""
    first: Figures | None = None
    same = of = 0
    for each in asked.conversations:
        refused: str | None = None
        try:
            found = engine.prompt(each.messages, each.tools, each.ready)
        except NotAsked:
            if each.ready:
                raise
            continue
        except StageError as error:
            found, refused = [], str(error)
        of += 1
        same += found == each.ids
        if found != each.ids and first is None:
            told = {"refused": refused} if refused else _difference(asked, each.ids, found)
            first = {"conversation": each.kind, "messages": each.messages, **told}
    return {"same": same, "of": of, "first": first}


def streamed(engine: Engine, asked: Asked) -> Figures:
    """Return of how many questions a program says the same by its own template and by our ids.

    It is what can be known of a template that a program renders where nobody sees it.
    """
    asking = [each for each in asked.examples if each.messages and not each.tools][:STREAMED]
    wanted = engine.generate([each.prompt_ids for each in asking], asked.decoding)
    same, first = 0, None
    for example, said in zip(asking, wanted, strict=True):
        text = "".join(engine.stream(example.messages, asked.decoding)).strip()
        same += text == said.text
        if text != said.text and first is None:
            first = {"messages": example.messages, "by_ids": said.text, "by_template": text}
    return {"same": same, "of": len(asking), "first": first}


def _difference(asked: Asked, wanted: Sequence[int], found: Sequence[int]) -> Figures:
    """Return where two lists of ids part, and what is there."""
    pairs = zip(wanted, found, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(found)))
    around = slice(max(0, at - SHOWN), at + SHOWN + 1)
    return {
        "position": at,
        "expected": list(wanted[around]),
        "found": list(found[around]),
        "expected_pieces": asked.pieces(wanted[around]),
        "found_pieces": asked.pieces(found[around]),
    }


def greedy(engine: Engine, reference: Reference, asked: Asked, said: Said) -> Figures:
    """Return how many answers are the same to the letter, and the first that is not.

    margin: at the token where they part, how much likelier the trained model found its own than
    the next one, in nats: next to nothing is a tie. ended: of the answers that the trained model
    ended by itself, how many end here; those that `ran_on` begin as it said, and go on.
    """
    answers = once(engine, asked.prompts, asked.decoding, said)
    pairs = list(zip(reference.answers, answers, strict=True))
    differing = [row for row, (mine, own) in enumerate(pairs) if mine.text != own.text]
    margins = [_margin(row, answers[row], reference, asked) for row in differing]
    first: Figures | None = None
    if differing:
        row = differing[0]
        example = asked.examples[row] if asked.examples else None
        first = {
            "prompt": example.question if example else asked.tokenizer.decode(asked.prompts[row]),
            "trained": reference.answers[row].text,
            "artefact": answers[row].text,
            "margin": margins[0],
        }
    ended = [(mine, own) for mine, own in pairs if mine.ended]
    ran_on = [o for m, o in ended if o.ended is False and o.text.startswith(m.text)]
    return {
        "same": len(pairs) - len(differing),
        "of": len(pairs),
        "margins": margins,
        "first": first,
        "ended": {
            "same": sum(own.ended is not False for _, own in ended),
            "of": len(ended),
            "ran_on": len(ran_on),
        },
    }


def _margin(row: int, said: Completion, reference: Reference, asked: Asked) -> float:
    """Return how sure the trained model was where an answer parts from its own."""
    tokens, margins = reference.tokens[row], reference.margins[row]
    mine = reference.answers[row].text
    shared = 0
    while shared < min(len(mine), len(said.text)) and mine[shared] == said.text[shared]:
        shared += 1
    for at in range(len(tokens)):
        if len(str(asked.tokenizer.decode(tokens[: at + 1])).strip()) > shared:
            return margins[at]
    return margins[-1]


def distances(engine: Engine, reference: Reference) -> Figures:
    """Return how far log-probabilities are apart, and KL divergences, of all places.

    `max` and `mean` are over tokens that either model finds likely; `max_all` over all of them.
    kl: `to_trained` is KL(trained ‖ artefact), `to_base` KL(base ‖ artefact) in nats, `base` how
    far the training went: KL(base ‖ trained).
    """
    found = engine.next_logprobs(reference.contexts)
    size = min(found.shape[1], reference.logprobs.shape[1])
    mine, own = _whole(reference.logprobs, size), _whole(found, size)
    if np.isnan(own).any():
        return {"finite": False}
    base = None if reference.base is None else _whole(reference.base, size)
    kl = {
        "to_trained": _kl(mine, own),
        "to_base": None if base is None else _kl(base, own),
        "base": None if base is None else _kl(base, mine),
    }
    over = f"tokens that either model gives a probability of {LIKELY} or more"
    return {"finite": True, **_apart(mine, own), "positions": len(mine), "over": over, "kl": kl}


def far(engine: Engine, reference: Reference, asked: Asked) -> Figures | None:
    """Return the same of a long text, as far as the artefact reads; None where there is none.

    tokens: how many were read. It shows what positions do, of which short prompts know little.
    """
    most = engine.declares.get("max_position_embeddings")
    places = [place for place in asked.places if most is None or place < most]
    if not places:
        return None
    rows = slice(len(places))
    found = engine.along(asked.long[: places[-1]], places)
    size = min(found.shape[1], reference.far.shape[1])
    mine, own = _whole(reference.far[rows], size), _whole(found, size)
    if np.isnan(own).any():
        return {"finite": False}
    whole = {"tokens": places[-1], "positions": len(places)}
    return whole | _apart(mine, own) | {"kl": _kl(mine, own)}


def _apart(mine: np.ndarray, own: np.ndarray) -> Figures:
    apart = np.abs(mine - own)
    counts = likely(mine, own)
    return {
        "max": float(apart[counts].max()),
        "mean": float(apart[counts].mean()),
        "max_all": float(apart.max()),
    }


def loss(engine: Engine, reference: Reference, asked: Asked) -> Figures | None:
    """Return the loss of the reference answers, in nats a token; None where there are none.

    max: how far the loss of one answer is off at most, in nats a token of it.
    """
    if not asked.rows:
        return None
    mine, own = np.array(reference.losses), np.array(engine.losses(asked.rows))
    if np.isnan(own).any():
        return {"finite": False}
    tokens = np.array([sum(label >= 0 for label in labels[1:]) for _, labels in asked.rows])
    return {
        "trained": float(mine.sum() / tokens.sum()),
        "artefact": float(own.sum() / tokens.sum()),
        "max": float(np.abs((own - mine) / tokens).max()),
        "answers": len(tokens),
        "tokens": int(tokens.sum()),
    }


def _whole(found: np.ndarray, size: int) -> np.ndarray:
    """Return the first columns with more digits; what is impossible is so to a finite degree."""
    return np.maximum(found[:, :size].astype("f8"), IMPOSSIBLE)


def _kl(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean over positions of KL(first ‖ second), in nats; rounding may not sink it."""
    return max(0.0, float((np.exp(first) * (first - second)).sum(1).mean()))


def ends(engine: Engine, asked: Asked, known: set[int]) -> Figures:
    """Return which end tokens an artefact declares, which of training it does not, and which
    others would cut an answer: parts of texts that are not among those that are `known` to end."""
    declared = engine.ends
    special = {token for token, it in asked.tokenizer.added_tokens_decoder.items() if it.special}
    return {
        "declared": sorted(declared),
        "trained": sorted(asked.ends),
        "lost": asked.pieces(sorted(asked.ends - declared)),
        "cutting": asked.pieces(sorted(declared - known - asked.ends - special)),
    }
