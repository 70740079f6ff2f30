"""Filters that write what they keep, run by the kernel on packets made by hand, where that is permitted."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.net.entries import length_of
from exporter.net.lengths import Bodies
from exporter.sources.classicfilter import WHOLE, Kept, Sample, Snap, payload_filter
from exporter.sources.ebpf import kernel
from exporter.sources.ebpf.ringprogram import LARGE, Sink
from exporter.sources.errors import SourceError
from exporter.sources.filters import EBPF, EbpfFilter, Filters
from exporter.sources.ringbuffer import PAGE, RingBuffer
from tests.exporter.net.packets import CLIENT, SERVER, tcp
from tests.exporter.sources.ebpf.test_packetprogram import JUDGED, VALUES, run
from tests.exporter.sources.test_classicfilter import DROPPED, KEPT
from tests.exporter.sources.test_classicfilter import run as run_classic

SIZE_BYTES, WAKE_BYTES = 1 << 13, 1 << 11
HEAD = 300
GIVEN_UP = 0x40  # in the last byte of the first word


@dataclass
class Writing:
    """A filter and what it writes."""

    filter: EbpfFilter
    buffer: RingBuffer
    dropped: int
    read: int = 0

    def written(self, descriptor: int, frame: bytes) -> tuple[int, bytes] | None:
        """Have the program run on a frame; return how long it was and what was copied of it, None if it was dropped."""
        assert run(descriptor, frame) == 0, "nothing is left to the kernel"
        found = []
        while self.read < self.buffer.produced:
            at = PAGE + self.read % SIZE_BYTES
            size = length_of(self.buffer.view, at)
            held = (bytes(self.buffer.view[at:]) + bytes(self.buffer.view[PAGE:at]))[:size]
            self.read += size
            if not held[3] & GIVEN_UP:
                copied = int.from_bytes(held[20:24], "little")
                found.append((int.from_bytes(held[16:20], "little"), held[24 : 24 + copied]))
        assert len(found) <= 1
        return found[0] if found else None

    def lost(self) -> int:
        """Return for how many packets there was no room."""
        return int.from_bytes(kernel.look_up(self.dropped, bytes(4), 8), "little")


@pytest.fixture
def writing() -> Iterator[Writing]:
    """A filter of its own, with room for long packets."""
    with ExitStack() as opened:
        try:
            filters = opened.enter_context(closing(Filters(EBPF)))
            buffer = opened.enter_context(closing(RingBuffer(SIZE_BYTES)))
        except SourceError as error:
            pytest.skip(str(error))
        dropped = kernel.create_map(kernel.ARRAY, 4, 8, 1)
        opened.callback(os.close, dropped)
        made = opened.enter_context(
            closing(filters.make_writing(Sink(buffer.descriptor, dropped, SIZE_BYTES, WAKE_BYTES)))
        )
        assert isinstance(made, EbpfFilter)
        made.refill(SIZE_BYTES)
        yield Writing(made, buffer, dropped)


def expected(program: bytes, packet: bytes) -> tuple[int, bytes] | None:
    """Return what the kernel copies by a classic program."""
    copied = run_classic(program, packet)
    return (len(packet), packet[:copied]) if copied else None


@pytest.mark.parametrize("bodies", [frozenset(), frozenset(Bodies(port, port % 2) for port in range(16))])
def test_what_a_classic_program_keeps_is_written(writing: Writing, bodies: frozenset[Bodies]) -> None:
    kept = Kept(Snap(WHOLE, HEAD, bodies), 0)
    program = payload_filter(kept.snap, 0)
    descriptor = writing.filter.load(kept)
    for name, frame in (KEPT | DROPPED).items():
        if len(frame) > 14 + 20:
            assert writing.written(descriptor, frame) == expected(program, frame[14:]), name
        writing.buffer.consume(writing.read)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(
    st.one_of(st.sampled_from((0, 1, 40)), st.integers(0, 3000)),
    st.lists(st.tuples(st.sampled_from(JUDGED), st.sampled_from(VALUES)), max_size=2),
    st.integers(1, 1 << 20),
)
def test_of_whatever_looks_like_a_segment_as_much_is_written_as_is_wanted(
    writing: Writing, size: int, changes: list[tuple[int, int]], salt: int
) -> None:
    frame = bytearray(tcp(CLIENT, SERVER, 1, os.urandom(size), ack=5))
    for place, value in changes:
        frame[14 + place] = value
    packet = bytes(frame)
    writing.filter.refill(0)  # long ones are cut
    for sample in (Sample(), Sample(2, salt)):
        descriptor = writing.filter.load(Kept(Snap(WHOLE, HEAD), 0, True, sample))
        program = payload_filter(Snap(HEAD, HEAD), 0, True, sample)
        assert writing.written(descriptor, packet) == expected(program, packet[14:])
        writing.buffer.consume(writing.read)


def test_packets_longer_than_any_entry_are_cut(writing: Writing) -> None:
    most = max(size for size in LARGE if size <= SIZE_BYTES // 4)
    packet = tcp(CLIENT, SERVER, 1, bytes(3000))
    descriptor = writing.filter.load(Kept(Snap(WHOLE, WHOLE), 0))
    written = writing.written(descriptor, packet)
    assert written is not None
    assert (written[0], len(written[1])) == (len(packet) - 14, min(most, len(packet) - 14))


def test_where_there_is_no_room_packets_are_counted_as_dropped(writing: Writing) -> None:
    descriptor = writing.filter.load(Kept(Snap(WHOLE, HEAD), 0))
    frame = tcp(CLIENT, SERVER, 1, bytes(200))
    while writing.written(descriptor, frame) is not None:
        assert writing.read < SIZE_BYTES
    assert writing.lost() == 1
    writing.buffer.consume(writing.read)
    assert writing.written(descriptor, frame) is not None
    assert writing.lost() == 1


@pytest.mark.parametrize("header", [0, 14])
@pytest.mark.parametrize("flows", [1, 4])
def test_the_verifier_accepts_every_program(writing: Writing, header: int, flows: int) -> None:
    for bodies in (frozenset[Bodies](), frozenset(Bodies(port, port % 2) for port in range(16))):
        assert writing.filter.load(Kept(Snap(WHOLE, HEAD, bodies), header, True, Sample(flows, 77))) > 0
