"""The network namespaces of a host, and what is done inside of them.

A namespace is found where a process lives in it, or where it was mounted under a name. Nothing here keeps it: what is
opened inside, such as a packet socket, does, until it is closed.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from exporter.net.zones import MOST_ZONES
from exporter.sources.errors import SourceError

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
MOST_NAMESPACES = 64  # each has at least a loopback, which takes a ring
OWN = Path("/proc/thread-self/ns/net")
MOUNTS = Path("/run/netns")


@dataclass(frozen=True, slots=True, order=True)
class Namespace:
    """A network namespace; `path` leads to it as long as the process or the mount is there that it was found by."""

    inode: int
    path: str

    @property
    def zone(self) -> int:
        """Return by what its loopback is told from others; it is the same for everybody who looks."""
        return self.inode % MOST_ZONES or MOST_ZONES - 1


class Namespaces:
    """Finds the namespaces of a host other than this process's own.

    Args:
        proc: where procfs is mounted.
        mounts: where namespaces are mounted by their names.
        most: how many are told at most; those made first come first.

    Attributes:
        left_out: how many were beyond that when last looked for.
    """

    def __init__(self, proc: Path, mounts: Path = MOUNTS, most: int = MOST_NAMESPACES) -> None:
        self._proc = proc
        self._mounts = mounts
        self._most = most
        self.left_out = 0

    def find(self) -> tuple[Namespace, ...]:
        """Return the namespaces that can be reached now; costs some microseconds for each process."""
        own = OWN.stat().st_ino
        found: dict[int, Namespace] = {}
        for inode, path in (*self._of_processes(), *self._mounted()):
            if inode != own:
                found.setdefault(inode, Namespace(inode, path))
        self.left_out = max(0, len(found) - self._most)
        return tuple(sorted(found.values())[: self._most])

    def _of_processes(self) -> Iterator[tuple[int, str]]:
        for entry in os.scandir(self._proc):
            if entry.name.isdigit():
                path = f"{entry.path}/ns/net"
                try:
                    target = os.readlink(path)
                except OSError:  # it has ended, is a zombie, or is hidden
                    continue
                yield int(target[5:-1]), path

    def _mounted(self) -> Iterator[tuple[int, str]]:
        try:
            names = os.listdir(self._mounts)
        except OSError:  # nobody ever made one
            return
        for name in names:
            path = f"{self._mounts}/{name}"
            try:
                yield os.stat(path).st_ino, path
            except OSError:  # it has just gone
                continue


def within(namespace: Namespace, action: Callable[[], T]) -> T:
    """Return what the action returns, done in the namespace by a thread that ends with it.

    Raises:
        SourceError: the namespace has gone, or may not be entered.
        Exception: what the action raises.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            _enter(namespace)
            returned.append(action())
        except BaseException as error:  # raised again below
            raised.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]


def _enter(namespace: Namespace) -> None:
    """Have this thread live in the namespace from now on."""
    try:
        descriptor = os.open(namespace.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(f"no way into the network namespace {namespace.inode}: {error.strerror}") from error
    try:
        if os.fstat(descriptor).st_ino != namespace.inode:
            raise SourceError(f"the network namespace {namespace.inode} has gone")
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET):
            reason = os.strerror(ctypes.get_errno())
            raise SourceError(f"no way into the network namespace {namespace.inode}: {reason}")
    finally:
        os.close(descriptor)
