"""Follows the sockets of one network namespace: whose they are, what they transfer, how they end."""

import logging
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Protocol

from exporter.services.outlook import Inside
from exporter.services.parties import Parties
from exporter.services.places import Places
from exporter.services.tcpsocket import TcpSocket
from exporter.services.transfers import Ledger, TcpLook, Transfers
from exporter.services.view import HostView
from exporter.sources.ends import SocketIndex
from exporter.sources.finder import SocketFinder
from exporter.sources.sockets import Socket, SocketLook, SocketSource

log = logging.getLogger(__name__)

_ADDRESSES_SECONDS = 10.0
_LISTENER_MEMORY_SECONDS = 60.0


class ClosingSource(Protocol):
    """Tells which TCP sockets were closed; may be used from any thread."""

    @property
    def has_room(self) -> bool:
        """Return whether the kernel keeps as many of them as it should."""
        ...

    @property
    def overflows(self) -> int:
        """Return how often some were lost."""
        ...

    def drain(self) -> None:
        """Fetch what waits.

        Raises:
            OSError, ValueError: as for `take`.
        """
        ...

    def take(self) -> list[TcpSocket]:
        """Return those closed since the last time.

        Raises:
            OSError: it cannot be told any more.
            ValueError: what the kernel says is not understood.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class SocketFollower:
    """The sockets of one namespace; not to be used by two threads at once.

    Args:
        source: where they are read.
        closings: tells of those that end, None where that is not to be had.
        addresses: returns the addresses of all interfaces; raises OSError or ValueError where it cannot.
        ledger: where it is counted what they transfer.
        is_new: whether the namespace is: then all that its first reading shows counts as well.
        zone: the namespace's.

    Attributes:
        transfers: what they transfer.
        sockets: those of the last reading that succeeded.
        local_addresses: of all interfaces, in text.
        failures: how often the sockets could not be read.
    """

    def __init__(
        self,
        source: SocketSource,
        closings: ClosingSource | None,
        addresses: Callable[[], frozenset[str]],
        ledger: Ledger,
        is_new: bool = False,
        zone: int = 0,
    ) -> None:
        self.transfers = Transfers(ledger, is_new)
        self.zone = zone
        self.source = source
        self._closings = closings
        self._addresses = addresses
        self._addresses_at = float("-inf")
        self._index = SocketIndex()
        self._parties = Parties(Places(_LISTENER_MEMORY_SECONDS))
        self.sockets: Mapping[int, Socket] = {}
        self.local_addresses: frozenset[str] = frozenset()
        self.failures = 0
        self._tcp = TcpLook()

    @property
    def hears_closings(self) -> bool:
        """Whether the last bytes of sockets that end between two readings are counted, however many do."""
        return self._closings is not None and self._closings.has_room

    @property
    def closings_lost(self) -> int:
        """Return how often notices of closed sockets were lost."""
        return self._closings.overflows if self._closings is not None else 0

    def hear(self) -> None:
        """Fetch notices of closed sockets; from any thread.

        Raises:
            OSError, ValueError: they cannot be read.
        """
        closings = self._closings
        if closings is not None:
            closings.drain()

    def read(self, now: float) -> None:
        """Read all sockets; those of before stay where they cannot be read. `now` in seconds, never falling."""
        try:
            look = self.source.read()
        except (OSError, ValueError) as error:
            self.failures += 1
            self._tcp = TcpLook(self._tcp.sockets)
            look = SocketLook(self.sockets)
            if self.failures == 1:
                log.warning("sockets unreadable", extra={"error": str(error)})
        else:
            self.sockets = look.sockets
            self._tcp = self.source.tcp
        self._index.take(look)
        self._read_addresses(now)

    @property
    def inodes(self) -> Set[int]:
        """Return the inodes of the sockets that have one."""
        return self._index.inodes

    @property
    def came(self) -> Set[int]:
        """Return the inodes that the last reading had and the one before had not."""
        return self._index.came

    @property
    def left(self) -> Set[int]:
        """Return the inodes that the reading before the last one had and the last one had not."""
        return self._index.left

    def lowest_ports(self, owners: Mapping[int, int]) -> dict[int, int]:
        """Return the lowest TCP port that each process listens on; `owners` are PIDs by inode."""
        lowest: dict[int, int] = {}
        for one in self._index.listening.values():
            if one.transport == "tcp" and one.inode in owners:
                pid = owners[one.inode]
                lowest[pid] = min(one.local.port, lowest.get(pid, one.local.port))
        return lowest

    def attribute(self, services: Mapping[int, str], touched: Iterable[int]) -> Inside:
        """Return who listens where and holds which connection.

        Args:
            services: by the inodes of their sockets.
            touched: the inodes for which it changed.
        """
        self._index.attribute(self.sockets, services, touched)
        return Inside(self.zone, self._index.listeners, self._index.connections, self.local_addresses)

    def count(self, view: HostView, now: float) -> None:
        """Count what the sockets have transferred, those that ended included.

        Args:
            view: the services as this namespace sees them.
            now: seconds, never falling.
        """
        self._parties.update(view, now)
        finder = SocketFinder(self._parties, self.sockets)
        self.transfers.update(self._tcp, finder, self._index.changed, now)
        if self._closings is None:
            return
        try:
            closed = self._closings.take()
        except (OSError, ValueError) as error:
            log.warning("notices of closed sockets unreadable, going on without them", extra={"error": str(error)})
            self._closings.close()
            self._closings = None
            return
        self.transfers.close(closed, finder)

    def close(self) -> None:
        """Let go of every descriptor."""
        self.source.close()
        if self._closings is not None:
            self._closings.close()

    def _read_addresses(self, now: float) -> None:
        if now - self._addresses_at < _ADDRESSES_SECONDS:
            return
        self._addresses_at = now
        try:
            self.local_addresses = self._addresses()
        except (OSError, ValueError) as error:
            if not self.local_addresses:
                log.warning("interface addresses unreadable", extra={"error": str(error)})
