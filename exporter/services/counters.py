"""Counters of exchanges: what one service, one edge or one connection did. They never fall.

Compiled with the types of `counters.pxd`. Counts are fractions where the capture is sampled: an exchange then stands
for those that passed while nobody looked as well.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

from exporter.model import Change, Exchange, Kind, Message, Operation
from exporter.protocols.base import Family
from exporter.protocols.lane import Turn
from exporter.services.business import Business
from exporter.services.histogram import BUCKETS, bucket
from exporter.services.operations import OTHER, Operations

SUCCEEDED = "2xx"
SUCCESS = "2"  # what a status begins with where a request changes what its own body says
MAX_CERTIFICATES = 64  # of different server names, of one service in one role
PUSH, CHANGED = Kind.PUSH, Kind.CHANGED


@dataclass
class Share:
    """For how much an exchange stands, as far as the capture is sampled.

    Attributes:
        requests: how many requests like its own passed for each one that was seen.
        responses: the same of its response, which may have passed when something else was looked at.
        durations: the same of both together, and of what only both tell.
        operations: the same for the counts by operation, 0 where its detail is left out.
    """

    requests: float = 1.0
    responses: float = 1.0
    durations: float = 1.0
    operations: float = 1.0


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Traced:
    """An exchange whose trace is known.

    Attributes:
        trace: trace and span, a `-` between them.
        duration, at: how long it took and when it was answered, in nanoseconds.
    """

    trace: bytes
    duration: int
    at: int


def no_durations() -> list[float]:
    """Return the counts of an empty histogram."""
    return [0.0] * BUCKETS


@dataclass
class Side:
    """What one service did in one role and protocol, or one connection that is not attributed yet.

    Attributes:
        cache_hits, cache_misses: keys that were looked up and found, and not.
        certificates: server name -> until when the certificate that was last shown for it is valid, in seconds since
            the epoch; None before any was seen.
        duration_sum: nanoseconds, of the exchanges whose both halves were seen.
        business: what was changed for good; None as long as nothing was.
        traced: the latest exchange of each bucket of `durations` whose trace is known.
        durations: how many fell in each bucket of `histogram.BOUNDS` and beyond; shape (BUCKETS,), not cumulated.
    """

    operations: Operations
    requests: float = 0.0
    errors: float = 0.0
    request_bytes: float = 0.0
    response_bytes: float = 0.0
    cache_hits: float = 0.0
    cache_misses: float = 0.0
    duration_sum: float = 0.0
    durations: list[float] = field(default_factory=no_durations)
    business: Business | None = None
    traced: dict[int, Traced] = field(default_factory=dict)
    certificates: dict[str, int] | None = None

    @property
    def family(self) -> Family:
        """What the protocol's operations are."""
        return self.operations.family

    def add(self, exchange: Exchange, share: Share = WHOLE) -> None:
        """Count one exchange; one whose request was not seen is still a request that was made, a push is none."""
        request, response = exchange.request, exchange.response
        if request is not None and request.kind is PUSH:
            if share.operations > 0.0:
                self.operations.add(exchange, share.operations)
            return
        if response is not None and response.kind is CHANGED:
            self._change(response.changes, share.responses)
            return
        self.requests += share.requests
        if request is not None:
            self.request_bytes += share.requests * request.size_bytes
        if response is not None and share.responses > 0.0:
            self._answer(response, share.responses)
        if share.durations > 0.0 and request is not None and response is not None:
            if exchange.timed:
                duration = max(0, response.last_at - request.first_at)
                self.duration_sum += share.durations * duration
                place = bucket(duration)
                self.durations[place] += share.durations
                if request.trace:
                    self.traced[place] = Traced(request.trace, duration, response.last_at)
            if request.changes and response.status[:1] == SUCCESS:
                operation = self.operations.add(exchange, share.operations)
                self._change(_by(operation, request.changes), share.durations)
                return
        if share.operations > 0.0:
            self.operations.add(exchange, share.operations)

    def turn(self, turn: Turn, share: Share, place: int) -> None:
        """Count a request and its response, whose duration belongs into the bucket `place`."""
        self.requests += share.requests
        self.request_bytes += share.requests * turn.request_bytes
        if share.responses > 0.0:
            self.response_bytes += share.responses * turn.response_bytes
            if turn.failed:
                self.errors += share.responses
            self.cache_hits += share.responses * turn.hits
            self.cache_misses += share.responses * turn.misses
        if share.durations > 0.0:
            self.duration_sum += share.durations * (turn.answered_at - turn.asked_at)
            self.durations[place] += share.durations
        if share.operations > 0.0:
            self.operations.count(turn.operation, "", share.operations)

    def _answer(self, response: Message, weight: float) -> None:
        self.response_bytes += weight * response.size_bytes
        if response.failed:
            self.errors += weight
        if response.hits or response.misses:
            self.cache_hits += weight * response.hits
            self.cache_misses += weight * response.misses
        if response.tls is not None and response.tls.not_after:
            self._certify(response.tls.server_name, response.tls.not_after)

    def _change(self, changes: tuple[Change, ...], weight: float) -> None:
        if self.business is None:
            self.business = Business()
        self.business.add(changes, weight)

    def _certify(self, server_name: str, not_after: int) -> None:
        """Keep the latest certificate of each name; of more names than the cap they share one place."""
        if self.certificates is None:
            self.certificates = {}
        known = server_name in self.certificates or len(self.certificates) < MAX_CERTIFICATES
        self.certificates[server_name if known else OTHER] = not_after

    def merge(self, other: "Side") -> None:
        """Add another's counts."""
        if other.certificates is not None:
            for server_name, not_after in other.certificates.items():
                self._certify(server_name, not_after)
        if other.business is not None:
            if self.business is None:
                self.business = Business()
            # A connection without a service knows outlines of routes only.
            self.business.merge(other.business, self._named if self.family is Family.HTTP else None)
        self.traced.update(other.traced)
        self.requests += other.requests
        self.errors += other.errors
        self.request_bytes += other.request_bytes
        self.response_bytes += other.response_bytes
        self.cache_hits += other.cache_hits
        self.cache_misses += other.cache_misses
        self.duration_sum += other.duration_sum
        for index, count in enumerate(other.durations):
            self.durations[index] += count
        self.operations.merge(other.operations)

    def _named(self, operation: Operation) -> Operation:
        return self.operations.count(operation, SUCCEEDED, 0.0)

    def copy(self) -> "Side":
        """Return a copy that is only to be read."""
        copied = Side(self.operations.copy())
        copied.requests, copied.errors = self.requests, self.errors
        copied.request_bytes, copied.response_bytes = self.request_bytes, self.response_bytes
        copied.cache_hits, copied.cache_misses = self.cache_hits, self.cache_misses
        copied.certificates = dict(self.certificates) if self.certificates is not None else None
        copied.duration_sum, copied.durations = self.duration_sum, list(self.durations)
        if self.business is not None:
            copied.business = Business()
            copied.business.merge(self.business)
        copied.traced = dict(self.traced)
        return copied


def _by(operation: Operation, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(replace(change, operation=operation) for change in changes)


@dataclass
class Edge:
    """What one service asked another in one protocol; `durations` is how many of the requests were timed."""

    requests: float = 0.0
    errors: float = 0.0
    duration_sum: float = 0.0
    durations: float = 0.0

    def add(self, exchange: Exchange, share: Share = WHOLE) -> None:
        """Count one exchange."""
        request, response = exchange.request, exchange.response
        if (request is not None and request.kind is PUSH) or (response is not None and response.kind is CHANGED):
            return
        self.requests += share.requests
        if response is not None:
            if response.failed:
                self.errors += share.responses
            if request is not None and exchange.timed:
                self.duration_sum += share.durations * max(0, response.last_at - request.first_at)
                self.durations += share.durations

    def turn(self, turn: Turn, share: Share, _place: int) -> None:
        """Count a request and its response."""
        self.requests += share.requests
        if turn.failed:
            self.errors += share.responses
        self.duration_sum += share.durations * (turn.answered_at - turn.asked_at)
        self.durations += share.durations

    def merge(self, side: Side) -> None:
        """Add the counts of a connection that was just attributed."""
        self.requests += side.requests
        self.errors += side.errors
        self.duration_sum += side.duration_sum
        self.durations += sum(side.durations)


class Target(Protocol):
    """Where exchanges are counted: a `Side` or an `Edge`."""

    def add(self, exchange: Exchange, share: Share = WHOLE, /) -> None: ...

    def turn(self, turn: Turn, share: Share, place: int, /) -> None: ...

    def merge(self, other: Side, /) -> None: ...
