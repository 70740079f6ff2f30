"""Lets bytes go through a conversation and keeps what comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from exporter.model import Change, Endpoint, Exchange, Flow, Kind, Nanoseconds
from exporter.net.stream import End
from exporter.protocols import PROTOCOLS
from exporter.protocols.base import ProtocolSpec
from exporter.protocols.conversation import Conversation

CLIENT = Endpoint("192.0.2.1", 51234)
SERVER = Endpoint("192.0.2.2", 17017)
STEP: Nanoseconds = 1_000_000
C, S = 0, 1
STREAMED = tuple(spec for spec in PROTOCOLS if "tcp" in spec.transports)


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes of one direction that arrive together, or, with `lost`, so many that do not; a millisecond after the last.

    With `at_once` they arrive at the last one's time; if they are lost, they are the rest of its packet.
    """

    direction: int
    payload: bytes = b""
    lost: int = 0
    at_once: bool = False


@dataclass(slots=True)
class Kept:
    """The recorder and observer of a conversation; `spoken` is the protocol of each exchange, `changes` are certain."""

    protocols: list[str] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    unparsable_protocols: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closed: int = 0

    def recognised(self, flow: Flow, protocol: str) -> "Kept":
        """Keep the protocol."""
        self.protocols.append(protocol)
        self.flows.append(flow)
        return self

    def unparsable(self, flow: Flow, protocol: str) -> None:
        """Keep the mistake."""
        self.unparsable_protocols.append(protocol)

    def record(self, exchange: Exchange) -> None:
        """Keep the exchange."""
        if exchange.response is not None and exchange.response.kind is Kind.CHANGED:
            self.changes.extend(exchange.response.changes)
            return
        self.exchanges.append(exchange)
        self.spoken.append(self.protocols[-1])

    def close(self, at: Nanoseconds) -> None:
        """Count the end."""
        self.closed += 1

    def requests(self) -> list[str]:
        """Return the operations' names, `-` where the request was not seen."""
        return [exchange.request.operation.name if exchange.request else "-" for exchange in self.exchanges]

    def statuses(self) -> list[str]:
        """Return the answers' statuses, `-` where there was none."""
        return [exchange.response.status if exchange.response else "-" for exchange in self.exchanges]

    def failures(self) -> list[bool]:
        """Return whether each answer said that the request failed."""
        return [exchange.response is not None and exchange.response.failed for exchange in self.exchanges]

    def facts(self) -> list[tuple[object, ...]]:
        """Return all that does not depend on how the bytes were cut."""
        return [
            (
                exchange.request and (exchange.request.operation, exchange.request.size_bytes),
                exchange.response
                and (exchange.response.status, exchange.response.failed, exchange.response.size_bytes),
            )
            for exchange in self.exchanges
        ]


def flow(sure: bool = True, server_port: int = SERVER.port) -> Flow:
    """Return the flow of a test."""
    return Flow(CLIENT, Endpoint(SERVER.address, server_port), "tcp", sure)


def converse(
    steps: Iterable[Step],
    sure: bool = True,
    server_port: int = SERVER.port,
    specs: Sequence[ProtocolSpec] = STREAMED,
) -> Kept:
    """Return what a conversation makes of the steps, one a millisecond."""
    kept = Kept()
    conversation = Conversation(flow(sure, server_port), kept, specs)
    at = 0
    taken = list(steps)
    for number, step in enumerate(taken):
        at += 0 if step.at_once else STEP
        if not step.lost and is_tail(taken[number + 1 : number + 3]):
            conversation.shorten(len(step.payload))
        if step.lost:
            conversation.gap(step.direction, step.lost, at)
        else:
            conversation.data(step.direction, step.payload, at)
    conversation.end(End.CLOSED, at + STEP)
    return kept


def is_tail(steps: Sequence[Step]) -> bool:
    """Return whether the first of what follows a step is the rest of its packet."""
    lost = bool(steps) and steps[0].lost > 0 and steps[0].at_once
    return lost and not (len(steps) > 1 and steps[1].at_once and steps[1].direction == steps[0].direction)


def copied(steps: Iterable[Step], size: int) -> list[Step]:
    """Return the steps as a capture shows them that copies so many bytes of each."""
    cut: list[Step] = []
    for step in steps:
        cut.append(replace(step, payload=step.payload[:size]))
        if len(step.payload) > size:
            cut.append(Step(step.direction, lost=len(step.payload) - size, at_once=True))
    return cut


def client(payload: bytes) -> Step:
    """Return a step of the client."""
    return Step(C, payload)


def server(payload: bytes) -> Step:
    """Return a step of the server."""
    return Step(S, payload)


def counts(kept: Kept) -> dict[str, int]:
    """Return how many changes there were, by operation."""
    found: dict[str, int] = {}
    for change in kept.changes:
        found[change.operation.name] = found.get(change.operation.name, 0) + change.count
    return found


def sums(kept: Kept) -> dict[tuple[str, str], Decimal]:
    """Return what the amounts of all changes add up to, by field and currency."""
    found: dict[tuple[str, str], Decimal] = {}
    for change in kept.changes:
        for amount in change.amounts:
            key = (amount.field, amount.currency)
            found[key] = found.get(key, Decimal(0)) + amount.total - amount.negative
    return found
