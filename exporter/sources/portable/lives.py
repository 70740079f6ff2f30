"""Which process has a number: who has it now may be another one than who had it."""

from collections.abc import Set
from dataclasses import dataclass

import psutil

TICKS_PER_SECOND = 100  # psutil tells starts in seconds since the epoch; so fine is enough to tell processes apart


@dataclass(frozen=True, slots=True)
class Life:
    """A process, and when it started, in ticks since the epoch, by the clock as it was when it was first seen."""

    process: psutil.Process
    start_ticks: int


class Lives:
    """Keeps the processes that were asked for."""

    def __init__(self) -> None:
        self._known: dict[int, Life] = {}

    def of(self, pid: int) -> Life:
        """Return which process has a number; the same object as long as it lives, also if the clock is set.

        Raises:
            psutil.NoSuchProcess: none has.
        """
        life = self._known.get(pid)
        if life is None or not life.process.is_running():
            process = psutil.Process(pid)
            life = self._known[pid] = Life(process, round(process.create_time() * TICKS_PER_SECOND))
        return life

    def keep(self, pids: Set[int]) -> None:
        """Forget all but these."""
        for pid in self._known.keys() - pids:
            del self._known[pid]
