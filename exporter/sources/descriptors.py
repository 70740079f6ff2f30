"""Guesses under which numbers a process has its new sockets, so that not all of its files need be looked at.

The kernel gives the lowest number that is free: those of sockets that were closed, then the one above the highest.
"""

from collections.abc import Collection, Iterator

MOST_FREE = 4096  # numbers of one process that are remembered as free
MISSES = 8  # free numbers in a row that are still free: then the ones above them are as well


class Descriptors:
    """Which sockets have which numbers in which processes."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # by inode
        self._free: dict[int, set[int]] = {}  # by PID
        self._highest: dict[int, int] = {}  # by PID

    def found(self, pid: int, number: int, inode: int) -> None:
        """Note that a socket is a process's."""
        self._numbers[inode] = number
        self._highest[pid] = max(number, self._highest.get(pid, number))
        if pid in self._free:
            self._free[pid].discard(number)

    def closed(self, pid: int, inode: int) -> None:
        """Note that a process has a socket no longer."""
        number = self._numbers.pop(inode, None)
        if number is not None:
            free = self._free.setdefault(pid, set())
            if len(free) < MOST_FREE:
                free.add(number)

    def forget(self, pids: Collection[int]) -> None:
        """Forget processes that ended."""
        for pid in pids:
            self._free.pop(pid, None)
            self._highest.pop(pid, None)

    def likely(self, changed: Collection[int]) -> list[int]:
        """Return the processes that may have opened sockets: those that closed some, those whose files are more now."""
        return [*self._free, *(pid for pid in changed if pid in self._highest and pid not in self._free)]

    def guesses(self, pid: int) -> "Guesses":
        """Return the numbers to look at, lowest first."""
        return Guesses(sorted(self._free.get(pid, ())), self._highest.get(pid, -1))


class Guesses:
    """The numbers under which new sockets may be.

    Attributes:
        missed: to be set to whether the number of before was free.
    """

    def __init__(self, free: list[int], highest: int) -> None:
        self._free = free
        self._highest = highest
        self.missed = False

    def __iter__(self) -> Iterator[int]:
        misses = 0
        for number in self._free:
            yield number
            misses = misses + 1 if self.missed else 0
            if misses == MISSES:
                return
        self.missed = False
        number = self._highest
        while not self.missed:
            number += 1
            yield number
