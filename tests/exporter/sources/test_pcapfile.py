"""Capture files in all their forms."""

import gzip
import io
import struct
import tracemalloc
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import mmap
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.engine import Engine
from exporter.sources.errors import SourceError
from exporter.sources.packet import CapturedPacket
from exporter.sources.pcapfile import feed, read
from tests.exporter.net.packets import CLIENT, SERVER, Opened, tcp

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Order = Literal["little", "big"]
SECOND = 1_000_000_000
FRAMES = [tcp(CLIENT, SERVER, 1, b"abc"), tcp(CLIENT, SERVER, 4, b"defgh"), tcp(CLIENT, SERVER, 9, b"i")]
TIMES = [5 * SECOND + 1000, 6 * SECOND, 4_000_000_000 * SECOND + 999_999_000]


def pcap(order: Order = "little", nanoseconds: bool = False, link: int = 1, frames: list[bytes] = FRAMES) -> bytes:
    """Return a classic capture of the frames, of each at most 60 bytes."""
    mark = "<" if order == "little" else ">"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(mark + "IHHIIII", magic, 2, 4, 0, 0, 60, link)]
    for frame, at in zip(frames, TIMES, strict=False):
        fraction = at % SECOND // (1 if nanoseconds else 1000)
        parts.append(struct.pack(mark + "IIII", at // SECOND, fraction, min(60, len(frame)), len(frame)) + frame[:60])
    return b"".join(parts)


def block(order: Order, kind: int, body: bytes) -> bytes:
    """Return a pcapng block."""
    body += bytes(-len(body) % 4)
    mark = "<" if order == "little" else ">"
    size = struct.pack(mark + "I", 12 + len(body))
    return struct.pack(mark + "I", kind) + size + body + size


def pcapng(order: Order = "little") -> bytes:
    """Return a pcapng capture: two interfaces, every kind of packet block, an unknown block."""
    mark = "<" if order == "little" else ">"
    section = struct.pack(mark + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    nanoseconds = struct.pack(mark + "HHB3xHHqHH", 9, 1, 9, 14, 8, 2, 0, 0)
    first, second = TIMES[0] // 1000, TIMES[1] - 2 * SECOND
    head = struct.pack(mark + "IIIII", 0, first >> 32, first & 0xFFFFFFFF, len(FRAMES[0]), len(FRAMES[0]) + 5)
    other = struct.pack(mark + "HHIIII", 1, 0, second >> 32, second & 0xFFFFFFFF, 20, len(FRAMES[1]))
    return b"".join(
        [
            block(order, 0x0A0D0D0A, section),
            block(order, 1, struct.pack(mark + "HHI", 1, 0, 0)),
            block(order, 1, struct.pack(mark + "HHI", 101, 0, 0) + nanoseconds),
            block(order, 0x777, b"unknown"),
            block(order, 6, head + FRAMES[0]),
            block(order, 2, other + FRAMES[1][:20]),
            block(order, 3, struct.pack(mark + "I", len(FRAMES[2])) + FRAMES[2]),
        ]
    )


@dataclass
class Kept:
    """A sink that keeps what it is fed; classic records are read by the engine's own code."""

    packets: list[CapturedPacket] = field(default_factory=list)

    def frame(self, data: bytes, link: int, wire: int, at: int) -> None:
        self.packets.append(CapturedPacket(data, link, wire, at))

    def records(self, data: mmap, start: int, swapped: bool, fraction_ns: int, link: int, end: int) -> int:
        raise AssertionError("only for classic captures")


class Dripping(io.RawIOBase):
    """A stream that cannot seek and gives a few bytes at a time, as a pipe does."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        piece, self.data = self.data[: min(len(view), 7)], self.data[min(len(view), 7) :]
        view[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_a_classic_capture_is_read(order: Order, nanoseconds: bool) -> None:
    packets = list(read(io.BytesIO(pcap(order, nanoseconds, link=113))))
    assert [packet.at for packet in packets] == TIMES
    assert [packet.data for packet in packets] == [frame[:60] for frame in FRAMES]
    assert [packet.wire_length for packet in packets] == [len(frame) for frame in FRAMES]
    assert {packet.link for packet in packets} == {113}


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_pcapng_capture_is_read(order: Order) -> None:
    packets = list(read(io.BytesIO(pcapng(order))))
    assert packets == [
        CapturedPacket(FRAMES[0], 1, len(FRAMES[0]) + 5, TIMES[0]),
        CapturedPacket(FRAMES[1][:20], 101, len(FRAMES[1]), TIMES[1]),
        CapturedPacket(FRAMES[2], 1, len(FRAMES[2]), TIMES[1]),
    ]
    kept = Kept()
    feed(io.BytesIO(pcapng(order)), kept)
    assert kept.packets == packets


@pytest.mark.parametrize(
    "data", [pcap(), pcap("big", True), pcapng(), gzip.compress(pcap(), mtime=0), gzip.compress(pcapng(), mtime=0)]
)
def test_however_it_comes_the_engine_gets_the_same(data: bytes) -> None:
    results = []
    for stream in (io.BytesIO(data), io.BufferedReader(Dripping(data))):
        opened = Opened()
        engine = Engine(opened)
        feed(stream, engine)
        results.append((engine.counters(), [consumer.calls for consumer in opened.consumers]))
    opened = Opened()
    engine = Engine(opened)
    for packet in read(io.BytesIO(data)):
        engine.frame(packet.data, packet.link, packet.wire_length, packet.at)
    results.append((engine.counters(), [consumer.calls for consumer in opened.consumers]))
    assert results[0] == results[1] == results[2]
    assert results[0][0].packets == 3


@pytest.mark.parametrize("data", [pcap(), pcapng(), gzip.compress(pcap(), mtime=0)])
def test_a_truncated_capture_is_read_as_far_as_it_goes(data: bytes) -> None:
    complete = len(list(read(io.BytesIO(data))))
    whole = []
    for length in range(len(data)):
        engine = Engine(Opened(), max_flows=4)
        packets = 0
        with suppress(SourceError):
            feed(io.BytesIO(data[:length]), engine)
            whole.append(length)
        with suppress(SourceError):
            for _ in read(io.BytesIO(data[:length])):
                packets += 1
        assert packets <= complete
        assert engine.counters().packets == packets
    assert len(whole) < 10


def test_the_truncated_record_is_named() -> None:
    engine = Engine(Opened())
    with pytest.raises(SourceError, match="ends at offset 210 within the record at offset 172"):
        feed(io.BytesIO(pcap()[:210]), engine)
    assert engine.counters().packets == 2


@pytest.mark.parametrize("data", [b"", b"\x7fELF and so on", b"PK\3\4", bytes(100)])
def test_what_is_no_capture_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match="offset"):
        feed(io.BytesIO(data), Engine(Opened()))
    with pytest.raises(SourceError, match="offset"):
        list(read(io.BytesIO(data)))


def test_a_record_of_absurd_length_is_refused_not_awaited() -> None:
    data = pcap() + struct.pack("<IIII", 1, 1, 0x7FFFFFFF, 1) + bytes(5000)
    with pytest.raises(SourceError, match="a record of 2147483647 bytes at offset 243"):
        feed(io.BytesIO(data), Engine(Opened()))


def test_a_large_capture_takes_little_memory() -> None:
    header = pcap(frames=[])
    record = pcap(frames=FRAMES[:1])[len(header) :]
    large = io.BytesIO(gzip.compress(header + record * 400_000, compresslevel=1))
    engine = Engine(Opened(ignored=frozenset({8080})), max_flows=16)
    tracemalloc.start()
    feed(large, engine)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert engine.counters().packets == 400_000
    assert peak < 8 << 20


@given(
    data=st.binary(max_size=300), head=st.sampled_from([b"", pcap()[:24], pcap("big")[:24], pcapng()[:28], b"\x1f\x8b"])
)
def test_garbage_is_an_error_or_packets_never_a_crash(head: bytes, data: bytes) -> None:
    engine = Engine(Opened(), max_flows=4)
    read_packets = 0
    with suppress(SourceError):
        feed(io.BytesIO(head + data), engine)
    with suppress(SourceError):
        for _ in read(io.BytesIO(head + data)):
            read_packets += 1
    assert engine.counters().packets == read_packets
