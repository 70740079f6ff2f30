"""Captures of one direction alone: what it acknowledges tells that the other one spoke."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Exchange, Flow, Nanoseconds
from exporter.net.engine import Engine
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from tests.exporter.net.packets import ACK, CLIENT, FIN, SERVER, SYN, tcp

ETHERNET = 1
BOTH = frozenset({0, 1})
FILLING = b"\xee\xd7"  # begins no protocol's message


@dataclass
class Kept:
    """An observer that keeps every exchange of all connections."""

    protocols: set[str] = field(default_factory=set)
    exchanges: list[Exchange] = field(default_factory=list)

    def recognised(self, flow: Flow, protocol: str) -> "Kept":
        self.protocols.add(protocol)
        return self

    def unparsable(self, flow: Flow, protocol: str) -> None:
        raise AssertionError(protocol)

    def record(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def close(self, at: Nanoseconds) -> None:
        """Keep what there is."""


def frames(bursts: list[list[int]]) -> list[tuple[int, bytes]]:
    """Return a connection's directions and frames: bursts of segments of given sizes, the client's first."""
    ends, reached = (CLIENT, SERVER), [1000, 5000]
    out = [(0, tcp(CLIENT, SERVER, 1000, flags=SYN)), (1, tcp(SERVER, CLIENT, 5000, flags=SYN | ACK, ack=1001))]
    reached = [1001, 5001]
    out.append((0, tcp(CLIENT, SERVER, 1001, ack=5001)))
    for number, burst in enumerate(bursts):
        side = number % 2
        for size in burst:
            payload = FILLING * (size // 2) + FILLING[: size % 2]
            out.append((side, tcp(ends[side], ends[1 - side], reached[side], payload, ack=reached[1 - side])))
            reached[side] += size
            out.append((1 - side, tcp(ends[1 - side], ends[side], reached[1 - side], ack=reached[side])))
    for side in (0, 1):
        out.append((side, tcp(ends[side], ends[1 - side], reached[side], flags=ACK | FIN, ack=reached[1 - side])))
        reached[side] += 1
        out.append((1 - side, tcp(ends[1 - side], ends[side], reached[1 - side], ack=reached[side])))
    return out


def told(bursts: list[list[int]], sides: frozenset[int]) -> Kept:
    kept = Kept()
    engine = Engine(Conversations(kept, PROTOCOLS))
    at = 1_700_000_000_000_000_000
    for side, frame in frames(bursts):
        at += 1_000_000
        if side in sides:
            engine.frame(frame, ETHERNET, len(frame), at)
    engine.close(at)
    assert engine.counters().consumers_failed == 0
    return kept


BURSTS = st.lists(st.lists(st.integers(2, 60), min_size=1, max_size=3), min_size=1, max_size=30)


@given(bursts=BURSTS)
def test_either_side_alone_tells_the_turns_of_both_without_their_times(bursts: list[list[int]]) -> None:
    whole = told(bursts, BOTH)
    assert all(exchange.duration is not None for exchange in whole.exchanges)
    for side in (0, 1):
        half = told(bursts, frozenset({side}))
        assert len(half.exchanges) == len(whole.exchanges)
        assert {exchange.duration for exchange in half.exchanges} <= {None}
        assert half.protocols == ({"unknown"} if half.exchanges else half.protocols)


def test_a_direction_that_ends_without_a_word_said_nothing() -> None:
    assert told([[10]], frozenset({0})).exchanges == []


@pytest.mark.parametrize("side", [0, 1])
def test_sizes_of_the_side_that_is_not_captured_are_those_that_were_acknowledged(side: int) -> None:
    exchange = told([[10, 5], [30]], frozenset({side})).exchanges[0]
    assert exchange.request is not None
    assert exchange.response is not None
    assert (exchange.request.size_bytes, exchange.response.size_bytes) == (15, 30)
