"""Keeps the TCP sockets of one network namespace as sock_diag tells of them: each is read in place, none made again.

Compiled with the types of `tcptable.pxd`; native byte order.

Layouts: include/uapi/linux/inet_diag.h, include/uapi/linux/tcp.h (struct tcp_info)
"""

import sys
from dataclasses import dataclass, field

from exporter.services.tcpsocket import TcpSocket
from exporter.sources.sockdiag import SOCKETS, Head, head

WITH_INFO = 2  # asks for the attribute that is a tcp_info
INFO = 2  # that attribute
OLD_KIND, KIND = SOCKETS
LITTLE = sys.byteorder == "little"
LISTEN, CLOSE = 10, 7
FIXED = 88  # bytes before the attributes
INFO_BYTES = 216  # until Linux 4.19 a tcp_info ended before the bytes sent
OLD_INFO_BYTES = 136
# The peer's FIN counts as a byte received, the acknowledgement of ours and of our SYN as bytes acknowledged.
CLOSE_WAIT, LAST_ACK, CLOSING = 8, 9, 11


@dataclass(slots=True)
class Changes:
    """What a reading brought: sockets that are new, that got an inode, and that are gone; listeners among them."""

    fresh: list[TcpSocket] = field(default_factory=list)
    moved: list[TcpSocket] = field(default_factory=list)
    gone: list[TcpSocket] = field(default_factory=list)


class TcpTable:
    """The sockets by cookie; a reading is `begin`, `take` for each datagram, and `end`.

    Attributes:
        sockets: those of the last reading, listeners included; one that closed half-way through a reading may be left.
    """

    __slots__ = ("_changes", "_round", "_words", "octets", "sockets")

    def __init__(self) -> None:
        self.sockets: dict[int, TcpSocket] = {}
        self._round = 0
        self._changes = Changes()
        self.octets = memoryview(b"")
        self._words = memoryview(b"").cast("I")

    def begin(self) -> None:
        """Begin a reading."""
        self._round += 1

    def take(self, datagram: bytes) -> bool:
        """Take a datagram; return whether it completes the answer.

        Raises:
            DiagError: the kernel answers with an error.
            ValueError: the bytes are no such answer.
        """
        self._attach(datagram)
        offset, end = 0, len(datagram)
        while offset < end:
            if not self._is_socket(offset, end) and head(datagram, offset) is Head.DONE:
                return True
            cookie = self._long(offset + 60)
            socket = self.sockets.get(cookie)
            if socket is None:
                socket = self.sockets[cookie] = self._made(cookie, offset)
                self._changes.fresh.append(socket)
            elif self._inode(offset) not in (0, socket.inode):
                socket.inode = self._inode(offset)
                self._changes.moved.append(socket)
            socket.round = self._round
            length = self._read(socket, offset)
            offset += (length + 3) & ~3
        return False

    def end(self) -> Changes:
        """Forget what the reading did not tell of; return what changed since the one before."""
        gone = [socket for socket in self.sockets.values() if socket.round != self._round]
        for socket in gone:
            del self.sockets[socket.cookie]
        changes, self._changes = self._changes, Changes()  # those of a reading that failed half-way included
        changes.gone = gone
        return changes

    def notice(self, datagram: bytes) -> TcpSocket:
        """Return the socket that a notice of its end is about, apart from those of the readings.

        Raises:
            DiagError, ValueError: the bytes are no such notice.
        """
        self._attach(datagram)
        if head(datagram, 0) is Head.DONE:
            raise ValueError("an end of an answer among notices")
        socket = self._made(self._long(60), 0)
        self._read(socket, 0)
        return socket

    def _is_socket(self, offset: int, end: int) -> bool:
        """Return whether a whole message on a socket is at an offset."""
        if end - offset < FIXED:
            return False
        kind, length = self._half(offset + 4), self._words[offset >> 2]
        return kind in (OLD_KIND, KIND) and length >= FIXED and length <= end - offset

    def _attach(self, datagram: bytes) -> None:
        octets = memoryview(datagram + b"\0" * (4 - len(datagram) & 3))
        self.octets, self._words = octets, octets.cast("I")

    def _made(self, cookie: int, offset: int) -> TcpSocket:
        socket = TcpSocket(cookie)
        octets = self.octets
        socket.family = octets[offset + 16]
        socket.local_port = octets[offset + 20] << 8 | octets[offset + 21]
        socket.remote_port = octets[offset + 22] << 8 | octets[offset + 23]
        socket.local = bytes(octets[offset + 24 : offset + 40])
        socket.remote = bytes(octets[offset + 40 : offset + 56])
        socket.uid = self._words[(offset + 80) >> 2]
        socket.inode = self._inode(offset)
        return socket

    def _inode(self, offset: int) -> int:
        return self._words[(offset + 84) >> 2]

    def _read(self, socket: TcpSocket, offset: int) -> int:
        """Read what may change of a socket; return the length of its message."""
        length = self._words[offset >> 2]
        socket.state = self.octets[offset + 17]
        at, end = offset + FIXED, offset + length
        while at + 4 <= end:
            size, kind = self._half(at), self._half(at + 2)
            if size < 4 or at + size > end:
                raise ValueError(f"attribute of {size} bytes at {at - offset} of {length}")
            if kind == INFO and size >= OLD_INFO_BYTES + 4:
                self._read_info(socket, at + 4, size - 4)
                break
            at += (size + 3) & ~3
        return length

    def _read_info(self, socket: TcpSocket, at: int, size: int) -> None:
        acked = self._long(at + 120)
        socket.rtt_us = self._words[(at + 68) >> 2]
        socket.received = self._long(at + 128)
        if size >= INFO_BYTES:
            socket.delivery_rate = self._long(at + 160)
            socket.resent = self._long(at + 208)
            socket.sent = max(0, self._long(at + 200) - socket.resent)
        else:
            socket.sent = max(0, acked - 1)
        state = socket.state
        # One that is closed itself ended by a reset where nothing but its bytes was acknowledged. Of one that closed
        # first and is forgotten before the peer's FIN comes, a byte is missing then: nothing tells it from the others.
        if state in (CLOSE_WAIT, LAST_ACK, CLOSING) or (state == CLOSE and acked > socket.sent):
            socket.received = max(0, socket.received - 1)

    def _long(self, at: int) -> int:
        first, second = self._words[at >> 2], self._words[(at >> 2) + 1]
        return second << 32 | first if LITTLE else first << 32 | second

    def _half(self, at: int) -> int:
        first, second = self.octets[at], self.octets[at + 1]
        return second << 8 | first if LITTLE else first << 8 | second
