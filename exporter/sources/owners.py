"""Finds the process behind each socket, by its inode among the processes' open files.

Looking through every file of every process is dear, so it is done only for sockets that are new, first where they
most likely are: in processes that are new or whose number of open files changed, then in those that have sockets.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

FIRST_PID = 1  # holds the sockets of services that it starts on demand
_FULL_SCAN_SHARE = 0.02  # of the time; a host with few processes is searched at once, one with thousands seldom
_MAX_FULL_SCANS = 3  # for one socket: then it is another namespace's, the kernel's, or forbidden


class SocketOwners:
    """The processes that own sockets.

    Attributes:
        forbidden: how many processes did not show their files when last looked at.
    """

    def __init__(self, proc: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        """Know of no owners.

        Args:
            clock: seconds; tells how long a search of all processes takes.
        """
        self._proc = str(proc)
        self._clock = clock
        self._owners: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._scans: dict[int, int] = {}
        self._full_scan_after = float("-inf")
        self._hidden: set[int] = set()

    @property
    def forbidden(self) -> int:
        """Return how many of the living processes did not show their files."""
        return len(self._hidden)

    def resolve(self, inodes: Collection[int], pids: Collection[int], now: float) -> Mapping[int, int]:
        """Return the owner of each inode, as far as it can be told.

        Args:
            inodes: of the sockets in question, as a set.
            pids: all processes, as a set.
            now: seconds, of any clock that does not go back.
        """
        self._owners = {inode: pid for inode, pid in self._owners.items() if inode in inodes and pid in pids}
        self._sizes = {pid: size for pid, size in self._sizes.items() if pid in pids}
        self._scans = {inode: scans for inode, scans in self._scans.items() if inode in inodes}
        self._hidden.intersection_update(pids)
        missing = {
            inode for inode in inodes if inode not in self._owners and self._scans.get(inode, 0) < _MAX_FULL_SCANS
        }
        lent = {inode for inode, pid in self._owners.items() if pid == FIRST_PID}
        if (missing and now >= self._full_scan_after) or not self._scans.keys() >= missing:
            self._search(missing, lent, pids, now)
        elif lent and not self._sizes.keys() >= set(pids):
            self._scan(self._changed(pids), missing, lent)
        return self._owners

    def _search(self, missing: set[int], lent: set[int], pids: Collection[int], now: float) -> None:
        """Look for sockets, likely places first; each place drops what it finds from `missing`."""
        changed = self._changed(pids)
        self._scan(changed, missing, lent)
        holders = set(self._owners.values()).difference(changed)
        if missing:
            self._scan(holders, missing, lent)
        if missing and now >= self._full_scan_after:
            begun = self._clock()
            self._scan(set(pids).difference(changed, holders), missing, lent)
            self._full_scan_after = now + (self._clock() - begun) / _FULL_SCAN_SHARE
            for inode in missing:
                self._scans[inode] = self._scans.get(inode, 0) + 1
        for inode in missing:
            self._scans.setdefault(inode, 0)  # looked for where it most likely is; once is enough

    def _changed(self, pids: Iterable[int]) -> set[int]:
        """Return the processes that are new or whose number of open files changed since they were last asked for."""
        changed = set()
        for pid in pids:
            try:
                size = os.stat(f"{self._proc}/{pid}/fd").st_size
            except OSError:  # ended, or hidden
                size = -1
            if self._sizes.get(pid) != size:
                self._sizes[pid] = size
                changed.add(pid)
        return changed

    def _scan(self, pids: Iterable[int], missing: set[int], lent: set[int]) -> None:
        # Those with few files cost least; the first process is the last, as what it lends belongs to the borrower.
        for pid in sorted(pids, key=lambda pid: (pid == FIRST_PID, self._sizes.get(pid, 0), -pid)):
            if not missing and not lent:
                return
            for inode in self._inodes(pid):
                if inode in missing or (inode in lent and pid != FIRST_PID):
                    self._owners[inode] = pid
                    missing.discard(inode)
                    lent.discard(inode)

    def _inodes(self, pid: int) -> Iterable[int]:
        """Return the inodes of a process's sockets; none where it has ended or hides them."""
        folder = f"{self._proc}/{pid}/fd"
        found: list[int] = []
        try:
            names = os.listdir(folder)
        except PermissionError:
            self._hidden.add(pid)
            return found
        except OSError:
            return found
        self._hidden.discard(pid)
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:  # closed meanwhile
                continue
            if target.startswith("socket:["):
                found.append(int(target[8:-1]))
        return found
