"""Which process of a stage this one is, and the record that it keeps of how it fares."""

import os
import socket
import time
from dataclasses import dataclass

from ftrecipe.config import RunConfig
from ftrecipe.errors import StageError
from ftrecipe.rundir import RunDir, write_json

ALONE = "train"
"""The stage that may run in several processes, and then runs by itself."""


@dataclass(frozen=True)
class Rank:
    """One of `world` processes; `launched` by an agent, or a process that somebody started."""

    number: int = 0
    local: int = 0  # among the processes of this machine
    world: int = 1
    launched: bool = False

    @classmethod
    def here(cls) -> "Rank":
        """Read what torch.distributed.run tells its workers.

        LOCAL_RANK is what gives them away: some clusters set RANK and WORLD_SIZE a machine.
        """
        if "LOCAL_RANK" not in os.environ:
            return cls()
        told = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
        number, local, world = (int(os.environ[name]) for name in told)
        return cls(number, local, world, launched=True)

    @property
    def first(self) -> bool:
        """Tell the one that keeps the run's files and speaks to the person."""
        return self.number == 0

    def check(self, run: RunConfig, stages: list[str]) -> None:
        """Raise StageError where this is not the number of processes that the plan asked for."""
        planned = run.world_size if stages == [ALONE] else 1
        if self.world != planned:
            raise StageError(
                f"{' and '.join(stages)} should run in {_processes(planned)} and was started in "
                f"{_processes(self.world)}; start it with the command in plan.sh"
            )
        if run.strategy.distributed and stages == [ALONE] and not self.launched:
            raise StageError(
                "this strategy needs the agent that plan.sh starts; run the command in plan.sh"
            )


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


class Record:
    """Says on disk how a launched rank fares, for whoever looks after all of them."""

    def __init__(self, rundir: RunDir, rank: Rank) -> None:
        """Begin anew; the first rank also clears away ranks that there no longer are."""
        self.rundir, self.rank = rundir, rank
        if rank.launched and rank.first:
            for file in rundir.logs.glob("rank_*.json"):
                if int(file.stem.removeprefix("rank_")) >= rank.world:
                    file.unlink(missing_ok=True)
        self.say("running")

    def say(self, state: str, error: str | None = None) -> None:
        """Write `running`, `finished`, `failed` or `stopped`, and why."""
        if self.rank.launched:
            write_json(
                self.rundir.rank_record(self.rank.number),
                {"rank": self.rank.number, "pid": os.getpid(), "host": socket.gethostname(),
                 "state": state, "error": error, "at": time.time()},
            )  # fmt: skip
