"""Keeps the processes of a host and their own names: facts are read while they are young, and once after an exec."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from exporter.identity.facts import ProcessFacts
from exporter.identity.ladder import own_name
from exporter.identity.tree import Candidate

RECHECK_SECONDS = 5.0  # by then a wrapper has executed its program and a server has set its title
_KERNEL_ROUNDS = 64  # in so many refreshes every kernel thread's PID is looked at again: it may be reused


class Standing(Protocol):
    """Which process has a number, and whether it is one."""

    @property
    def start_ticks(self) -> int:
        """When it started."""
        ...

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel thread."""
        ...

    @property
    def is_zombie(self) -> bool:
        """Whether it has ended and nobody has waited for it yet."""
        ...


S = TypeVar("S", bound=Standing)


class Processes(Protocol[S]):
    """Lists processes and tells what they are."""

    def pids(self) -> set[int]:
        """Return the processes that are visible now; the same object where none came or went.

        Raises:
            OSError: they cannot be listed.
        """
        ...

    def stat(self, pid: int) -> S | None:
        """Return which process has a number; None where it has ended or may not be seen."""
        ...

    def facts(self, pid: int, stat: S) -> ProcessFacts:
        """Return what the process is; what cannot be read is empty."""
        ...


@dataclass(slots=True)
class _Visit:
    """When a process was first seen and is to be read again; `due` is infinite once nothing is expected to change."""

    first_at: float
    due: float
    read_at: float


class Census(Generic[S]):
    """The processes of one host, kernel threads left out.

    Attributes:
        candidates: by PID; replaced, never changed, when anything changed.
        hidden: how many of the processes listed could not be read at the last refresh.
    """

    def __init__(self, processes: Processes[S]) -> None:
        self._processes = processes
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
            OSError: the processes cannot be listed.
        """
        pids = self._processes.pids()
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

    def reread(self, pids: Collection[int], now: float) -> bool:
        """Read those of some processes again that are young; return whether any candidate changed."""
        young = [pid for pid in pids if pid in self.candidates and self.age_seconds(pid, now) < RECHECK_SECONDS]
        updated = dict(self.candidates) if young else self.candidates
        for pid in young:
            self._visit(pid, updated, now)
        changed = any(updated.get(pid) is not self.candidates[pid] for pid in young)
        if changed:
            self.candidates = updated
        return changed

    def lost(self, pids: Collection[int]) -> None:
        """Forget processes that ended while they were listed: who has such a PID at the next refresh is another one."""
        if pids:
            self.candidates = {pid: one for pid, one in self.candidates.items() if pid not in pids}
            self._lost_some = True

    def _visit(self, pid: int, updated: dict[int, Candidate], now: float) -> None:
        """Read a process's facts; leaves it out where it has ended, and keeps what was known of a zombie."""
        stat = self._processes.stat(pid)
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
        facts = self._processes.facts(pid, stat)
        if not same or before is None or before.facts != facts:
            updated[pid] = Candidate(facts, own_name(facts))
