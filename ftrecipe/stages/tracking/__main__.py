"""The tracker's own process: `python -m ftrecipe.stages.tracking RUN_DIR`, told by its stdin.

After `go` it sends what the history has, and goes on as more is written. `end` has it send the
rest, `final` also what came of the run; it leaves after either, or when nobody is there any more.
Lines that begin with a sign are for who started it; all else goes to the log.
"""

import importlib
import os
import select
import sys
from pathlib import Path
from typing import Any

from ftrecipe.config import from_plain
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.sealing import opened
from ftrecipe.stages.signals import die_with_parent
from ftrecipe.stages.tracking.feed import Feed
from ftrecipe.stages.tracking.sender import ALIVE, BUSY, FAILED, FINAL, GO, POLL, READY, SIGN


def main(folder: str) -> int:
    """Follow the run in `folder`; return the exit code."""
    die_with_parent()
    rundir = RunDir(Path(folder))
    try:
        run = from_plain(opened(read_json(rundir.run)["config"], os.environ, where=str(rundir.run)))
        importlib.import_module(str(run.tracking.package))  # takes as long as it takes, once
        say(ALIVE)
        feed = Feed(rundir, run.tracking)
        say(READY)
        last = follow(feed, Words())
        if last == FINAL:
            feed.final()
        if last:
            feed.close(complete=last == FINAL)
    except Exception as error:  # noqa: BLE001 - whatever it is, who started it is told
        lines = str(error).splitlines() or [""]
        say(FAILED, f"{type(error).__name__}: {lines[0]}")
        return 1
    return 0


def follow(feed: Feed, words: "Words") -> str:
    """Send what is written, once there is a word to, until a last one comes; return that.

    "" stands for a starter that is gone: what is left is sent by whoever goes on with the run.
    """
    word = words.next(None)
    while word in (None, GO):
        if feed.waits:
            say(BUSY)
            feed.more()
            say(ALIVE)
        word = words.next(POLL)
    if word and feed.waits:
        say(BUSY)
        feed.more()
    return word or ""


class Words:
    """What is said to this process, a line a word."""

    def __init__(self, source: int = 0) -> None:
        self.source, self.heard, self.gone = source, b"", False

    def next(self, seconds: float | None) -> str | None:
        """Return the next word, None where none comes for so long, "" where nobody is there."""
        while b"\n" not in self.heard and not self.gone:
            ready, _, _ = select.select([self.source], [], [], seconds)
            if not ready:
                return None
            more = os.read(self.source, 1024)
            self.heard, self.gone = self.heard + more, not more
        word, _, self.heard = self.heard.partition(b"\n")
        return word.decode()


def say(word: str, more: Any = "") -> None:
    """Tell who started this process."""
    print(f"{SIGN}{word} {more}".rstrip(), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
