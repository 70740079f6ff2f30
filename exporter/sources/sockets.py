"""The sockets of a host, and where they are read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from exporter.model import Endpoint
from exporter.services.transfers import TcpLook


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

    def close(self) -> None:
        """Let go of what is held."""
        ...
