"""TCP and UDP sockets, as psutil tells: whose they are, and their ends; not what they transfer."""

import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from itertools import count
from typing import Any

import psutil

from exporter.model import Endpoint
from exporter.services.transfers import TcpLook
from exporter.services.view import ANY_ADDRESS
from exporter.sources.sockets import Others, Socket, SocketLook, compared

NOWHERE = Endpoint(ANY_ADDRESS, 0)
GONE = (psutil.CONN_TIME_WAIT, psutil.CONN_CLOSE)


class PortableSockets:
    """Implements `sockets.SocketSource`; psutil tells of no inodes, so each socket has a number of its own as its.

    Args:
        every: tells of the sockets of all processes at once; raises `AccessDenied` where only root may ask that.

    Attributes:
        tcp: nothing; what was transferred is not told.
        owners: PIDs by number, as of the last reading.
        hides_some: whether the sockets of some processes were not shown at the last reading.
    """

    def __init__(self, every: Callable[[str], Iterable[Any]] = psutil.net_connections) -> None:
        self._every = every
        self.tcp = TcpLook()
        self.owners: dict[int, int] = {}
        self.hides_some = False
        self._numbers = count(1)
        self._known: dict[tuple[object, ...], Socket] = {}
        self._sockets: dict[int, Socket] = {}

    def read(self) -> SocketLook:
        """Return the sockets of which the process is told.

        Raises:
            OSError: they cannot be read.
        """
        known, self._known, owners = self._known, {}, {}
        for pid, told in self._told():
            if told.status in GONE and told.type == socket.SOCK_STREAM:
                continue
            key = (pid, told.fd, told.type, told.laddr, told.raddr, told.status == psutil.CONN_LISTEN)
            one = self._known[key] = known.get(key) or self._made(told)
            owners[one.inode] = pid
        sockets = {one.inode: one for one in self._known.values()}
        look, self._sockets, self.owners = compared(self._sockets, sockets), sockets, owners
        return look

    def others(self) -> Others:
        """Return nothing: Unix sockets' other ends and the drops of UDP ones are not told."""
        return Others(tells_unix=False, tells_drops=False)

    def close(self) -> None:
        """Nothing is held."""

    def _told(self) -> Iterator[tuple[int, Any]]:
        """Yield each socket with its process."""
        try:
            every = tuple(self._every("inet"))
        except psutil.AccessDenied:  # macOS shows all of them to root only
            yield from self._told_one_by_one(psutil.pids())
            return
        self.hides_some = any(told.pid is None for told in every if told.status not in GONE)
        yield from ((told.pid, told) for told in every if told.pid is not None)

    def _told_one_by_one(self, pids: Iterable[int]) -> Iterator[tuple[int, Any]]:
        self.hides_some = False
        for pid in pids:
            try:
                yield from ((pid, told) for told in psutil.Process(pid).net_connections("inet"))
            except psutil.AccessDenied:
                self.hides_some = True
            except psutil.Error:  # it has ended
                continue

    def _made(self, told: Any) -> Socket:  # one of psutil's tuples
        is_stream = told.type == socket.SOCK_STREAM
        return Socket(
            transport="tcp" if is_stream else "udp",
            listening=told.status == psutil.CONN_LISTEN if is_stream else not told.raddr,
            local=endpoint(told.laddr),
            remote=endpoint(told.raddr),
            inode=next(self._numbers),
            uid=0,
        )


def endpoint(told: Any) -> Endpoint:  # one of psutil's tuples
    """Return an end as the kernel's own tables are read: `*` for every address, IPv4 where it is only mapped."""
    return Endpoint(plain(told.ip), told.port) if told else NOWHERE


def plain(text: str) -> str:
    """Return an address without its scope, `*` for the unspecified one, an IPv4-mapped one as IPv4."""
    address = ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return ANY_ADDRESS if mapped.is_unspecified else str(mapped)


def addresses() -> frozenset[str]:
    """Return the addresses of all interfaces, in text.

    Raises:
        OSError: they cannot be read.
    """
    families = (socket.AF_INET, socket.AF_INET6)
    return frozenset(
        plain(one.address) for found in psutil.net_if_addrs().values() for one in found if one.family in families
    )
