"""What services ask and answer: the bounded state behind the request metrics."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from exporter.model import Role
from exporter.protocols.base import Family
from exporter.services.counters import Edge, Side
from exporter.services.operations import OTHER, Budget, Operations

EXTERNAL = "~external"
"""An edge's end that is not on this host: an address is never a label's value."""
UNKNOWN = "~unknown"
"""One on this host that belongs to no known service."""
RANKED_SECONDS = 60.0  # how often operations compete for places


@dataclass(frozen=True, slots=True)
class Caps:
    """How much is told apart before it is folded into `~other`.

    Attributes:
        services: names with traffic of their own.
        edges: combinations of client, server and protocol.
        operations: operations of one service in one role and protocol.
        all_operations: operations of all of them.
        held_operations, all_held_operations: the same of connections whose services are not known yet.
    """

    services: int = 200
    edges: int = 1000
    operations: int = 30
    all_operations: int = 4000
    held_operations: int = 128
    all_held_operations: int = 16_384


@dataclass(frozen=True, slots=True)
class SideKey:
    """Identifies what one service did in one role and protocol."""

    service_name: str
    role: Role
    protocol: str


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """Identifies what one service asked another in one protocol."""

    client: str
    server: str
    protocol: str


@dataclass(frozen=True, slots=True)
class TrafficSnapshot:
    """The counters at one moment."""

    sides: Mapping[SideKey, Side]
    edges: Mapping[EdgeKey, Edge]


class Traffic:
    """The counters of every service and edge.

    Args:
        family: what the operations of a protocol are, by its name.
        caps: how much is told apart.
        retention_seconds: how long a service is kept after it was last alive or counted, so that its rates are seen to
            fall to zero. Afterwards its series vanish; should it come back, they start from zero as after any restart.
    """

    def __init__(self, family: Callable[[str], Family], caps: Caps, retention_seconds: float) -> None:
        self._family = family
        self._caps = caps
        self._retention_seconds = retention_seconds
        self._sides: dict[SideKey, Side] = {}
        self._edges: dict[EdgeKey, Edge] = {}
        self._requests: dict[str, float] = {}
        self._seen_at: dict[str, float] = {}
        self._budget = Budget(caps.all_operations)
        self._held_budget = Budget(caps.all_held_operations)
        self._ranked_at = 0.0
        self._limited: dict[str, float] = {"service_name": 0, "edge": 0, "operation": 0, "event": 0}

    def held(self, protocol: str) -> Side:
        """Return the counters of one connection that no service has been found for."""
        return Side(Operations(self._family(protocol), self._caps.held_operations, self._held_budget, held=True))

    def side(self, service_name: str, role: Role, protocol: str) -> Side:
        """Return the counters of a service, or of `~other` beyond the cap."""
        key = SideKey(self.admitted(service_name), role, protocol)
        side = self._sides.get(key)
        if side is None:
            side = Side(Operations(self._family(protocol), self._caps.operations, self._budget))
            self._sides[key] = side
        return side

    def edge(self, client: str, server: str, protocol: str) -> Edge:
        """Return the counters of an edge, or of `~other` beyond the cap; either end may be `EXTERNAL`."""
        key = EdgeKey(self.admitted(client), self.admitted(server), protocol)
        if key not in self._edges and len(self._edges) >= self._caps.edges:
            self._limited["edge"] += 1
            key = EdgeKey(OTHER, OTHER, protocol)
        return self._edges.setdefault(key, Edge())

    def admitted(self, service_name: str) -> str:
        """Return the name that a service is counted under: its own, or `~other` beyond the cap."""
        if service_name in self._requests or service_name in (OTHER, EXTERNAL, UNKNOWN):
            return service_name
        if len(self._requests) >= self._caps.services:
            self._limited["service_name"] += 1
            return OTHER
        self._requests[service_name] = 0
        return service_name

    def retain(self, alive: Collection[str], now: float) -> Collection[str]:
        """Forget who was neither alive nor counted for the retention, and rank operations by their use.

        Args:
            alive: the services that have processes.
            now: seconds, never falling.

        Returns:
            who was forgotten.
        """
        forgotten = []
        requests = dict.fromkeys(self._requests, 0.0)
        for key, side in self._sides.items():
            if key.service_name in requests:
                requests[key.service_name] += side.requests
        for name, count in requests.items():
            if name in alive or count != self._requests[name]:
                self._seen_at[name] = now
            elif now - self._seen_at.setdefault(name, now) >= self._retention_seconds:
                self._forget(name)
                forgotten.append(name)
                continue
            self._requests[name] = count
        if now - self._ranked_at >= RANKED_SECONDS:
            self._ranked_at = now
            for side in self._sides.values():
                side.operations.rank()
        return forgotten

    def rename(self, old: str, new: str) -> bool:
        """Count for another name what was counted for one that turned out to be none; return whether there was any.

        Whoever still holds counters of the old name has to ask for them anew.
        """
        if old not in self._requests or old == new:
            return False
        for key in [key for key in self._sides if key.service_name == old]:
            side = self._sides.pop(key)
            self.side(new, key.role, key.protocol).merge(side)
            side.operations.free()
        for edge in [key for key in self._edges if old in (key.client, key.server)]:
            counted = self._edges.pop(edge)
            client, server = (new if end == old else end for end in (edge.client, edge.server))
            heir = self.edge(client, server, edge.protocol)
            heir.requests += counted.requests
            heir.errors += counted.errors
            heir.duration_sum += counted.duration_sum
            heir.durations += counted.durations
        del self._requests[old]
        self._seen_at.pop(old, None)
        return True

    def _forget(self, name: str) -> None:
        del self._requests[name], self._seen_at[name]
        for key in [key for key in self._sides if key.service_name == name]:
            side = self._sides.pop(key)
            side.operations.free()
            self._limited["operation"] += side.operations.folded
            self._limited["event"] += side.business.folded if side.business is not None else 0
        for edge in [key for key in self._edges if name in (key.client, key.server)]:
            del self._edges[edge]

    def limited(self) -> Mapping[str, float]:
        """Return how often a value was folded into `~other`, by its label."""
        folded = sum(side.operations.folded for side in self._sides.values())
        events = sum(side.business.folded for side in self._sides.values() if side.business is not None)
        return {
            **self._limited,
            "operation": self._limited["operation"] + folded,
            "event": self._limited["event"] + events,
        }

    def sides(self) -> Iterable[tuple[SideKey, Side]]:
        """Return the counters themselves, only to be read, and only until the next exchange."""
        return self._sides.items()

    def edge_keys(self) -> Collection[EdgeKey]:
        """Return who asked whom."""
        return self._edges.keys()

    def snapshot(self) -> TrafficSnapshot:
        """Return copies that later exchanges do not change."""
        sides = {key: side.copy() for key, side in self._sides.items()}
        edges = {
            key: Edge(edge.requests, edge.errors, edge.duration_sum, edge.durations)
            for key, edge in self._edges.items()
        }
        return TrafficSnapshot(sides, edges)
