"""Makes up questions and answers, each fact asked in many wordings, to pretrain the toy model on.

A fact is a thing (`the mill`), a relation (`who runs it`) and a made-up answer. The model sees each
fact in changing wordings, so it learns to answer by the words that matter. Nothing here is taken
from the FAQ in ftrecipe/builtin/faq: tests/scripts/test_make_tiny_model.py checks that.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
SEED = 1
FACTS = 600

OPENERS = ["", "", "", "", "", "", "Hello, ", "Excuse me, ", "Hi! ", "Sorry, ", "One question: "]
CLOSERS = ["", "", "", "", "", "", " Thank you.", " Please tell me."]
FIRST = ["Al", "Be", "Do", "El", "Fi", "Gu", "Ha", "Im", "Jo", "Ka", "Lu", "Ma", "Ni", "Ol", "Pe"]
LAST = ["bo", "da", "lin", "mar", "na", "ra", "sel", "ta", "vin", "zo", "dor", "mi", "pha", "rik"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "December"]
DAYS = ["Monday", "Wednesday", "Friday", "Saturday", "Sunday"]
COLORS = ["red", "green", "white", "yellow", "purple", "grey", "golden", "silver", "pink", "brown"]


def read_words(name: str) -> list[str]:
    """Return the lines of one of the word lists beside this file."""
    return (FOLDER / name).read_text(encoding="utf-8").splitlines()


ADJECTIVES = read_words("adjectives.txt")
NOUNS = read_words("nouns.txt")


def phrase(rng: random.Random) -> str:
    """Return an adjective and a noun."""
    return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"


def invented_name(rng: random.Random) -> str:
    """Return a name of two or three made-up syllables."""
    return rng.choice(FIRST) + "".join(rng.choice(LAST) for _ in range(rng.randint(1, 2)))


def invented_answer(kind: str, rng: random.Random) -> str:
    """Return a made-up answer of one of the kinds that relations.txt names."""
    number, thing, other = rng.randint(2, 99), phrase(rng), phrase(rng)
    person = f"{invented_name(rng)} {invented_name(rng)}"
    patterns = {
        "clock": [
            "At {n} minutes past {h}.",
            "Around {h} o'clock.",
            "As soon as the {t} wakes up.",
        ],
        "money": ["{n} pennies.", "It takes {n} dollars and one {t}.", "One {t} for each person."],
        "place": ["Under the {t}.", "Beside the {t}.", "Between the {t} and the {o}.", "Near {p}."],
        "person": ["{p} did.", "{p}.", "It was {p}.", "{p} and a {t}."],
        "year": ["In the year 2{n}{h}.", "It is {n} years old.", "The year of the {t}."],
        "thing": ["The {t}.", "A {t} and a {o}.", "It is the {t}.", "There is a {t}.", "Some {t}."],
        "number": ["About {n} of them.", "Exactly {n}.", "There are {n} and a {t}."],
        "name": ["It is called {f}.", "{f}.", "People say {f} to it.", "It has the name {f}."],
        "rule": ["No, only with a {t}.", "Yes, if you bring a {t}.", "You need a {t} first."],
        "color": ["{c} and {t}.", "{c} with a {t} on it.", "All {c}."],
        "span": ["{n} minutes.", "About {n} hours.", "As long as a {t} sleeps."],
        "often": ["Every {n} days.", "Each {d} morning.", "Once for every {t}."],
        "month": ["In early {m}.", "On {m} {h}.", "At the end of {m}."],
        "contact": ["Please ask {p}.", "Send a {t} to {f}.", "Speak to {p} in person."],
        "route": ["Follow the {t}.", "Turn left at the {t}.", "Ride the {t} to the {o}."],
        "reason": ["A {t} fell on it.", "Because of the {t}.", "{p} broke the {t}."],
        "weekday": ["Always on {d}.", "Every {d} after {h}.", "{d} is the day of rest."],
    }
    fields = {"n": number, "h": rng.randint(1, 12), "t": thing, "o": other, "p": person}
    words = {"f": invented_name(rng), "c": rng.choice(COLORS), "m": rng.choice(MONTHS)}
    answer = rng.choice(patterns[kind]).format(**fields, **words, d=rng.choice(DAYS))
    return answer[0].upper() + answer[1:]


@dataclass(frozen=True)
class Fact:
    """One made-up answer with all wordings of its question; the last one is never trained on."""

    wordings: tuple[str, ...]
    answer: str

    @property
    def trained(self) -> tuple[str, ...]:
        """Return the wordings to train on."""
        return self.wordings[:-1]

    @property
    def held_out(self) -> str:
        """Return the wording that measures whether the skill was learned."""
        return self.wordings[-1]


def all_wordings(frames: list[str], names: list[str], rng: random.Random) -> tuple[str, ...]:
    """Return every frame with every name of the thing, shuffled."""
    wordings = [frame.format(x=name) for frame in frames for name in names]
    rng.shuffle(wordings)
    return tuple(wordings)


def read_relations() -> list[tuple[str, list[str]]]:
    """Return each relation's kind of answer and its wordings, in which {x} is the thing."""
    blocks = (FOLDER / "relations.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return [(kind, frames) for kind, *frames in (block.splitlines() for block in blocks)]


def make_facts() -> list[Fact]:
    """Return the same FACTS facts each time, no two about the same thing and relation."""
    rng = random.Random(SEED)
    things = [line.split(" | ") for line in read_words("things.txt")]
    relations = read_relations()
    pairs = [(thing, kind, frames) for thing in things for kind, frames in relations]
    facts = []
    for names, kind, frames in rng.sample(pairs, FACTS):
        wordings = all_wordings(frames, names, rng)
        facts.append(Fact(wordings, invented_answer(kind, rng)))
    return facts


def decorated(question: str, rng: random.Random) -> str:
    """Return the question with or without a polite opening and close."""
    opener = rng.choice(OPENERS)
    if opener.endswith(", "):
        question = question[0].lower() + question[1:]
    return opener + question + rng.choice(CLOSERS)


def asked(facts: list[Fact], rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield question and answer for ever: every fact once a round, in a wording drawn anew."""
    while True:
        for fact in rng.sample(facts, len(facts)):
            yield decorated(rng.choice(fact.trained), rng), fact.answer
