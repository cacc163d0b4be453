"""Reads a million generated WhatsApp messages with ftrecipe and whatstk, and prints the ratios.

usage: PYTHONPATH=<where whatstk is> python benchmarks/data_whatsapp.py [--messages N] [--rounds 3]

whatstk is no part of the project: `pip install --target /tmp/whatstk whatstk` puts it beside it.
Each side has a process of its own, and never runs beside another; only the ratios are to be kept.
"""

import argparse
import datetime
import importlib.util
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SENDERS = ("Alice", "Bob Smith", "Carol", "+44 7700 900123", "~ Dave")
_WORDS = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
    "incididunt",
    "ut",
    "labore",
    "et",
    "dolore",
    "magna",
    "aliqua",
    "café",
    "straße",
    "🎉",
]
_LEAST = {"reading": 5.0, "reading and cleaning": 2.0}
_MOST_BYTES = 1e9


def main() -> None:
    """Time all sides in rounds, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measured(options.side, options.file)))
        return
    if importlib.util.find_spec("whatstk") is None:
        sys.exit("whatstk is not installed: pip install --target /tmp/whatstk whatstk, and set "
                 "PYTHONPATH=/tmp/whatstk")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.txt"
        write_chat(path, options.messages)
        print(f"{options.messages:,} messages, {path.stat().st_size / 1e6:.0f} MB")
        rounds = [{side: run(side, path) for side in SIDES} for _ in range(options.rounds)]
    report(rounds)


def write_chat(path: Path, messages: int) -> None:
    """Write a chat of an Android phone: text, some of it with several lines, and media."""
    rng, time_ = random.Random(0), datetime.datetime(2015, 1, 1)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(messages):
            time_ += datetime.timedelta(
                seconds=rng.choice((20, 60, 200, 20, 300) if rng.random() < 0.99 else (30_000,))
            )
            kind = rng.random()
            said = " ".join(rng.choices(_WORDS, k=rng.randrange(3, 18)))
            if kind < 0.03:
                said = "<Media omitted>"
            elif kind < 0.06:
                said = f"{said}\n{said}"
            file.write(f"{time_:%d/%m/%Y, %H:%M} - {rng.choice(_SENDERS)}: {said}\n")


def run(side: str, path: Path) -> dict[str, float]:
    """Measure one side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, "--file", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(str(done.stdout).splitlines()[-1])


def measured(side: str, path: Path) -> dict[str, float]:
    """Return seconds, processor seconds, peak bytes and messages of one side, imports apart."""
    work = SIDES[side]()
    started, busy = time.perf_counter(), time.process_time()
    messages = work(path)
    return {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - busy,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "messages": messages,
    }


def _whatstk():
    from whatstk import df_from_whatsapp  # pyright: ignore[reportMissingImports]

    return lambda path: len(df_from_whatsapp(str(path), max_size=None))


def _reading():
    from ftrecipe.components.dataset.whatsapp import WhatsApp
    from ftrecipe.data.files import data_files

    return lambda path: sum(1 for _ in WhatsApp().entries(data_files(path, [".txt"])))


def _cleaning():
    from ftrecipe.components.cleaning.boilerplate import Boilerplate
    from ftrecipe.components.dataset.whatsapp import WhatsApp
    from ftrecipe.data.cleaning import Cleaning, Quarantine
    from ftrecipe.data.read import read_examples
    from ftrecipe.data.reading import Reading

    def work(path: Path) -> int:
        reading = Reading(str(path))
        cleaning = Cleaning.of([Boilerplate()], Quarantine(None))
        for _ in read_examples(WhatsApp(path=str(path)), reading, cleaning):
            pass
        return reading.rows

    return work


SIDES = {"whatstk": _whatstk, "reading": _reading, "reading and cleaning": _cleaning}


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Print the medians of all sides and how many times as fast as whatstk they are."""

    def median(side: str, what: str) -> float:
        return statistics.median(one[side][what] for one in rounds)

    for side in SIDES:
        peak = max(one[side]["bytes"] for one in rounds)
        times = f"{median(side, 'seconds'):6.2f} s, {median(side, 'processor'):6.2f} s of processor"
        many = median(side, "messages")
        line = f"{side:21} {times}, peak {peak / 1e6:,.0f} MB, {many:,.0f} messages"
        if side in _LEAST:
            ratios = [one["whatstk"]["seconds"] / one[side]["seconds"] for one in rounds]
            ratio = statistics.median(ratios)
            busy = median("whatstk", "processor") / median(side, "processor")
            good = ratio >= _LEAST[side] and peak < _MOST_BYTES
            line += (f"; {ratio:.1f} times as fast as whatstk (least {min(ratios):.1f}, "
                f"{busy:.1f} by processor seconds), asked "
                     f"{_LEAST[side]:.0f}: {'met' if good else 'MISSED'}")  # fmt: skip
        print(line)


if __name__ == "__main__":
    main()
