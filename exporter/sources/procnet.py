"""Reads sockets from /proc/net, where netlink is refused: dearer, and only TCP and UDP over both IPs as well."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from exporter.model import Endpoint
from exporter.services.transfers import TcpLook
from exporter.sources.sockdiag import CLOSE, LISTEN, TIME_WAIT, address
from exporter.sources.sockets import Others, Socket, SocketLook, compared

_FILES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))


class ProcNetSockets:
    """Reads the sockets of one /proc's network namespace.

    Attributes:
        tcp: nothing; these tables do not tell what was transferred.
    """

    def __init__(self, proc: Path) -> None:
        self._folder = proc / "net"
        self.tcp = TcpLook()
        self._sockets: dict[int, Socket] = {}

    def read(self) -> SocketLook:
        """Return every socket but those in TIME_WAIT, by inode; those without one are left out.

        Raises:
            OSError: none of the files can be read.
        """
        found: dict[int, Socket] = {}
        readable = 0
        for name, transport in _FILES:
            try:
                text = (self._folder / name).read_text("ascii", "replace")
            except FileNotFoundError:  # a kernel without IPv6
                continue
            readable += 1
            found.update((one.inode, self._kept(one)) for one in decode(text, transport) if one.inode)
        if not readable:
            raise FileNotFoundError(f"no socket tables in {self._folder}")
        look, self._sockets = compared(self._sockets, found), found
        return look

    def _kept(self, one: Socket) -> Socket:
        """Return the object of before, where the socket did not change."""
        before = self._sockets.get(one.inode)
        return before if before == one else one

    def others(self) -> Others:
        """Return how many datagrams each UDP socket dropped; who is at the other end of a Unix one is not told here.

        Raises:
            OSError: the tables cannot be read.
        """
        dropped: dict[int, int] = {}
        for name in ("udp", "udp6"):
            try:
                text = (self._folder / name).read_text("ascii", "replace")
            except FileNotFoundError:  # a kernel without IPv6
                continue
            for line in text.splitlines()[1:]:
                fields = line.split()
                if len(fields) > 12 and fields[9].isdecimal() and fields[12].isdecimal():
                    dropped[int(fields[9])] = int(fields[12])
        return Others(udp_dropped=dropped, tells_unix=False)

    def close(self) -> None:
        """Nothing is held."""


def decode(text: str, transport: str) -> Iterator[Socket]:
    """Yield the sockets of one table; lines that are none are passed over."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            state = int(fields[3], 16)
            local, remote = _endpoint(fields[1]), _endpoint(fields[2])
            uid, inode = int(fields[7]), int(fields[9])
        except (ValueError, IndexError):
            continue
        if state != TIME_WAIT:
            listening = state == LISTEN or (transport == "udp" and state == CLOSE)
            yield Socket(transport, listening, local, remote, inode, uid)


def _endpoint(text: str) -> Endpoint:
    """Decode `0100007F:1F90`: words of the address in the host's byte order, the port in hexadecimal.

    Raises:
        ValueError: it is no such text.
    """
    words, _, port = text.partition(":")
    if len(words) not in (8, 32):
        raise ValueError(f"address of {len(words)} digits")
    octets = b"".join(int(words[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(words), 8))
    family = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    return Endpoint(address(family, octets), int(port, 16))
