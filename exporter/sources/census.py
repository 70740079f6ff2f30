"""Keeps the processes of a host and their own names: facts are read while they are young, and once after an exec."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from exporter.identity.ladder import own_name
from exporter.identity.tree import Candidate
from exporter.sources.procfs import Procfs

RECHECK_SECONDS = 5.0  # by then a wrapper has executed its program and a server has set its title
_KERNEL_ROUNDS = 64  # in so many refreshes every kernel thread's PID is looked at again: it may be reused


@dataclass(slots=True)
class _Visit:
    """When a process was first seen and is to be read again; `due` is infinite once nothing is expected to change."""

    first_at: float
    due: float
    read_at: float


class Census:
    """The processes of one /proc, kernel threads left out.

    Attributes:
        candidates: by PID; replaced, never changed, when anything changed.
        hidden: how many of the processes listed could not be read at the last refresh.
    """

    def __init__(self, procfs: Procfs) -> None:
        self._procfs = procfs
        self._visits: dict[int, _Visit] = {}
        self._pending: set[int] = set()  # those that are due at some time
        self._kernel: set[int] = set()
        self._listed: set[int] = set()  # at the last refresh
        self._rounds = 0
        self._lost_some = False
        self.candidates: dict[int, Candidate] = {}
        self.hidden = 0

    def refresh(self, now: float) -> bool:
        """Follow processes that came, went or are due to be read again; return whether any candidate changed.

        Raises:
            OSError: /proc itself cannot be read.
        """
        pids = self._procfs.pids()
        due = [pid for pid in self._pending if now >= self._visits[pid].due]
        if pids is self._listed and not due and not self._lost_some:
            return False
        self._listed = pids
        self._rounds += 1
        slot = self._rounds % _KERNEL_ROUNDS
        self._kernel = {pid for pid in self._kernel if pid in pids and pid % _KERNEL_ROUNDS != slot}
        gone = self.candidates.keys() - pids
        for pid in (self._visits.keys() - self.candidates.keys()) | gone:
            self._visits.pop(pid, None)
        self._pending &= self._visits.keys()
        due = [pid for pid in due if pid in self._pending]
        fresh = pids - self.candidates.keys() - self._kernel
        self.hidden = 0
        changed, updated = bool(gone), self.candidates
        if gone or fresh or due:
            updated = dict(self.candidates)
            for pid in gone:
                del updated[pid]
            for pid in fresh.union(due):
                self._visit(pid, updated, now)
                changed = changed or updated.get(pid) is not self.candidates.get(pid)
        if changed:
            self.candidates = updated
        changed, self._lost_some = changed or self._lost_some, False
        return changed

    def age_seconds(self, pid: int, now: float) -> float:
        """Return how long a process has been known; one that was there before the first refresh is not young."""
        visit = self._visits.get(pid)
        return now - visit.first_at if visit else 0.0

    def executed(self, pid: int, now: float) -> None:
        """Note that a process runs another program now, or is another process: it is read again at the next refresh.

        A process that renames itself all the time is read every few seconds, no more.
        """
        visit = self._visits.get(pid)
        if visit is not None:
            visit.due = max(now, visit.read_at + RECHECK_SECONDS)
            self._pending.add(pid)

    def lost(self, pids: Collection[int]) -> None:
        """Forget processes that ended while they were listed: who has such a PID at the next refresh is another one."""
        if pids:
            self.candidates = {pid: one for pid, one in self.candidates.items() if pid not in pids}
            self._lost_some = True

    def _visit(self, pid: int, updated: dict[int, Candidate], now: float) -> None:
        """Read a process's facts; leaves it out where it has ended, and keeps what was known of a zombie."""
        stat = self._procfs.stat(pid)
        before = updated.get(pid)
        if stat is None:
            updated.pop(pid, None)
            self._visits.pop(pid, None)
            self._pending.discard(pid)
            self.hidden += 1
            return
        if stat.is_kernel:
            self._kernel.add(pid)
            return
        same = before is not None and before.facts.start_ticks == stat.start_ticks
        visit = self._visits.get(pid)
        if visit is None or not same:
            first_at = now if self._rounds > 1 else float("-inf")
            visit = self._visits[pid] = _Visit(first_at, now if self._rounds > 1 else now + RECHECK_SECONDS, now)
        else:
            # A young one is read at each look: what it executes and calls itself is its name from then on.
            visit.due, visit.read_at = (now if now - visit.first_at < RECHECK_SECONDS else math.inf), now
        if visit.due < math.inf:
            self._pending.add(pid)
        else:
            self._pending.discard(pid)
        if same and stat.is_zombie:
            return
        facts = self._procfs.facts(pid, stat)
        if not same or before is None or before.facts != facts:
            updated[pid] = Candidate(facts, own_name(facts))
