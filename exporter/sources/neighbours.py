"""Follows what is no TCP: services' connections over Unix sockets, and their UDP sockets."""

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from exporter.services.connects import WayKey
from exporter.services.datagrams import Datagrams, UdpUse
from exporter.services.unixedges import UnixSocket, edges, ends
from exporter.sources.owners import SocketOwners
from exporter.sources.procnet import udp_drops
from exporter.sources.runtimes import RunTimes
from exporter.sources.unixdiag import unix_connections

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 10_000  # whose owners are looked for


class Neighbours:
    """The Unix and UDP sockets of this process's network namespace; not to be used by two threads at once.

    Args:
        proc: the host's /proc.
        read_unix: returns the connected Unix sockets; raises OSError or ValueError where it cannot.
        times: tells which processes ran; by default asks their clocks.
    """

    def __init__(
        self,
        proc: Path,
        read_unix: Callable[[], Mapping[int, UnixSocket]] = unix_connections,
        times: RunTimes | None = None,
    ) -> None:
        self._proc = proc
        self._read_unix = read_unix
        self._owners = SocketOwners(proc, times=times)
        self._datagrams = Datagrams()
        self._edges: Mapping[WayKey, int] = {}
        self._failed = False

    def refresh(
        self, members: Mapping[int, str], sockets: Mapping[int, str], known: Collection[str], now: float
    ) -> None:
        """Look at the sockets.

        Args:
            members: the service of each process by PID.
            sockets: the service of each socket by inode, as far as known, of those that are not Unix ones.
            known: the names of all services.
            now: seconds, never falling.
        """
        try:
            connected = dict(list(ends(self._read_unix()).items())[:MOST_CONNECTIONS])
            owners = self._owners.resolve({*connected, *connected.values()}, members.keys(), now)
            self._edges = edges(connected, {inode: members[pid] for inode, pid in owners.items() if pid in members})
            self._datagrams.update(udp_drops(self._proc), sockets, dict.fromkeys(known))
        except (OSError, ValueError) as error:
            if not self._failed:
                log.warning("unix and udp sockets unreadable", extra={"error": str(error)})
            self._failed = True

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return the connections between services over Unix sockets."""
        return self._edges

    def udp(self) -> Mapping[str, UdpUse]:
        """Return every service's UDP sockets and drops."""
        return self._datagrams.use()

    def close(self) -> None:
        """Let go of the folders that are being read."""
        self._owners.close()
