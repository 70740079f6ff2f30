"""Tells which processes ran, by the clocks of the processor time that each has used.

A process that did not run since it was looked at has done nothing: opened no file, called nothing, waited for no child.
Asking for its clock is a tenth of the cost of reading its `stat`, tells nanoseconds, and everybody may.
"""

import os
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from exporter.sources.clocks import UNKNOWN, processor_times
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by

_FIRST = 1  # the first process of every PID namespace

RunTimes = Callable[[Set[int]], Mapping[int, int]]
"""Returns the nanoseconds that processes have run, by PID, perhaps of others too; `UNKNOWN` where it cannot be told."""


def no_times(_pids: Set[int]) -> Mapping[int, int]:
    """Know of no process whether it ran."""
    return {}


def run_times(proc: Path, ask: RunTimes = processor_times) -> RunTimes:
    """Return what tells the run times of the processes of a /proc.

    It knows none where they have other numbers here, or where clocks are not told, as in some sandboxes.

    Args:
        ask: what tells the run times of this process's own PID namespace.
    """
    try:
        known = ask({os.getpid(), _FIRST}) if shown_by(proc).is_own else {}
    except SourceError:
        return no_times
    return ask if known and UNKNOWN not in known.values() else no_times


class Remembered:
    """Asks once, and answers all who ask until it is told to forget.

    What an answer is too old for only seems to have run once more, and is read again.
    """

    def __init__(self, times: RunTimes) -> None:
        self._times = times
        self._known: dict[int, int] = {}

    def __call__(self, pids: Set[int]) -> Mapping[int, int]:
        """Return the run times of these processes, of others as well."""
        if fresh := pids - self._known.keys():
            self._known.update(self._times(fresh))
        return self._known

    def forget(self) -> None:
        """Ask again from now on."""
        self._known = {}
