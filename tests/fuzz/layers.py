"""What may never fail: one function per layer, which takes any bytes and raises where a bound broke."""

import io
import struct
from collections.abc import Callable

from exporter.model import Flow
from exporter.net.engine import Engine
from exporter.net.frames import Frame
from exporter.net.layout import SEGMENT
from exporter.net.stream import End, turns
from exporter.protocols import PROTOCOLS
from exporter.protocols.conversation import Conversations
from exporter.services.endpoints import Endpoints
from exporter.sources.errors import SourceError
from exporter.sources.pcapfile import feed, read
from tests.exporter.net.packets import CLIENT, SERVER, tcp
from tests.fuzz.parsing import PARSERS

LINKS = (0, 1, 9, 12, 50, 101, 104, 113, 228, 276, 65535)
BUFFER_BYTES = 20_000
HEAD_BYTES = 64  # longer packets may be cut, and it is learnt of which
START = 10**18


class Strict:
    """A consumer that fails on what a consumer may rely on; what it wants next depends on the bytes."""

    def __init__(self) -> None:
        self.ended = False

    def data(self, direction: int, payload: bytes, at: int) -> int:
        assert direction in (0, 1)
        assert payload
        assert not self.ended
        return self._want(payload[0], payload[-1])

    def gap(self, direction: int, size_bytes: int, at: int) -> int:
        assert direction in (0, 1)
        assert size_bytes >= 0
        assert not self.ended
        return self._want(size_bytes & 0xFF, 3)

    def end(self, reason: End, at: int) -> None:
        assert not self.ended
        self.ended = True

    def _want(self, first: int, last: int) -> int:
        if first == 0xF0:
            return turns(last, bool(last & 1))
        return last * 7 if first & 7 == 5 else 0


def strict_engine() -> Engine:
    """Return an engine of few flows with strict consumers."""

    def opener(flow: Flow, at: int) -> Strict | None:
        return Strict() if flow.server.port % 5 else None

    return Engine(opener, max_flows=16, buffer_bytes=BUFFER_BYTES, datagrams=True, turns=lambda rows: None)


def ended(engine: Engine) -> None:
    """End everything and check the bounds."""
    assert engine.counters().held_bytes <= BUFFER_BYTES
    engine.close(START)
    counters = engine.counters()
    assert counters.consumers_failed == 0, counters.last_failure
    assert counters.flows_active == 0
    assert counters.held_bytes == 0


def frames(data: bytes) -> None:
    """One frame of any link type: the payload lies within it."""
    if len(data) < 3:
        return
    frame = Frame()
    body = data[3:]
    frame.attach(body)
    link = LINKS[data[0] % len(LINKS)]
    verdict = frame.read(0, len(body), len(body) + data[1], link)
    assert 0 <= verdict <= 7
    if verdict == SEGMENT:
        assert 0 <= frame.size <= frame.wire
        assert frame.size == 0 or frame.payload + frame.size <= len(body)


def segments(data: bytes) -> None:
    """Frames of few flows, as they are: each preceded by its length."""
    engine = strict_engine()
    at, now = 0, START
    while at + 2 <= len(data):
        size = data[at]
        now += data[at + 1] * 10_000_000
        frame = data[at + 2 : at + 2 + size]
        engine.frame(frame, 1, size, now)
        at += 2 + size
    engine.expire(now)
    ended(engine)


def reassembly(data: bytes) -> None:
    """Segments of one connection at chosen places: side, flags, sequence, acknowledgement, size, time."""
    engine = strict_engine()
    now = START
    for side, flags, low, high, ack, size, wait in struct.iter_unpack("=BBBBBBB", data[: len(data) // 7 * 7]):
        now += wait * 20_000_000
        places = (0, 1 << 20, 1 << 26, (1 << 32) - 300, 1 << 31)
        sequence = (places[high % len(places)] + low) % 2**32
        ends = (CLIENT, SERVER) if side & 1 else (SERVER, CLIENT)
        frame = tcp(*ends, sequence, bytes([side]) * (size & 63), flags & 0x17, ack)
        engine.frame(frame[: len(frame) - (side >> 1 & 7)], 1, len(frame), now)
    engine.expire(now)
    ended(engine)


def captures(data: bytes) -> None:
    """Capture files: both readers agree on how many packets there are, and on whether the file is sound."""
    engine = strict_engine()
    failed = [False, False]
    try:
        feed(io.BytesIO(data), engine)
    except SourceError:
        failed[0] = True
    count = 0
    try:
        for _ in read(io.BytesIO(data)):
            count += 1
    except SourceError:
        failed[1] = True
    assert failed[0] == failed[1]
    assert count == engine.counters().packets
    ended(engine)


def conversations(data: bytes) -> None:
    """Bytes of both sides of a connection, in packets of which some were not copied whole, by all that is known."""
    engine = Engine(Conversations(Endpoints(), PROTOCOLS), max_flows=16)
    engine.learn(HEAD_BYTES)
    at, numbers, now = 0, [1, 1], START
    while at + 2 <= len(data):
        side, left_out, size = data[at] & 1, data[at] >> 1 & 7, data[at + 1]
        payload = data[at + 2 : at + 2 + size]
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        frame = tcp(*ends, numbers[side], payload, 16, numbers[1 - side])
        now += 1_000_000
        engine.frame(frame[: len(frame) - len(payload) * left_out // 8], 1, len(frame), now)
        numbers[side] += len(payload)
        at += 2 + size
    engine.close(now)
    assert engine.counters().consumers_failed == 0, engine.counters().last_failure


LAYERS: dict[str, Callable[[bytes], None]] = {
    "frames": frames,
    "segments": segments,
    "reassembly": reassembly,
    "captures": captures,
    "conversations": conversations,
    **PARSERS,
}
"""What is fuzzed, by name."""
