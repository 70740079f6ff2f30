"""The sockets of a host, and where they are read from."""

from collections.abc import Collection, Mapping
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
class SocketLook:
    """A reading of all sockets, and what it changed: most outlive many readings, and are not gone through again.

    Attributes:
        sockets: by a number of their own; one that did not change is the object of the reading before.
        fresh: the numbers of those that are new, or another object.
        gone: what the reading before had and this one has not, or another object for.
    """

    sockets: Mapping[int, Socket] = field(default_factory=dict)
    fresh: Collection[int] = ()
    gone: Mapping[int, Socket] = field(default_factory=dict)


def compared(before: Mapping[int, Socket], sockets: Mapping[int, Socket]) -> SocketLook:
    """Return a reading and what it changed of the one before, from a source that does not tell."""
    return SocketLook(
        sockets,
        {key for key, one in sockets.items() if before.get(key) is not one},
        {key: one for key, one in before.items() if sockets.get(key) is not one},
    )


@dataclass(frozen=True, slots=True)
class Others:
    """What there is beside TCP's and UDP's sockets and their places.

    Attributes:
        unix: connected Unix sockets by inode; none where that is not told.
        udp_dropped: datagrams that each UDP socket ever dropped as its buffer was full, by inode.
        tells_unix, tells_drops: whether that is told here at all.
    """

    unix: Mapping[int, UnixSocket] = field(default_factory=dict)
    udp_dropped: Mapping[int, int] = field(default_factory=dict)
    tells_unix: bool = True
    tells_drops: bool = True


class SocketSource(Protocol):
    """Reads all sockets of one network namespace."""

    @property
    def tcp(self) -> TcpLook:
        """Return what TCP said of its sockets at the last reading, listeners included; nothing where it is not told."""
        ...

    def read(self) -> SocketLook:
        """Return every socket, and what changed since the last reading that succeeded.

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
