"""Counters of exchanges: what one service, one edge or one connection did. They never fall."""

from dataclasses import dataclass, field
from typing import Protocol

from exporter.model import Exchange, Nanoseconds, Operation
from exporter.protocols.base import Family
from exporter.services.histogram import BUCKETS, bucket

OTHER = "~other"
"""The label value that what exceeds a cap is folded into."""
OTHER_OPERATION = Operation(OTHER)
UNANSWERED = "none"
STATUS_CLASSES = {str(code): f"{code // 100}xx" for code in range(100, 600)}


@dataclass(slots=True)
class Operations:
    """Counts by operation and class of status, the first `cap` operations told apart.

    Attributes:
        counts: operation -> class of status (empty where the family has none) -> exchanges.
        folded: exchanges counted under `~other` because of the cap.
    """

    family: Family
    cap: int
    counts: dict[Operation, dict[str, int]] = field(default_factory=dict)
    folded: int = 0

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        operation = exchange.request.operation if exchange.request is not None else OTHER_OPERATION
        self.count(operation if operation.name else OTHER_OPERATION, self._status_class(exchange), 1)

    def _status_class(self, exchange: Exchange) -> str:
        if self.family is not Family.HTTP:
            return ""
        return UNANSWERED if exchange.response is None else STATUS_CLASSES.get(exchange.response.status, OTHER)

    def count(self, operation: Operation, status_class: str, exchanges: int) -> None:
        """Add a number of exchanges."""
        by_class = self.counts.get(operation)
        if by_class is None:
            if len(self.counts) >= self.cap and operation != OTHER_OPERATION:
                self.folded += exchanges
                operation = OTHER_OPERATION
            by_class = self.counts.setdefault(operation, {})
        by_class[status_class] = by_class.get(status_class, 0) + exchanges

    def merge(self, other: "Operations") -> None:
        """Add another's counts."""
        self.folded += other.folded
        for operation, by_class in other.counts.items():
            for status_class, exchanges in by_class.items():
                self.count(operation, status_class, exchanges)


@dataclass(slots=True)
class Side:
    """What one service did in one role and protocol, or one connection that is not attributed yet.

    Attributes:
        duration_sum: of the exchanges whose both halves were seen.
        durations: how many fell in each bucket of `histogram.BOUNDS` and beyond; shape (BUCKETS,), not cumulated.
    """

    operations: Operations
    requests: int = 0
    errors: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    duration_sum: Nanoseconds = 0
    durations: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    @property
    def family(self) -> Family:
        """What the protocol's operations are."""
        return self.operations.family

    def add(self, exchange: Exchange) -> None:
        """Count one exchange; one whose request was not seen is still a request that was made."""
        self.requests += 1
        if exchange.request is not None:
            self.request_bytes += exchange.request.size_bytes
        if exchange.response is not None:
            self.response_bytes += exchange.response.size_bytes
            self.errors += exchange.response.failed
        duration = exchange.duration
        if duration is not None:
            self.duration_sum += duration
            self.durations[bucket(duration)] += 1
        self.operations.add(exchange)

    def merge(self, other: "Side") -> None:
        """Add another's counts."""
        self.requests += other.requests
        self.errors += other.errors
        self.request_bytes += other.request_bytes
        self.response_bytes += other.response_bytes
        self.duration_sum += other.duration_sum
        for index, count in enumerate(other.durations):
            self.durations[index] += count
        self.operations.merge(other.operations)


@dataclass(slots=True)
class Edge:
    """What one service asked another in one protocol; `durations` is how many of the requests were timed."""

    requests: int = 0
    errors: int = 0
    duration_sum: Nanoseconds = 0
    durations: int = 0

    def add(self, exchange: Exchange) -> None:
        """Count one exchange."""
        self.requests += 1
        if exchange.response is not None:
            self.errors += exchange.response.failed
        duration = exchange.duration
        if duration is not None:
            self.duration_sum += duration
            self.durations += 1

    def merge(self, side: Side) -> None:
        """Add the counts of a connection that was just attributed."""
        self.requests += side.requests
        self.errors += side.errors
        self.duration_sum += side.duration_sum
        self.durations += sum(side.durations)


class Target(Protocol):
    """Where exchanges are counted: a `Side` or an `Edge`."""

    def add(self, exchange: Exchange) -> None: ...

    def merge(self, other: Side, /) -> None: ...
