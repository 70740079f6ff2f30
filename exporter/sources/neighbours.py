"""Follows what is no TCP: services' connections over Unix sockets, and their UDP sockets, of all network namespaces."""

import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from exporter.services.connects import WayKey
from exporter.services.datagrams import Datagrams, UdpUse
from exporter.services.unixedges import edges, ends
from exporter.sources.owners import SocketOwners
from exporter.sources.runtimes import RunTimes
from exporter.sources.sockets import Others, SocketSource

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 10_000  # whose owners are looked for


class Neighbours:
    """The Unix and UDP sockets of a host; not to be used by two threads at once.

    Args:
        proc: the host's /proc.
        times: tells which processes ran; by default asks their clocks.

    Attributes:
        tells_unix, tells_drops: whether connections over Unix sockets, and what UDP sockets dropped, were told of every
            namespace when last asked.
    """

    def __init__(self, proc: Path, times: RunTimes | None = None) -> None:
        self._owners = SocketOwners(proc, times=times)
        self._datagrams = Datagrams()
        self._edges: Mapping[WayKey, int] = {}
        self._failed = False
        self.tells_unix = self.tells_drops = True

    def refresh(
        self,
        sources: Iterable[SocketSource],
        members: Mapping[int, str],
        sockets: Mapping[int, str],
        known: Collection[str],
        now: float,
    ) -> None:
        """Look at the sockets.

        Args:
            sources: where those of each namespace are read; a socket of one may be connected to one of another.
            members: the service of each process by PID.
            sockets: the service of each socket by inode, as far as known, of those that are not Unix ones.
            known: the names of all services.
            now: seconds, never falling.
        """
        found = list(map(self._read, sources))
        self.tells_unix = all(others.tells_unix for others in found)
        self.tells_drops = all(others.tells_drops for others in found)
        unix = {inode: one for others in found for inode, one in others.unix.items()}
        dropped = {inode: count for others in found for inode, count in others.udp_dropped.items()}
        connected = dict(list(ends(unix).items())[:MOST_CONNECTIONS])
        owners = self._owners.resolve({*connected, *connected.values()}, members.keys(), now)
        self._edges = edges(connected, {inode: members[pid] for inode, pid in owners.items() if pid in members})
        self._datagrams.update(dropped, sockets, dict.fromkeys(known))

    def _read(self, source: SocketSource) -> Others:
        try:
            return source.others()
        except (OSError, ValueError) as error:
            if not self._failed:
                log.warning("unix and udp sockets unreadable", extra={"error": str(error)})
            self._failed = True
            return Others(tells_unix=False, tells_drops=False)

    def unix_edges(self) -> Mapping[WayKey, int]:
        """Return the connections between services over Unix sockets."""
        return self._edges

    def udp(self) -> Mapping[str, UdpUse]:
        """Return every service's UDP sockets and drops."""
        return self._datagrams.use()

    def close(self) -> None:
        """Let go of the folders that are being read."""
        self._owners.close()
