"""How often a 95 % interval holds the true change, and how often no gain is called better.

usage: python benchmarks/intervals.py [--simulations 2000] [--examples 30 100 400]

Two models answer the same simulated examples: exact matches, token F1 with many ones and zeros,
losses of texts of very unequal lengths, labels for a macro F1. What is true is known from two
million examples. Every simulation draws new examples and asks `ftrecipe.compare` for the interval.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ftrecipe.compare.bootstrap import Paired, Settings
from ftrecipe.compare.tallies import Row, Sums

TRUTH = 2_000_000
Columns = dict[str, np.ndarray]


class Simulated:
    """A suite whose rows are what they add to the sums: means, ratios, their exp, an F1."""

    def tally(self, row: Row) -> dict[str, float]:
        return row

    def scores(self, sums: Sums) -> Columns:
        loss = sums["nll"] / sums["tokens"]
        wrong = sums["missed"] + sums["mistaken"]
        return {
            "mean": sums.mean("score"),
            "exact_match": 100 * sums.mean("exact_match"),
            "f1": 100 * sums.mean("f1"),
            "loss": loss,
            "perplexity": np.exp(loss),
            "macro_f1": 50 * (_f1(sums["hits"], wrong) + _f1(sums["refused"], wrong)),
        }


def _f1(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    return np.divide(2 * right, 2 * right + wrong, out=np.zeros_like(right), where=right > 0)


def two_models(dice: np.random.Generator, count: int, gain: bool) -> tuple[Columns, Columns]:
    """Return tuned and base model on the same examples; without `gain` neither is better."""
    hard, length = dice.normal(size=count), np.exp(dice.normal(3, 0.6, size=count))
    world = hard, np.maximum(1, np.round(length)), dice.gamma(4, 0.5, size=count), (
        dice.random(count) < 0.3
    )  # fmt: skip
    return _one(dice, *world, skill=0.3 * gain), _one(dice, *world, skill=0.0)


def _one(
    dice: np.random.Generator,
    hard: np.ndarray,
    tokens: np.ndarray,
    surprise: np.ndarray,
    positive: np.ndarray,
    skill: float,
) -> Columns:
    count = len(hard)
    score = hard + skill + 0.8 * dice.normal(size=count)
    share = 1 / (1 + np.exp(-2 * score))
    said = np.where(hard + 0.7 * dice.normal(size=count) < 0.8 + skill, positive, ~positive)
    return {
        "score": score,
        "exact_match": (share > 0.6).astype(float),
        "f1": np.where(share > 0.85, 1.0, np.where(share < 0.15, 0.0, share)),
        "nll": tokens * surprise * (1 - 0.3 * skill) * dice.gamma(20, 1 / 20, size=count),
        "tokens": tokens,
        "hits": (positive & said).astype(float),
        "missed": (positive & ~said).astype(float),
        "mistaken": (~positive & said).astype(float),
        "refused": (~positive & ~said).astype(float),
    }


@dataclass
class Counted:
    """Of how many simulations an interval held the truth, and of how many a gain was real."""

    simulations: int = 0
    held: int = 0
    better: int = 0
    worse: int = 0

    @property
    def coverage(self) -> float:
        return 100 * self.held / self.simulations


@cache
def truth(gain: bool) -> dict[str, float]:
    """Return the true change of every metric."""
    after, before = two_models(np.random.default_rng(2026), TRUTH, gain)
    now, then = (_scores({k: v.sum(keepdims=True) for k, v in m.items()}) for m in (after, before))
    return {name: float(now[name][0] - then[name][0]) if gain else 0.0 for name in now}


def _scores(sums: Columns) -> Columns:
    values = np.stack(list(sums.values()), axis=1)
    return Simulated().scores(Sums(list(sums), values, np.array([float(TRUTH)])))


def count(examples: int, simulations: int, gain: bool, settings: Settings) -> dict[str, Counted]:
    """Simulate, and count by metric."""
    true, dice = truth(gain), np.random.default_rng(examples)
    found = {name: Counted() for name in true}
    for after, before in _simulated(dice, examples, simulations, gain):
        pair = Paired(Simulated(), after, before, settings)
        for name, counted in found.items():
            change = pair.change(name)
            low, high = change.low or 0.0, change.high or 0.0
            counted.simulations += 1
            counted.held += low <= true[name] <= high
            counted.better += change.real and low > 0
            counted.worse += change.real and high < 0
    return found


def _simulated(
    dice: np.random.Generator, examples: int, simulations: int, gain: bool
) -> Iterator[tuple[list[Row], list[Row]]]:
    for _ in range(simulations):
        after, before = two_models(dice, examples, gain)
        yield rows(after), rows(before)


def rows(model: Columns) -> list[Row]:
    """Return one row an example."""
    return [dict(zip(model, each, strict=True)) for each in zip(*model.values(), strict=True)]


def main() -> None:
    """Print one line a number of examples and metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--examples", type=int, nargs="+", default=[30, 100, 400])
    asked = parser.parse_args()
    settings = Settings()
    print(f"{'examples':>8}  {'metric':<12} {'coverage':>8}  no gain called better, or worse")
    for examples in asked.examples:
        gained = count(examples, asked.simulations, True, settings)
        even = count(examples, asked.simulations, False, settings)
        for name, one in gained.items():
            none = even[name]
            shares = [100 * each / none.simulations for each in (none.better, none.worse)]
            print(
                f"{examples:>8}  {name:<12} {one.coverage:>6.1f} %  "
                f"{shares[0]:>19.1f} % {shares[1]:>8.1f} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
