"""Whom a host's sockets connect, as far as psutil tells of them."""

from collections.abc import Collection, Mapping, Set

from exporter.services.connects import WayKey
from exporter.services.datagrams import UdpUse
from exporter.services.holdings import Holdings
from exporter.services.outlook import Outlook
from exporter.services.parties import Party
from exporter.services.transfers import Ledger, Totals
from exporter.services.view import HostView
from exporter.sources.following import SocketFollower
from exporter.sources.portable.sockets import PortableSockets, addresses

NOT_TOLD = ("sock_diag", "closed_sockets", "net_namespaces", "unix_sockets", "udp_drops")


class PortableConnections:
    """Implements `host.HostConnections`.

    Attributes:
        owners, unowned, ports: as there; every socket that is told has an owner.
    """

    hears_closings = False
    closings_lost = unsearched = 0

    def __init__(self) -> None:
        self._source = PortableSockets()
        self._follower = SocketFollower(self._source, None, addresses, Ledger())
        self._holdings = Holdings()
        self._outlook = Outlook()
        self._touched: set[int] = set()
        self.owners: Mapping[int, int] = {}
        self.unowned = 0
        self.ports: dict[int, int] = {}

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be seen of sockets, by name."""
        return dict.fromkeys(NOT_TOLD, False)

    @property
    def hides_files(self) -> bool:
        """Whether the sockets of some processes were not shown when last looked at."""
        return self._source.hides_some

    @property
    def failures(self) -> int:
        """How often the sockets could not be read."""
        return self._follower.failures

    def read(self, pids: Set[int], now: float) -> None:
        """Read all sockets; whose they are is told with them."""
        self._follower.read(now)
        self._touched |= self._follower.came | self._follower.left
        self.owners = self._source.owners
        self.ports = self._follower.lowest_ports(self.owners)

    def count(self, host: HostView, now: float) -> HostView:
        """Credit what was read to services; return the host with its listeners and connections."""
        processes = host.processes
        held = {pid: processes[pid].service for pid in set(self.owners.values()) if pid in processes}
        touched = self._holdings.update(self.owners, self._touched, held)
        self._touched = set()
        (seen,) = self._outlook.views([self._follower.attribute(self._holdings.services, touched)], host)
        self._follower.count(seen, now)
        return seen

    def look_beside(self, members: Mapping[int, str], known: Collection[str], now: float) -> None:
        """Do nothing: that is not told."""

    def hear(self) -> None:
        """Do nothing: sockets that end are not told of."""

    def transfers(self) -> Mapping[Party, Totals]:
        """Return nothing: what was transferred is not told."""
        return {}

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return nothing: the other ends of Unix sockets are not told."""
        return {}

    def udp(self) -> Mapping[str, UdpUse]:
        """Return nothing: what UDP sockets dropped is not told."""
        return {}

    def close(self) -> None:
        """Let go of what is held."""
        self._follower.close()
