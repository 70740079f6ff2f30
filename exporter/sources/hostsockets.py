"""The sockets of a host, in all of its network namespaces: who holds them, what they transfer, whom they connect."""

import logging
from collections.abc import Callable, Collection, Mapping, Set
from contextlib import closing
from pathlib import Path

from exporter.services.connects import WayKey
from exporter.services.datagrams import UdpUse
from exporter.services.holdings import Holdings
from exporter.services.outlook import Outlook
from exporter.services.parties import Party
from exporter.services.transfers import Ledger, Totals
from exporter.services.view import HostView
from exporter.sources.closings import Closings
from exporter.sources.following import ClosingSource, SocketFollower
from exporter.sources.innersockets import InnerSockets
from exporter.sources.namespaces import Namespaces
from exporter.sources.neighbours import Neighbours
from exporter.sources.netlink import DiagSockets
from exporter.sources.owners import SocketOwners
from exporter.sources.procnet import ProcNetSockets
from exporter.sources.runtimes import RunTimes
from exporter.sources.sockets import SocketSource

log = logging.getLogger(__name__)


class HostSockets:
    """Follows the sockets; not to be used by two threads at once, but for `hear`.

    Args:
        proc: the host's /proc.
        sockets: where those of this process's own namespace are read; None for the best way that is permitted.
        addresses: returns the addresses of all interfaces; raises OSError or ValueError where it cannot.
        times: tells which processes ran.
        namespaces: the other network namespaces, where somebody else follows them too; they stay that one's.

    Attributes:
        owners: the PID of each socket's owner, by inode, as far as found.
        unowned: sockets with an inode whose process was not found at the last reading.
        ports: the lowest TCP port that each process listens on.
    """

    def __init__(
        self,
        proc: Path,
        sockets: SocketSource | None,
        addresses: Callable[[], frozenset[str]],
        times: RunTimes,
        namespaces: Namespaces | None,
    ) -> None:
        closings = open_closings() if sockets is None else None
        source = sockets if sockets is not None else open_sockets(proc)
        self._has_diag = isinstance(source, DiagSockets)
        self._ledger = Ledger()
        self._own = SocketFollower(source, closings, addresses, self._ledger)
        self._lets_go = namespaces is None
        self._namespaces = namespaces or Namespaces(proc)
        self._inner = InnerSockets(self._namespaces, self._ledger)
        self._finder = SocketOwners(proc, times=times)
        self._neighbours = Neighbours(proc, times=times)
        self._outlook = Outlook()
        self._holdings = Holdings()
        self.owners: Mapping[int, int] = {}
        self.unowned = 0
        self.ports: dict[int, int] = {}

    @property
    def _followers(self) -> list[SocketFollower]:
        return [self._own, *self._inner.followers]

    def read(self, pids: Set[int], now: float) -> None:
        """Read all sockets and find the owners of new ones among these processes; `now` in seconds, never falling."""
        self._inner.refresh(pids, now)
        followers = self._followers
        for follower in followers:
            follower.read(now)
        left = self._inner.left.union(*(follower.left for follower in followers))
        self.owners = self._finder.follow(set().union(*(one.came for one in followers)), left, pids, now)
        self.unowned = self._finder.unowned
        self.ports = {}
        for follower in reversed(followers):
            self.ports.update(follower.lowest_ports(self.owners))

    def count(self, host: HostView, now: float) -> HostView:
        """Credit what was read to services; return the host with its listeners and connections.

        Args:
            host: the services of the processes.
            now: as for `read`.
        """
        processes, followers = host.processes, self._followers
        held = {pid: processes[pid].service for pid in self._finder.holders if pid in processes}
        touched = self._holdings.update(self.owners, self._finder.changes(), held)
        insides = [follower.attribute(self.services, touched) for follower in followers]
        seen = self._outlook.views(insides, host)
        for follower, view in zip(followers, seen, strict=True):
            follower.count(view, now)
        self._ledger.forget(now)
        return seen[0]

    @property
    def services(self) -> Mapping[int, str]:
        """The service of each socket's owner, by inode."""
        return self._holdings.services

    def look_beside(self, members: Mapping[int, str], known: Collection[str], now: float) -> None:
        """Look at the Unix sockets and the drops of UDP ones.

        Args:
            members: the service of each process by PID.
            known: the names of all services.
            now: as for `read`.
        """
        sources = [follower.source for follower in self._followers]
        self._neighbours.refresh(sources, members, self.services, known, now)

    @property
    def hears_closings(self) -> bool:
        """Whether the last bytes of sockets that end between two fetchings are counted, however many do."""
        return self._own.hears_closings

    def hear(self) -> None:
        """Fetch the notices of closed sockets, which the kernel keeps little room for; from any thread.

        Raises:
            OSError, ValueError: the notices cannot be read.
        """
        for follower in self._followers:
            follower.hear()

    def transfers(self) -> Mapping[Party, Totals]:
        """Return what TCP sockets have transferred, as of the last reading."""
        return self._ledger.totals(one.transfers for one in self._followers)

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return the connections between services over Unix sockets."""
        return self._neighbours.unix_edges()

    def udp(self) -> Mapping[str, UdpUse]:
        """Return every service's UDP sockets and drops."""
        return self._neighbours.udp()

    @property
    def capabilities(self) -> Mapping[str, bool]:
        """What may be seen of sockets, by name."""
        return {
            "sock_diag": self._has_diag and self._own.failures == 0,
            "closed_sockets": self.hears_closings,
            "net_namespaces": self._inner.is_permitted,
            "unix_sockets": self._neighbours.tells_unix,
            "udp_drops": self._neighbours.tells_drops,
        }

    @property
    def hides_files(self) -> bool:
        """Whether a process did not show its files when it was last looked at."""
        return self._finder.forbidden > 0

    @property
    def unsearched(self) -> int:
        """How many processes are still to be looked through for the owners of sockets."""
        return self._finder.waiting

    @property
    def failures(self) -> int:
        """How often the sockets could not be read."""
        return self._own.failures

    @property
    def closings_lost(self) -> int:
        """How often notices of closed sockets were lost."""
        return self._own.closings_lost

    def close(self) -> None:
        """Close every descriptor."""
        self._finder.close()
        self._own.close()
        self._inner.close()
        if self._lets_go:
            self._namespaces.close()
        self._neighbours.close()


def open_sockets(proc: Path) -> SocketSource:
    """Return sock_diag where it answers, else the tables of /proc/net."""
    try:
        with closing(DiagSockets()) as tried:
            tried.read()
        return DiagSockets()  # one of which the first reading is still to come: it tells of what is new
    except (OSError, ValueError) as error:
        log.warning("sock_diag refused, reading /proc/net", extra={"error": str(error)})
        return ProcNetSockets(proc)


def open_closings() -> ClosingSource | None:
    """Return the kernel's notices of closed sockets, None where they are not permitted."""
    try:
        return Closings()
    except OSError:
        return None  # told with all else that is missing
