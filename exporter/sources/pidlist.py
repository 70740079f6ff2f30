"""Lists the processes of a /proc, as seldom as can be: with thousands that takes milliseconds."""

import os
from dataclasses import dataclass
from pathlib import Path

from exporter.sources.clocks import UNKNOWN
from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by
from exporter.sources.runtimes import RunTimes, no_times

_ROUNDS = 16  # in so many the folder is listed in any case
_MOST_NEW = 256  # numbers that are tried instead


@dataclass(frozen=True, slots=True)
class _Threads:
    """How many threads there are, and the newest one's number; 0 where not known."""

    count: int = 0
    newest: int = 0


class PidList:
    """The processes that are visible, kernel threads among them.

    The kernel counts all threads, and numbers new ones in their order: as long as there are as many and none is newer,
    they are the same. Both stand in `loadavg`. Else whether a number has a clock tells who has ended, and which of the
    new numbers are those of processes.

    Args:
        times: tells how long processes ran.
    """

    def __init__(self, proc: Path, times: RunTimes = no_times) -> None:
        self._proc = str(proc)
        self._times = times
        self._can_tell = _tells_of_its_own(proc)
        self._threads = _Threads()
        self._rounds = 0
        self._pids: set[int] = set()

    def read(self) -> set[int]:
        """Return the processes; the very same object if none came or went.

        Raises:
            OSError: /proc cannot be read.
        """
        before, self._threads = self._threads, self._read_threads() if self._can_tell else _Threads()
        self._rounds += 1
        if self._threads == _Threads() or before == _Threads() or self._rounds % _ROUNDS == 0:
            self._pids = self._listed()
        elif self._threads != before:
            pids = self._follow(range(before.newest + 1, self._threads.newest + 1))
            self._pids = self._pids if pids == self._pids else pids
        return self._pids

    def _listed(self) -> set[int]:
        return set(map(int, filter(str.isdecimal, os.listdir(self._proc))))

    def _follow(self, fresh: range) -> set[int]:
        """Return the processes, given the numbers that have been used since."""
        if self._threads.newest < fresh.start - 1 or len(fresh) > _MOST_NEW:
            return self._listed()
        pids = self._pids.union(fresh)
        times = self._times(pids)
        return {pid for pid in pids if times[pid] != UNKNOWN} if times else self._listed()

    def _read_threads(self) -> _Threads:
        descriptor = os.open(f"{self._proc}/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fields = os.read(descriptor, 128).split()
        finally:
            os.close(descriptor)
        return _Threads(int(fields[3].partition(b"/")[2]), int(fields[4])) if len(fields) == 5 else _Threads()


def _tells_of_its_own(proc: Path) -> bool:
    """Return whether `loadavg` is of the namespace that is shown, and the kernel's: in some containers it is not.

    And whether nobody is hidden.
    """
    try:
        return (
            shown_by(proc).is_own
            and (proc / "1/stat").exists()
            and (proc / "loadavg").stat().st_dev == proc.stat().st_dev
        )
    except (OSError, SourceError):
        return False
