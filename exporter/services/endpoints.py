"""What was learned of each server endpoint of a capture: counts, statuses, operations, latency."""

from collections import Counter
from dataclasses import dataclass, field

from exporter.model import Endpoint, Exchange, Flow, Kind, Message, Nanoseconds
from exporter.services.quantiles import Quantiles

MAX_ENDPOINTS = 20_000
MAX_NAMES = 1000  # of operations or statuses of one endpoint
OTHER = "~other"


@dataclass(slots=True)
class EndpointFacts:
    """The counts of one endpoint in one protocol.

    Attributes:
        requests: exchanges; one whose request was not seen is still a request that was made.
        responses: exchanges whose response was seen.
        errors: responses that said that the request failed.
        hits, misses: keys that were looked up in a cache and found, and not.
        server_names: whom the clients of TLS asked for.
        tls_versions: what its servers chose.
    """

    requests: int = 0
    responses: int = 0
    errors: int = 0
    hits: int = 0
    misses: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    durations: Quantiles = field(default_factory=Quantiles)
    server_names: Counter[str] = field(default_factory=Counter)
    tls_versions: Counter[str] = field(default_factory=Counter)

    def record(self, exchange: Exchange) -> None:
        """Count one exchange."""
        request = exchange.request
        if exchange.response is not None and exchange.response.kind is Kind.CHANGED:
            return
        if request is not None and request.operation.name:
            _count(self.operations, request.operation.said or request.operation.name)
        if request is not None and request.kind is Kind.PUSH:
            return
        self.requests += 1
        self._shake_hands(request, exchange.response)
        if exchange.response is not None:
            self.responses += 1
            self.errors += exchange.response.failed
            self.hits += exchange.response.hits
            self.misses += exchange.response.misses
            if exchange.response.status:
                _count(self.statuses, exchange.response.status)
        duration = exchange.duration
        if duration is not None:
            self.durations.add(duration)

    def _shake_hands(self, request: Message | None, response: Message | None) -> None:
        if request is not None and request.tls is not None and request.tls.server_name:
            _count(self.server_names, request.tls.server_name)
        if response is not None and response.tls is not None and response.tls.version:
            _count(self.tls_versions, response.tls.version)

    def close(self, at: Nanoseconds) -> None:
        """One of its connections ended, which changes nothing."""


def _count(names: Counter[str], name: str) -> None:
    names[name if name in names or len(names) < MAX_NAMES else OTHER] += 1


@dataclass(frozen=True, slots=True)
class EndpointKey:
    """Identifies a row."""

    server: Endpoint
    protocol: str


class Endpoints:
    """The observer of all connections (`protocols.recorder.Observer`): one row for each endpoint and protocol.

    Attributes:
        rows: in the order of appearance.
        folded: connections left out because there were too many endpoints.
        unparsable: protocol -> connections whose bytes turned out not to be what they were recognised as.
    """

    def __init__(self) -> None:
        self.rows: dict[EndpointKey, EndpointFacts] = {}
        self.folded = 0
        self.unparsable_connections: Counter[str] = Counter()

    def recognised(self, flow: Flow, protocol: str) -> EndpointFacts:
        """Return the row of a connection's server; one that is thrown away when there are too many."""
        key = EndpointKey(flow.server, protocol)
        row = self.rows.get(key)
        if row is None:
            row = EndpointFacts()
            if len(self.rows) >= MAX_ENDPOINTS:
                self.folded += 1
            else:
                self.rows[key] = row
        return row

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Count a connection that was taken for what it was not."""
        self.unparsable_connections[protocol] += 1
