"""Lists the processes of a /proc, only when any came or went."""

import os
from pathlib import Path

from exporter.sources.errors import SourceError
from exporter.sources.pidnamespace import shown_by

_ROUNDS = 16  # in so many the folder is listed in any case


class PidList:
    """The processes that are visible, kernel threads among them.

    The kernel counts all threads, and numbers new ones in their order: as long as there are as many and none is newer,
    they are the same. Both stand in `loadavg`.
    """

    def __init__(self, proc: Path) -> None:
        self._proc = str(proc)
        self._can_tell = _tells_of_its_own(proc)
        self._token = b""
        self._rounds = 0
        self._pids: set[int] = set()

    def read(self) -> set[int]:
        """Return the processes; the very same object if none came or went.

        Raises:
            OSError: /proc cannot be read.
        """
        token = self._threads() if self._can_tell else b""
        self._rounds += 1
        if not token or token != self._token or self._rounds % _ROUNDS == 0:
            self._pids = set(map(int, filter(str.isdecimal, os.listdir(self._proc))))
            self._token = token
        return self._pids

    def _threads(self) -> bytes:
        """Return how many threads there are and the newest one's number."""
        descriptor = os.open(f"{self._proc}/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fields = os.read(descriptor, 128).split()
        finally:
            os.close(descriptor)
        return fields[3].partition(b"/")[2] + b" " + fields[4] if len(fields) == 5 else b""


def _tells_of_its_own(proc: Path) -> bool:
    """Return whether `loadavg` is of the namespace that is shown, and the kernel's: in some containers it is not."""
    try:
        return shown_by(proc).is_own and (proc / "loadavg").stat().st_dev == proc.stat().st_dev
    except (OSError, SourceError):
        return False
