"""What TCP did between services: connections that came about or did not, repetitions, handshakes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from exporter.model import Nanoseconds, Role
from exporter.services.operations import OTHER
from exporter.services.traffic import EXTERNAL

CLIENT, SERVER = 0, 1


@dataclass(slots=True)
class Tally:
    """What happened between two ends; fractions where the capture is sampled.

    Attributes:
        connects: connections that came into use.
        handshakes: those of which SYN and SYN-ACK were seen; `handshake_sum` is the nanoseconds between the two.
        refused, unanswered: attempts that came to nothing.
        retransmits: segments sent again, by the client and by the server.
    """

    connects: float = 0.0
    handshakes: float = 0.0
    handshake_sum: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    retransmits: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def connect(self, handshake: Nanoseconds, weight: float) -> None:
        """Count a connection; `handshake` is 0 where it was not timed."""
        self.connects += weight
        if handshake:
            self.handshakes += weight
            self.handshake_sum += weight * handshake

    def merge(self, other: "Tally") -> None:
        """Add another's counts."""
        self.connects += other.connects
        self.handshakes += other.handshakes
        self.handshake_sum += other.handshake_sum
        self.refused += other.refused
        self.unanswered += other.unanswered
        self.retransmits[CLIENT] += other.retransmits[CLIENT]
        self.retransmits[SERVER] += other.retransmits[SERVER]


@dataclass(frozen=True, slots=True)
class PlaceKey:
    """Identifies what TCP did for one service in one role."""

    service_name: str
    role: Role


@dataclass(frozen=True, slots=True)
class WayKey:
    """Identifies what TCP did between two services."""

    client: str
    server: str


@dataclass(frozen=True, slots=True)
class ConnectsSnapshot:
    """The counters at one moment."""

    places: Mapping[PlaceKey, Tally]
    ways: Mapping[WayKey, Tally]


class Connects:
    """The tallies of every service and edge.

    Args:
        admit: the name that a service is counted under: its own, or `~other` beyond the cap.
        most_ways: edges told apart.

    Attributes:
        folded: credits to `~other` because there were too many edges.
    """

    def __init__(self, admit: Callable[[str], str], most_ways: int) -> None:
        self._admit = admit
        self._most_ways = most_ways
        self._places: dict[PlaceKey, Tally] = {}
        self._ways: dict[WayKey, Tally] = {}
        self.folded = 0

    def credit(self, client: str, server: str, tally: Tally) -> None:
        """Count for both ends and their edge; an end may be `EXTERNAL` or `UNKNOWN`."""
        client, server = self._admit(client), self._admit(server)
        if client != EXTERNAL:
            self._places.setdefault(PlaceKey(client, Role.CLIENT), Tally()).merge(tally)
        if server != EXTERNAL:
            self._places.setdefault(PlaceKey(server, Role.SERVER), Tally()).merge(tally)
        way = WayKey(client, server)
        if way not in self._ways and len(self._ways) >= self._most_ways:
            self.folded += 1
            way = WayKey(OTHER, OTHER)
        self._ways.setdefault(way, Tally()).merge(tally)

    def forget(self, names: Collection[str]) -> None:
        """Drop services that are gone for long, with their edges."""
        self._places = {key: tally for key, tally in self._places.items() if key.service_name not in names}
        self._ways = {
            key: tally for key, tally in self._ways.items() if key.client not in names and key.server not in names
        }

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Count for their new names what was counted for those that turned out to be none."""
        for place in [key for key in self._places if key.service_name in renamed]:
            heir = PlaceKey(self._admit(renamed[place.service_name]), place.role)
            self._places.setdefault(heir, Tally()).merge(self._places.pop(place))
        for way in [key for key in self._ways if key.client in renamed or key.server in renamed]:
            client, server = (self._admit(renamed.get(end, end)) for end in (way.client, way.server))
            self._ways.setdefault(WayKey(client, server), Tally()).merge(self._ways.pop(way))

    def places(self) -> Iterable[tuple[PlaceKey, Tally]]:
        """Return the tallies themselves, only to be read, and only until the next event."""
        return self._places.items()

    def snapshot(self) -> ConnectsSnapshot:
        """Return copies that later events do not change."""
        return ConnectsSnapshot(
            {key: _copied(tally) for key, tally in self._places.items()},
            {key: _copied(tally) for key, tally in self._ways.items()},
        )


def _copied(tally: Tally) -> Tally:
    copy = Tally()
    copy.merge(tally)
    return copy
