"""Which services talk over Unix sockets, such as a web server with PHP or a database's clients on its own host."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.services.connects import WayKey
from exporter.services.operations import OTHER
from exporter.services.traffic import UNKNOWN

MOST_EDGES = 200


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """One end of a connection.

    Attributes:
        peer: the inode of the other end, 0 where not known.
        is_named: whether it has a name, as those that a server accepted have its listener's.
    """

    peer: int
    is_named: bool


def ends(sockets: Mapping[int, UnixSocket]) -> dict[int, int]:
    """Return the inodes of the clients by those of the servers; what has a name at neither end or both is left out."""
    return {
        inode: one.peer
        for inode, one in sockets.items()
        if one.is_named and one.peer in sockets and not sockets[one.peer].is_named
    }


def edges(connected: Mapping[int, int], services: Mapping[int, str]) -> dict[WayKey, int]:
    """Return the connections between services, those within one left out.

    Args:
        connected: the clients' inodes by the servers'.
        services: by inode; a socket that is not among them is nobody's that is known.
    """
    counted: Counter[WayKey] = Counter()
    for server, client in connected.items():
        way = WayKey(services.get(client, UNKNOWN), services.get(server, UNKNOWN))
        if way.client != way.server:
            counted[way] += 1
    found = dict(counted.most_common(MOST_EDGES))
    rest = counted.total() - sum(found.values())
    return {**found, WayKey(OTHER, OTHER): rest} if rest else found
