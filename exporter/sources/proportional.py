"""How much of what processes hold in memory is theirs alone, pages that several share divided among them.

The kernel goes through all pages of a process to tell that, so few are asked at each sample, in turns, those that hold
most first, for a fixed share of the time. In between it is told by the share that it had.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from exporter.services.members import UNDECIDED, Membership
from exporter.services.usage import Sample

SHARE_OF_TIME = 1e-4
MOST_SECONDS = 5e-4  # at one sample, but for what the last process asked takes longer
TURN_SECONDS = 60.0  # no process is asked more often
MOST_BYTES = 8 << 30  # of a process that is asked: a tenth of a second
_LEAST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Size:
    resident_bytes: int
    proportional_bytes: int


class ProportionalSizes:
    """Asks processes in turns.

    Args:
        proc: the host's /proc.
        clock: seconds of this thread's processor time.
    """

    def __init__(self, proc: Path, clock: Callable[[], float] = time.thread_time) -> None:
        self._proc = str(proc)
        self._clock = clock
        self._resident: dict[int, int] = {}
        self._sizes: dict[int, _Size] = {}
        self._turn: list[int] = []  # those yet to be asked, the largest last
        self._turn_at = float("-inf")
        self._credit = 0.0
        self._at: float | None = None

    def shares(
        self, changed: Iterable[Sample], alive: Set[int], members: Mapping[int, Membership], now: float
    ) -> dict[str, float]:
        """Return of each service, as far as known, which share of its resident memory is its own.

        Args:
            changed: samples of those that used anything, and of those that are new.
            alive: all processes.
            members: which service each is counted for.
            now: seconds, never falling.
        """
        for pid in self._resident.keys() - alive:
            del self._resident[pid]
            self._sizes.pop(pid, None)
        for sample in changed:
            self._resident[sample.pid] = sample.usage.resident_bytes
        self._ask(now)
        resident: defaultdict[str, int] = defaultdict(int)
        proportional: defaultdict[str, int] = defaultdict(int)
        for pid, size in self._sizes.items():
            service = members[pid].service if pid in members else UNDECIDED
            if service != UNDECIDED:
                resident[service] += size.resident_bytes
                proportional[service] += size.proportional_bytes
        return {service: proportional[service] / held for service, held in resident.items()}

    def _ask(self, now: float) -> None:
        """Ask for as long as there is time."""
        elapsed = now - self._at if self._at is not None else 0.0
        self._at = now
        self._credit = min(MOST_SECONDS, self._credit + elapsed * SHARE_OF_TIME)
        if not self._turn and self._credit > 0.0 and now - self._turn_at >= TURN_SECONDS:
            self._turn_at = now
            asked = [pid for pid, held in self._resident.items() if _LEAST_BYTES <= held <= MOST_BYTES]
            self._turn = sorted(asked, key=self._resident.__getitem__)
        while self._turn and self._credit > 0.0:
            begun = self._clock()
            self._ask_one(self._turn.pop())
            self._credit -= self._clock() - begun

    def _ask_one(self, pid: int) -> None:
        """Read one process; what was known of it stays where it has ended, or may not be looked at."""
        try:
            descriptor = os.open(f"{self._proc}/{pid}/smaps_rollup", os.O_RDONLY | os.O_CLOEXEC)
            try:
                text = os.read(descriptor, 4096)
            finally:
                os.close(descriptor)
        except OSError:
            return
        size = parsed(text)
        if size is not None:
            self._sizes[pid] = size


def parsed(text: bytes) -> _Size | None:
    """Return what /proc/PID/smaps_rollup tells; None of a process without memory."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b":")
        fields = rest.split()
        if name in (b"Rss", b"Pss") and len(fields) == 2 and fields[0].isdigit():
            found[name] = int(fields[0]) << 10
    resident = found.get(b"Rss", 0)
    return _Size(resident, min(found.get(b"Pss", 0), resident)) if resident else None
