"""What services did on the wire in a few numbers each, for those who judge them by it."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.model import Role
from exporter.protocols.base import Family
from exporter.services.connects import Connects
from exporter.services.counters import Side
from exporter.services.operations import OTHER
from exporter.services.traffic import UNKNOWN, Traffic

NANOSECONDS = 1e9
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Outline:
    """What one service did in one role and protocol since it was first seen.

    Attributes:
        protocol: its name in the registry.
        requests, errors, request_bytes, response_bytes: as the traffic's counters.
        timed, seconds: how many requests were timed, and how long those took together.
        writes: how many had an HTTP method that changes something.
    """

    service_name: str
    role: Role
    protocol: str
    requests: float
    errors: float
    request_bytes: float
    response_bytes: float
    timed: float
    seconds: float
    writes: float


@dataclass(frozen=True, slots=True)
class Dialling:
    """How many TCP connections of one service, in one role, came into use."""

    service_name: str
    role: Role
    connects: float


@dataclass(frozen=True, slots=True)
class Dependency:
    """A service that asks another, or `~external`; servers that no service is known for are no dependency."""

    client: str
    server: str


@dataclass(frozen=True, slots=True)
class Outlines:
    """What was seen on the wire up to one moment."""

    sides: tuple[Outline, ...] = ()
    dialling: tuple[Dialling, ...] = ()
    dependencies: frozenset[Dependency] = frozenset()


def outlines(traffic: Traffic, connects: Connects) -> Outlines:
    """Return the numbers of all services; far cheaper than a snapshot."""
    return Outlines(
        tuple(_sides(traffic)),
        tuple(Dialling(key.service_name, key.role, tally.connects) for key, tally in connects.places()),
        frozenset(
            Dependency(key.client, key.server) for key in traffic.edge_keys() if key.server not in (OTHER, UNKNOWN)
        ),
    )


def _sides(traffic: Traffic) -> Iterator[Outline]:
    for key, side in traffic.sides():
        yield Outline(
            key.service_name,
            key.role,
            key.protocol,
            side.requests,
            side.errors,
            side.request_bytes,
            side.response_bytes,
            sum(side.durations),
            side.duration_sum / NANOSECONDS,
            _writes(side) if side.family is Family.HTTP else 0.0,
        )


def _writes(side: Side) -> float:
    counts = side.operations.counts
    return sum(sum(by_class.values()) for operation, by_class in counts.items() if operation.name in WRITING)
