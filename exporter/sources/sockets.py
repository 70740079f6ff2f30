"""The sockets of a host, and where they are read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exporter.model import Endpoint
from exporter.services.transfers import TcpLook
from exporter.services.unixedges import UnixSocket


@dataclass(frozen=True, slots=True)
class Socket:
    """One socket.

    Attributes:
        transport: "tcp" or "udp".
        listening: whether it waits for clients, rather than being one end of a connection.
        local, remote: its ends; the address of one bound to all addresses is `*`.
        inode: which file it is, 0 while nobody has accepted it or after its owner closed it.
        uid: who created it.
    """

    transport: str
    listening: bool
    local: Endpoint
    remote: Endpoint
    inode: int
    uid: int


@dataclass(frozen=True, slots=True)
class Others:
    """What there is beside TCP's and UDP's sockets and their places.

    Attributes:
        unix: connected Unix sockets by inode; none where that is not told.
        udp_dropped: datagrams that each UDP socket ever dropped as its buffer was full, by inode.
    """

    unix: Mapping[int, UnixSocket] = field(default_factory=dict)
    udp_dropped: Mapping[int, int] = field(default_factory=dict)


class SocketSource(Protocol):
    """Reads all sockets of one network namespace."""

    @property
    def tcp(self) -> TcpLook:
        """Return what TCP said of its sockets at the last reading, listeners included; nothing where it is not told."""
        ...

    def read(self) -> Mapping[int, Socket]:
        """Return every socket by a number of its own; one that did not change is the object of before.

        Raises:
            OSError: they cannot be read this way on this host.
        """
        ...

    def others(self) -> Others:
        """Return what is not asked for at every reading.

        Raises:
            OSError: it cannot be read on this host.
            ValueError: what the kernel says is not understood.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...
