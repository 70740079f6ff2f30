"""What could at best be told of a capture that lost packets: of each exchange what the packets that are left show.

It counts as long as one packet of its request or response is left. What was asked is known by the packet in which the
request begins, how it ended by the one in which the response begins, and its time by that and the response's last one.
Some things can be told beyond that, as the length of what is missing is known; nobody can tell all of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from exporter.model import UNKNOWN_OPERATION, Exchange, Flow, Message, Nanoseconds
from exporter.services.endpoints import EndpointFacts
from tests.pcaps.mangle import Captured

Way = tuple[str, int, str, int]
"""Address and port of the sender and of the receiver."""
Row = tuple[int, str]
"""A server's port, and a protocol."""


@dataclass(slots=True)
class Diary:
    """Keeps every exchange (`protocols.recorder.Observer` and its recorders)."""

    exchanges: list[tuple[Flow, str, Exchange]] = field(default_factory=list)

    def recognised(self, flow: Flow, protocol: str) -> "Page":
        """Return what keeps those of one connection."""
        return Page(self, flow, protocol)

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Nothing is kept of a mistake."""


@dataclass(frozen=True, slots=True)
class Page:
    """Keeps the exchanges of one connection."""

    diary: Diary
    flow: Flow
    protocol: str

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange."""
        self.diary.exchanges.append((self.flow, self.protocol, exchange))

    def close(self, at: Nanoseconds) -> None:
        """Nothing follows."""


def _way(frame: bytes) -> Way:
    """Return who sent a frame, Ethernet with IPv4, to whom."""
    ports = 14 + (frame[14] & 0x0F) * 4
    sides = [".".join(map(str, frame[at : at + 4])) for at in (26, 30)]
    numbers = [int.from_bytes(frame[at : at + 2], "big") for at in (ports, ports + 2)]
    return sides[0], numbers[0], sides[1], numbers[1]


def _times(packets: Iterable[Captured]) -> Mapping[Way, set[Nanoseconds]]:
    times: defaultdict[Way, set[Nanoseconds]] = defaultdict(set)
    for packet in packets:
        times[_way(packet.frame)].add(packet.at)
    return times


def survivors(
    exchanges: Iterable[tuple[Flow, str, Exchange]], packets: Iterable[Captured], left: Iterable[Captured]
) -> dict[Row, EndpointFacts]:
    """Return what the packets that are left show of all exchanges of a capture."""
    before, after = _times(packets), _times(left)
    rows: defaultdict[Row, EndpointFacts] = defaultdict(EndpointFacts)
    for flow, protocol, exchange in exchanges:
        client, server = flow.client, flow.server
        way = (client.address, client.port, server.address, server.port)
        back = (*way[2:], *way[:2])
        lost = before[way] - after[way], before[back] - after[back]
        known = _left(exchange, *lost)
        if known is not None:
            rows[server.port, protocol].record(known)
    return dict(rows)


def _left(exchange: Exchange, asked: set[Nanoseconds], told: set[Nanoseconds]) -> Exchange | None:
    """Return what is known of an exchange whose packets at those times were lost, None if nothing is."""
    request, response = exchange.request, exchange.response
    timed = exchange.timed
    if request is not None and request.first_at in asked:
        timed = False
        request = None if request.last_at in asked else replace(request, operation=UNKNOWN_OPERATION)
    if response is not None and response.last_at in told:
        timed = False
    if response is not None and response.first_at in told:
        response = None if response.last_at in told else _headless(response)
    return Exchange(request, response, timed) if request or response else None


def _headless(response: Message) -> Message:
    return replace(response, status="", failed=False, hits=0, misses=0)
