"""Finds the process behind each socket, by its inode among the processes' open files.

Looking through every file of every process is expensive, so it is done only for sockets that are new, first where they
most likely are: under the numbers that the kernel gives next, then in processes that are new or have more open files
than their sockets account for; and never in those that did not run meanwhile. No look takes longer than its budget;
what is left waits for the next one, which goes on where this one stopped.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from exporter.sources.clocks import ran_since
from exporter.sources.descriptors import Descriptors
from exporter.sources.runtimes import RunTimes, run_times

FIRST_PID = 1  # holds the sockets of services that it starts on demand
BUDGET_SECONDS = 0.1  # of each look; about fifty thousand descriptors
_SWEEP_SHARE = 0.02  # of the time; a host with few processes is searched at once, one with thousands in small steps
_MAX_SWEEPS = 3  # for one socket: then it is another namespace's, the kernel's, or forbidden
_NOT_SHOWN = -1
_FEW_FILES = 64  # are looked through in a third of a millisecond


@dataclass(slots=True)
class _Wanted:
    """What is looked for: sockets without an owner, and those that the first process may have lent to another."""

    missing: set[int]
    lent: set[int]

    def __bool__(self) -> bool:
        return bool(self.missing or self.lent)


@dataclass(frozen=True, slots=True)
class _File:
    """A descriptor's number, and the inode if it is a socket's."""

    number: int
    inode: int | None


Reading = Generator[_File, None, None]
"""Goes through the files of one process."""


class SocketOwners:
    """The processes that own sockets."""

    def __init__(
        self,
        proc: Path,
        clock: Callable[[], float] = time.perf_counter,
        budget_seconds: float = BUDGET_SECONDS,
        times: RunTimes | None = None,
    ) -> None:
        """Know of no owners.

        Args:
            times: tells which processes ran; by default asks their clocks at each look for new sockets.
            clock: seconds; tells how long a search takes.
            budget_seconds: how long one look may take, by that clock.
        """
        self._proc = str(proc)
        self._clock = clock
        self._budget_seconds = budget_seconds
        self._owners: dict[int, int] = {}
        self._missing: set[int] = set()  # the inodes that have no owner
        self._changed_owners: set[int] = set()
        self._held: Counter[int] = Counter()  # by PID, how many sockets
        self._others: dict[int, int] = {}  # by PID, open files that are no socket of these, at most
        self._descriptors = Descriptors()
        self._lent: set[int] = set()  # owned by the first process
        self._times = times or run_times(proc)
        self._sized: dict[int, int] = {}  # open files, when they were last counted
        self._counted: dict[int, int] = {}  # and how long the process had run before that
        self._suspects: dict[int, int] = {}  # who ran while sockets came that have no owner yet, and in which look
        self._looks = 0
        self._sizes: dict[int, int] = {}  # open files, when they were last looked through
        self._sweeps: dict[int, int] = {}  # how often everything was searched for a socket in vain
        self._due: dict[int, int] = {}  # likely processes and their open files, in the order of the search
        self._sweep: dict[int, int] = {}  # processes that a search of everything has yet to come to
        self._swept_for: frozenset[int] = frozenset()
        self._sweep_after = float("-inf")
        self._readings: dict[int, Reading] = {}  # by PID, of the processes that a look stopped within
        self._hidden: set[int] = set()

    @property
    def forbidden(self) -> int:
        """Return how many of the living processes did not show their files when last looked at."""
        return len(self._hidden)

    @property
    def waiting(self) -> int:
        """Return how many processes are still to be looked through for sockets that have no owner yet."""
        return len(self._due.keys() | self._sweep.keys())

    @property
    def holders(self) -> AbstractSet[int]:
        """Return the processes that own sockets."""
        return self._held.keys()

    @property
    def unowned(self) -> int:
        """Return how many sockets have no owner yet."""
        return len(self._missing)

    def changes(self) -> AbstractSet[int]:
        """Return the inodes of which the owner changed, or became or ceased to be known, since they were last asked."""
        changed, self._changed_owners = self._changed_owners, set()
        return changed

    def resolve(self, inodes: AbstractSet[int], pids: AbstractSet[int], now: float) -> Mapping[int, int]:
        """Return the owner of each inode, as far as it can be told.

        Args:
            inodes: of the sockets in question, as a set.
            pids: all processes.
            now: seconds, of any clock that does not go back.
        """
        known = self._owners.keys() | self._missing
        return self.follow(inodes - known, known - inodes, pids, now)

    def follow(
        self, came: AbstractSet[int], left: AbstractSet[int], pids: AbstractSet[int], now: float
    ) -> Mapping[int, int]:
        """Return the owner of each inode, as far as it can be told.

        Args:
            came, left: the inodes that are in question from now on, and no longer.
            pids: all processes.
            now: seconds, of any clock that does not go back.
        """
        self._looks += 1
        self._forget(left, pids)
        self._missing.update(came - self._owners.keys())
        missing = {one for one in self._missing if self._sweeps.get(one, 0) < _MAX_SWEEPS}
        wanted = _Wanted(missing, set(self._lent))
        unseen = missing - self._sweeps.keys()
        begun = self._clock()
        if unseen or (wanted.lent and not self._sizes.keys() >= set(pids)):
            changed = self._changed(pids)
            self._guess(changed, wanted, begun)
            unseen &= wanted.missing
            self._due = self._likely(changed, with_holders=bool(unseen))
            self._sweeps.update(dict.fromkeys(unseen, 0))
        if self._search(self._due, wanted, begun) and wanted.missing and now >= self._sweep_after:
            self._go_on_sweeping(wanted, pids, now, begun)
        if not wanted.missing:
            self._sweep = {}
            # Who ran in this look may have opened a socket after the sockets were listed.
            self._suspects = {pid: look for pid, look in self._suspects.items() if look == self._looks}
        for pid in self._readings.keys() - self._due.keys() - self._sweep.keys():
            self._readings.pop(pid).close()
        return self._owners

    def close(self) -> None:
        """Let go of the folders that are being read."""
        for reading in self._readings.values():
            reading.close()
        self._readings.clear()

    def _forget(self, left: AbstractSet[int], pids: AbstractSet[int]) -> None:
        """Drop what is gone; a socket that outlives its owner is looked for as a new one."""
        ended = self._held.keys() - pids
        orphans = {inode for inode, pid in self._owners.items() if pid in ended} - left if ended else set()
        if orphans:
            self._suspects = dict.fromkeys(pids, self._looks)  # who shares a socket need not run to have it
        for inode in self._owners.keys() & (left | orphans):
            self._descriptors.closed(self._owners[inode], inode)
            self._disown(inode)
        self._missing.difference_update(left)
        self._missing |= orphans
        self._descriptors.forget(ended)
        for inode in self._sweeps.keys() & left:
            del self._sweeps[inode]
        for places in (self._sizes, self._others, self._due, self._sweep):
            for pid in places.keys() - pids:
                del places[pid]
        self._hidden.intersection_update(pids)

    def _disown(self, inode: int) -> None:
        pid = self._owners.pop(inode)
        self._held[pid] -= 1
        if not self._held[pid]:
            del self._held[pid]
        self._lent.discard(inode)
        self._changed_owners.add(inode)

    def _likely(self, changed: Mapping[int, int], with_holders: bool) -> dict[int, int]:
        """Return the processes to look through for a new socket, the likeliest first, and their open files.

        Args:
            changed: those whose number of open files changed.
            with_holders: whether to add those of which it did not, but which have other sockets than before.
        """
        likely = {pid: files for pid, files in changed.items() if not self._is_explained(pid, files)}
        self._sizes.update((pid, files) for pid, files in changed.items() if pid not in likely)
        if with_holders:
            holders = (self._held.keys() & self._suspects.keys()).difference(changed, (FIRST_PID,))
            files = {pid: self._sized.get(pid, _NOT_SHOWN) for pid in holders}
            likely.update((pid, some) for pid, some in files.items() if not self._is_explained(pid, some))
        return likely

    def _is_explained(self, pid: int, files: int) -> bool:
        """Return whether a process has no more open files than its known sockets and the others account for.

        It may have closed another file for a socket all the same: that one is found by a search of everything.
        """
        others = files - self._held.get(pid, 0)
        known = self._others.get(pid)
        if known is None or files <= _FEW_FILES:  # never looked through, or soon done
            return False
        self._others[pid] = min(others, known)
        return others <= known

    def _guess(self, changed: Collection[int], wanted: _Wanted, begun: float) -> None:
        """Look where the kernel puts new sockets, within the budget."""
        for pid in self._descriptors.likely(changed):
            guesses = self._descriptors.guesses(pid)
            for number in guesses:
                if not wanted.missing or self._clock() - begun >= self._budget_seconds:
                    return
                try:
                    target = os.readlink(f"{self._proc}/{pid}/fd/{number}")
                except OSError:  # nothing has this number, or it may not be looked at
                    guesses.missed = True
                    continue
                guesses.missed = False
                self._take(pid, _File(number, _inode_of(target)), wanted)

    def _take(self, pid: int, file: _File, wanted: _Wanted) -> None:
        """Note whose a file is, if it is one of the sockets that are wanted."""
        inode = file.inode
        if inode is None or not (inode in wanted.missing or (inode in wanted.lent and pid != FIRST_PID)):
            return
        if inode in self._owners:  # lent until now
            self._disown(inode)
        self._owners[inode] = pid
        self._held[pid] += 1
        self._changed_owners.add(inode)
        self._missing.discard(inode)
        self._descriptors.found(pid, file.number, inode)
        self._sweeps.pop(inode, None)
        wanted.missing.discard(inode)
        wanted.lent.discard(inode)
        if pid == FIRST_PID:
            self._lent.add(inode)
        else:
            self._lent.discard(inode)

    def _changed(self, pids: AbstractSet[int]) -> dict[int, int]:
        """Return the new processes, then those whose number of open files changed since they were looked through.

        Those with few files cost least; the first process is the last, as what it lends belongs to the borrower.
        """
        self._count_files(pids)
        known = self._sizes.get
        sizes = {pid: files for pid, files in self._sized.items() if known(pid) != files}
        order = sorted(sizes, key=lambda pid: (pid == FIRST_PID, pid in self._sizes, sizes[pid], -pid))
        return {pid: sizes[pid] for pid in order}

    def _count_files(self, pids: AbstractSet[int]) -> None:
        """Count the open files of the processes that ran: nobody else opens any for them."""
        for pid in self._sized.keys() - pids:
            del self._sized[pid], self._counted[pid]
        for pid, ran in ran_since(pids, self._times(pids), self._counted).items():
            self._counted[pid] = ran
            self._sized[pid] = self._size(pid)
            self._suspects[pid] = self._looks

    def _size(self, pid: int) -> int:
        try:
            return os.stat(f"{self._proc}/{pid}/fd").st_size
        except OSError:  # ended, or hidden
            return _NOT_SHOWN

    def _go_on_sweeping(self, wanted: _Wanted, pids: AbstractSet[int], now: float, begun: float) -> None:
        """Search all who may have them, or what is left; then rest, so that it takes a small share of the time."""
        if not self._sweep:
            suspects = pids & self._suspects.keys()
            order = sorted(suspects, key=lambda pid: (pid == FIRST_PID, self._sizes.get(pid, 0), -pid))
            self._sweep = {pid: self._sizes.get(pid, 0) for pid in order}
            self._swept_for = frozenset(wanted.missing)
        if self._search(self._sweep, wanted, begun):
            for inode in self._swept_for & wanted.missing:
                self._sweeps[inode] = self._sweeps.get(inode, 0) + 1
        self._sweep_after = now + (self._clock() - begun) / _SWEEP_SHARE

    def _search(self, places: dict[int, int], wanted: _Wanted, begun: float) -> bool:
        """Look through the places in order, dropping those that are done; return whether none is left.

        The rest is dropped once nothing is wanted any more.
        """
        while wanted and places:
            pid = next(iter(places))
            if not self._look_through(pid, wanted, begun):
                return False
            self._sizes[pid] = files = places.pop(pid)
            self._others[pid] = files - self._held.get(pid, 0)
            if self._suspects.get(pid, self._looks) != self._looks:
                del self._suspects[pid]  # until it runs again
        places.clear()
        return True

    def _look_through(self, pid: int, wanted: _Wanted, begun: float) -> bool:
        """Look through a process's files; return whether that was done within the budget or nothing is wanted."""
        reading = self._readings.pop(pid, None) or self._inodes(pid)
        for file in reading:
            self._take(pid, file, wanted)
            if not wanted:
                break
            if self._clock() - begun >= self._budget_seconds:
                self._readings[pid] = reading
                return False
        reading.close()
        return True

    def _inodes(self, pid: int) -> Reading:
        """Yield each of a process's files; nothing comes of a process that has ended or hides its files."""
        folder = f"{self._proc}/{pid}/fd"
        try:
            with os.scandir(folder) as entries:
                self._hidden.discard(pid)
                for entry in entries:
                    yield _File(int(entry.name), _socket_inode(entry.path))
        except PermissionError:
            self._hidden.add(pid)
        except OSError:  # it has ended
            return


def _socket_inode(path: str) -> int | None:
    try:
        return _inode_of(os.readlink(path))
    except OSError:  # closed meanwhile
        return None


def _inode_of(target: str) -> int | None:
    return int(target[8:-1]) if target.startswith("socket:[") else None
