"""Follows the sockets of other network namespaces, such as those of containers; needs CAP_SYS_ADMIN and CAP_SYS_PTRACE.

A socket of netlink stays in the namespace that it was opened in. So a thread that lives for a moment enters the
namespace and opens what is needed; nobody else ever leaves this one.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from exporter.services.transfers import Ledger
from exporter.services.view import ANY_ADDRESS, Ends, HostView, Listener
from exporter.sources.closings import Closings
from exporter.sources.following import SocketFollower
from exporter.sources.netlink import DiagSockets, diag_channel, local_addresses

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
MOST_NAMESPACES = 64
RECHECK_SECONDS = 5.0  # by then a process that runs in a container has entered its namespace


class Namespaces:
    """The namespaces of a host's processes but this process's own.

    Args:
        proc: the host's /proc.
        ledger: where it is counted what their sockets transfer.
        most: how many are followed at once.

    Attributes:
        refused: namespaces that are there and not followed, as there are too many or it is not permitted.
    """

    def __init__(self, proc: Path, ledger: Ledger, most: int = MOST_NAMESPACES) -> None:
        self._proc = proc
        self._ledger = ledger
        self._most = most
        self._own = _namespace(Path("/proc/self"))
        self._of: dict[int, int] = {}  # PID -> its namespace's inode, 0 where that is not shown
        self._checked_at: dict[int, float] = {}  # those whose namespace may still change
        self._rounds = 0
        self._failed: set[int] = set()
        self._followed: dict[int, _Followed] = {}
        self.refused = 0

    @property
    def followers(self) -> list[SocketFollower]:
        """Return what follows each namespace."""
        return [one.follower for one in list(self._followed.values())]

    @property
    def is_permitted(self) -> bool:
        """Whether every namespace that was tried could be entered."""
        return not self._failed

    def refresh(self, pids: Collection[int], now: float) -> None:
        """Follow the namespaces of these processes, and no longer those that have none; `now` in seconds."""
        self._rounds += 1
        self._look_at(pids, now)
        members = {namespace: pid for pid, namespace in self._of.items() if namespace not in (0, self._own)}
        self._failed &= members.keys()
        for namespace in self._followed.keys() - members.keys():
            self._followed.pop(namespace).close()
        for namespace in members.keys() - self._followed.keys() - self._failed:
            if len(self._followed) >= self._most:
                break
            self._follow(namespace, members[namespace])
        self.refused = len(members) - len(self._followed)

    def close(self) -> None:
        """Let go of every descriptor."""
        for one in self._followed.values():
            one.close()
        self._followed.clear()

    def _look_at(self, pids: Collection[int], now: float) -> None:
        self._of = {pid: namespace for pid, namespace in self._of.items() if pid in pids}
        self._checked_at = {pid: at for pid, at in self._checked_at.items() if pid in pids}
        due = [pid for pid, at in self._checked_at.items() if now - at >= RECHECK_SECONDS]
        for pid in due:
            del self._checked_at[pid]
        fresh = set(pids).difference(self._of)
        self._checked_at.update(dict.fromkeys(fresh, now))
        for pid in (*fresh, *due):
            self._of[pid] = _namespace(self._proc / str(pid))

    def _follow(self, namespace: int, pid: int) -> None:
        try:
            descriptor = os.open(self._proc / str(pid) / "ns" / "net", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # the process ended meanwhile
            return
        try:
            if os.fstat(descriptor).st_ino != namespace:  # the process moved on meanwhile
                os.close(descriptor)
                return
            self._followed[namespace] = _Followed(self._opened(descriptor), descriptor)
        except OSError:
            os.close(descriptor)
            self._failed.add(namespace)  # told with all else that is missing

    def _opened(self, descriptor: int) -> SocketFollower:
        """Return what follows a namespace.

        Raises:
            OSError: it may not be entered, or has no sock_diag.
        """
        channel = partial(inside, descriptor, diag_channel)
        source = DiagSockets(channel)
        closings = None
        with suppress(OSError):
            closings = Closings(channel)
        addresses = partial(inside, descriptor, local_addresses)
        # What is there at the exporter's own start counts from then on, as in its own namespace.
        return SocketFollower(source, closings, addresses, self._ledger, is_new=self._rounds > 1)


@dataclass(frozen=True, slots=True)
class _Followed:
    """What follows a namespace, and the descriptor by which it is entered."""

    follower: SocketFollower
    descriptor: int

    def close(self) -> None:
        self.follower.close()
        os.close(self.descriptor)


def inside(descriptor: int, action: Callable[[], T]) -> T:
    """Return what an action returns in another network namespace.

    Raises:
        OSError: it may not be entered, or the action failed.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def act() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code))
            results.append(action())
        except (OSError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=act, name="namespace")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def views(followers: Sequence[SocketFollower], services: Mapping[int, str], host: HostView) -> list[HostView]:
    """Return what each namespace sees of the host's services, the first one of all.

    A loopback address means another host in each of them; what has another address is seen by all.

    Args:
        services: by the inodes of their sockets.
        host: what is the same everywhere.
    """
    indices = [follower.attribute(services) for follower in followers]
    if len(followers) == 1:
        return [_view(host, indices[0].listeners, indices[0].connections, followers[0].local_addresses)]
    addresses = frozenset[str]().union(*(follower.local_addresses for follower in followers))
    listeners: dict[Listener, str] = {}
    connections: dict[Ends, str] = {}
    for follower, index in zip(followers[1:], indices[1:], strict=True):
        listeners.update(_outward(index.listeners, follower.local_addresses))
        connections.update(_reaching(index.connections))
    own = indices[0]
    first = _view(host, {**listeners, **own.listeners}, {**connections, **own.connections}, addresses)
    listeners.update(_outward(own.listeners, followers[0].local_addresses))
    others = [_view(host, {**listeners, **index.listeners}, index.connections, addresses) for index in indices[1:]]
    return [first, *others]


def _view(
    host: HostView, listeners: Mapping[Listener, str], connections: Mapping[Ends, str], addresses: frozenset[str]
) -> HostView:
    return replace(host, listeners=listeners, connections=connections, local_addresses=addresses)


def _outward(listeners: Mapping[Listener, str], addresses: Collection[str]) -> dict[Listener, str]:
    seen = [address for address in addresses if not is_loopback(address)]
    return {
        Listener(listener.transport, address, listener.port): service
        for listener, service in listeners.items()
        for address in (seen if listener.address == ANY_ADDRESS else [listener.address])
        if not is_loopback(address)
    }


def _reaching(connections: Mapping[Ends, str]) -> dict[Ends, str]:
    return {ends: service for ends, service in connections.items() if not is_loopback(ends.local.address)}


def is_loopback(address: str) -> bool:
    """Return whether an address means another host in every namespace."""
    return address.startswith("127.") or address == "::1"


def _namespace(folder: Path) -> int:
    try:
        return os.stat(folder / "ns" / "net").st_ino
    except OSError:
        return 0
