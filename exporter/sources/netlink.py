"""Asks the kernel for sockets and addresses over netlink; needs no privilege."""

import socket
from collections.abc import Callable
from functools import partial

from exporter.services.transfers import TcpLook
from exporter.services.unixedges import UnixSocket
from exporter.sources import rtnetlink, sockdiag, unixdiag
from exporter.sources.sockets import Others, Socket, SocketLook, compared
from exporter.sources.tcptable import WITH_INFO, Changes, TcpTable

_NETLINK_SOCK_DIAG = 4
_RECEIVE_BYTES = 1 << 15  # the kernel answers in pieces of 32 KB at most; a greater buffer costs page faults
_TIMEOUT_SECONDS = 2.0


class DiagSockets:
    """Reads the sockets of one network namespace through sock_diag.

    Attributes:
        tcp: what TCP said at the last reading, of listeners too; its mapping is kept up to date.
    """

    def __init__(self, open_channel: Callable[[], socket.socket] | None = None) -> None:
        """Open the netlink socket.

        Args:
            open_channel: opens the socket over which the kernel is asked; by default sock_diag's, of the namespace
                that this process is in.

        Raises:
            OSError: there is no such netlink family, or it is forbidden.
        """
        self._open_channel = open_channel or diag_channel
        self._channel: socket.socket | None = self._open_channel()
        self._udp: dict[int, Socket] = {}
        self._table = TcpTable()
        self._sockets: dict[int, Socket] = {}
        self.tcp = TcpLook()

    def read(self) -> SocketLook:
        """Return every TCP and UDP socket but those in TIME_WAIT, by cookie.

        Raises:
            OSError: the kernel refuses or does not answer.
            ValueError: the answer cannot be decoded.
        """
        self._table.begin()
        self._ask(sockdiag.tcp_request(WITH_INFO), self._table.take)
        udp: dict[int, Socket] = {}
        take = partial(sockdiag.decode, protocol=sockdiag.UDP, known=self._udp, live=udp)
        for family in (socket.AF_INET, socket.AF_INET6):
            # A kernel without IPv6, or with UDP's part not loaded, says so for those alone.
            self._may_ask(sockdiag.request(family, sockdiag.UDP), take)
        datagrams, self._udp = compared(self._udp, udp), udp
        return self._follow(self._table.end(), datagrams)

    def others(self) -> Others:
        """Return the Unix connections and the drops of UDP sockets.

        Raises:
            OSError: the kernel refuses or does not answer.
            ValueError: the answer cannot be decoded.
        """
        unix: dict[int, UnixSocket] = {}
        dropped: dict[int, int] = {}
        tells_unix = self._may_ask(unixdiag.request(), partial(unixdiag.decode, found=unix))
        # A kernel without IPv6 refuses that alone.
        tells_drops = [
            self._may_ask(
                sockdiag.request(family, sockdiag.UDP, extensions=sockdiag.WITH_MEMORY),
                partial(sockdiag.decode_drops, dropped=dropped),
            )
            for family in (socket.AF_INET, socket.AF_INET6)
        ]
        return Others(unix, dropped, tells_unix, any(tells_drops))

    def _follow(self, changes: Changes, datagrams: SocketLook) -> SocketLook:
        """Make the sockets that are new; the objects of before stay those of what did not change."""
        self.tcp = TcpLook(self._table.sockets, changes.fresh, changes.gone)
        fresh, gone = set(datagrams.fresh), dict(datagrams.gone)
        if fresh or gone or changes.fresh or changes.moved or changes.gone:
            sockets = self._sockets.copy()  # keeps the hashes
            for key in gone:
                del sockets[key]
            for key in fresh:
                sockets[key] = datagrams.sockets[key]
            for one in (*changes.fresh, *changes.moved):
                self._leave(sockets, one.cookie, gone)
                sockets[one.cookie] = sockdiag.of_tcp(one)
                fresh.add(one.cookie)
            for one in changes.gone:
                self._leave(sockets, one.cookie, gone)
                fresh.discard(one.cookie)
            self._sockets = sockets
        return SocketLook(self._sockets, fresh, gone)

    def _leave(self, sockets: dict[int, Socket], cookie: int, gone: dict[int, Socket]) -> None:
        """Take a socket out; it is among those gone if the reading before had it."""
        sockets.pop(cookie, None)
        if cookie in self._sockets:
            gone[cookie] = self._sockets[cookie]

    def _may_ask(self, question: bytes, take: Callable[[bytes], bool]) -> bool:
        """Ask; return whether the kernel answers. Raises as `read`."""
        try:
            self._ask(question, take)
        except sockdiag.DiagError:
            return False
        return True

    def _ask(self, question: bytes, take: Callable[[bytes], bool]) -> None:
        channel = self._channel = self._channel or self._open_channel()
        try:
            channel.send(question)
            while not take(channel.recv(_RECEIVE_BYTES)):
                pass
        except sockdiag.DiagError:
            raise
        except (OSError, ValueError):
            # What is left of the answer must not be taken for the next one's.
            self.close()
            raise

    def close(self) -> None:
        """Close the netlink socket; a later reading opens another one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def diag_channel() -> socket.socket:
    """Open a netlink socket that sock_diag answers, in the network namespace of this thread.

    Raises:
        OSError: there is no such netlink family, or it is forbidden.
    """
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
    channel.settimeout(_TIMEOUT_SECONDS)
    # More room lets the kernel answer in fewer datagrams; it may grant less.
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return channel


def local_addresses() -> frozenset[str]:
    """Return the addresses of all interfaces, in text.

    Raises:
        OSError: the kernel refuses or does not answer.
        ValueError: the answer cannot be decoded.
    """
    found: set[str] = set()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as channel:
        channel.settimeout(_TIMEOUT_SECONDS)
        channel.send(rtnetlink.request())
        while not rtnetlink.decode(channel.recv(_RECEIVE_BYTES), found):
            pass
    return frozenset(found)
