"""The other network namespaces of a host, held by descriptors, and what is done inside of them.

A namespace is found where a process lives in it, or where it was mounted under a name; it is held until neither leads
there any more. Entering one needs CAP_SYS_ADMIN, and CAP_SYS_PTRACE for those of other users' processes. What is opened
inside, such as a packet socket, stays there: so a thread that lives for a moment enters and opens what is needed, and
nobody else ever leaves this process's own.
"""

import ctypes
import errno
import os
import threading
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from exporter.net.zones import MOST_ZONES

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
MOST_NAMESPACES = 64  # each has at least a loopback, which takes a ring
RECHECK_SECONDS = 5.0  # by then a process that runs in a container has entered its namespace
RECHECK_ROUNDS = 64  # in so many rounds each process is looked at again: few change their namespace later
OWN = Path("/proc/thread-self")
MOUNTS = Path("1/root/run/netns")  # of the first process: the host's, where its procfs is


@dataclass(frozen=True, slots=True, order=True)
class Namespace:
    """A network namespace; those made first come first."""

    inode: int

    @property
    def zone(self) -> int:
        """Return by what its loopback is told from others; it is the same for everybody who looks."""
        return self.inode % MOST_ZONES or MOST_ZONES - 1


class Namespaces:
    """The namespaces of a host but this process's own; may be used from any thread.

    Args:
        proc: where procfs is mounted.
        most: how many are held at most.

    Attributes:
        left_out: how many there were beyond those held, when last looked for.
    """

    def __init__(self, proc: Path, most: int = MOST_NAMESPACES) -> None:
        self._proc = proc
        self._mounts = proc / MOUNTS
        self._most = most
        self._lock = threading.Lock()
        self._own = _inode_of(str(OWN))
        self._of: dict[int, int] = {}  # PID -> its namespace's inode, 0 where that is not shown
        self._members: dict[int, int] = {}  # a process of each namespace
        self._due: dict[int, float] = {}  # PID -> when its namespace is looked at once more
        self._rounds = 0
        self._is_fresh = False
        self._held: dict[Namespace, int] = {}
        self.left_out = 0

    def find(self) -> tuple[Namespace, ...]:
        """Return the namespaces there are now; `refresh` need not be called as well.

        Raises:
            OSError: /proc itself cannot be read.
        """
        with self._lock:
            if not self._is_fresh:
                self._of.clear()
                self._members.clear()
                self._look({int(name) for name in os.listdir(self._proc) if name.isdecimal()}, 0.0)
            self._is_fresh = False
            return tuple(self._held)

    def refresh(self, pids: Set[int], now: float) -> tuple[Namespace, ...]:
        """Return the namespaces there are, if these are all processes, for a little of what `find` costs.

        What is found is what the next `find` returns.

        Args:
            now: seconds, never falling.
        """
        with self._lock:
            self._look(pids, now)
            self._is_fresh = True
            return tuple(self._held)

    def within(self, namespace: Namespace, action: Callable[[], T]) -> T:
        """Return what the action returns, done in the namespace by a thread that ends with it.

        Raises:
            OSError: the namespace has gone, or may not be entered.
            Exception: what the action raises.
        """
        with self._lock:
            if namespace not in self._held:
                raise OSError(errno.ENOENT, "it has gone")
            descriptor = os.dup(self._held[namespace])  # it may go meanwhile
        try:
            return within(descriptor, action)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._hold({})

    def _look(self, pids: Set[int], now: float) -> None:
        self._rounds += 1
        gone = self._of.keys() - pids
        for pid in gone:
            del self._of[pid]
            self._due.pop(pid, None)
        due = [pid for pid, at in self._due.items() if now >= at]
        for pid in due:
            del self._due[pid]
        fresh = pids - self._of.keys()
        self._due.update(dict.fromkeys(fresh, now + RECHECK_SECONDS))
        turn = self._rounds % RECHECK_ROUNDS
        moved = False
        for pid in (*fresh, *due, *[pid for pid in self._of if pid % RECHECK_ROUNDS == turn]):
            inode = _inode_of(f"{self._proc}/{pid}")
            moved = moved or self._of.get(pid) != inode
            self._of[pid] = inode
        if moved or gone:
            self._members = {inode: pid for pid, inode in self._of.items()}
        members = self._members
        ways = {inode: self._proc / str(pid) / "ns" / "net" for inode, pid in members.items()}
        ways.update(self._mounted())
        self._hold({Namespace(inode): path for inode, path in ways.items() if inode not in (0, self._own)})

    def _mounted(self) -> Iterator[tuple[int, Path]]:
        try:
            names = os.listdir(self._mounts)
        except OSError:  # nobody ever made one
            return
        for name in names:
            try:
                yield os.stat(self._mounts / name).st_ino, self._mounts / name
            except OSError:  # it has just gone
                continue

    def _hold(self, ways: dict[Namespace, Path]) -> None:
        """Hold what these paths lead to, and nothing else."""
        for namespace in self._held.keys() - ways.keys():
            os.close(self._held.pop(namespace))
        for namespace in sorted(ways.keys() - self._held.keys())[: max(0, self._most - len(self._held))]:
            descriptor = _opened(ways[namespace], namespace.inode)
            if descriptor is not None:
                self._held[namespace] = descriptor
        self.left_out = len(ways) - len(self._held)


def within(descriptor: int, action: Callable[[], T]) -> T:
    """Return what the action returns, done in the namespace that a descriptor is of, by a thread that ends with it.

    Raises:
        OSError: it may not be entered.
        Exception: what the action raises.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))
            returned.append(action())
        except BaseException as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]


def _inode_of(process: str) -> int:
    """Return the inode of a process's network namespace, 0 where that is not shown."""
    try:
        return os.stat(f"{process}/ns/net").st_ino
    except OSError:
        return 0


def _opened(path: Path, inode: int) -> int | None:
    """Return the descriptor of a namespace; None where it has just gone: the next round finds another way, if any."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(descriptor).st_ino == inode:
        return descriptor
    os.close(descriptor)
    return None
