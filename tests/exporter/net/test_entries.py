"""The entries of a BPF ring buffer, written by hand as the kernel does."""

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net import entries
from exporter.net.engine import Engine
from tests.exporter.net.packets import CLIENT, SERVER, Opened, tcp

BUSY, DISCARDED = 1 << 31, 1 << 30
SHIFT = 1_000


@dataclass(frozen=True)
class Entry:
    """What is written of one packet."""

    at: int
    packet: bytes
    copied: int
    unused: int = 0
    flags: int = 0

    def bytes(self) -> bytes:
        """Return it as it lies in memory."""
        length = 16 + self.copied + self.unused
        held = struct.pack("<IIQII", length | self.flags, 7, self.at, len(self.packet), self.copied)
        held += self.packet[: self.copied] + bytes(self.unused)
        return held + bytes(-len(held) % 8)


def entry(at: int, payload: bytes = b"GET k\r\n", **more: int) -> Entry:
    """Return the entry of a segment."""
    frame = bytes(tcp(CLIENT, SERVER, 1, payload))
    return Entry(at, frame, more.pop("copied", len(frame)), **more)


times = st.lists(st.tuples(st.integers(1, 1 << 60), st.integers(0, 300), st.booleans()), max_size=20)


@given(times)
def test_written_entries_are_counted_and_found(seen: list[tuple[int, int, bool]]) -> None:
    made = [entry(at, unused=unused, flags=DISCARDED * gone) for at, unused, gone in seen]
    memory = memoryview(b"".join(one.bytes() for one in made))
    kept = [one.at for one in made if not one.flags]
    first, last = (kept[0], kept[-1]) if kept else (0, 0)
    assert entries.survey(memory, 0, len(memory)) == (len(memory), len(kept), first, last)
    assert [entries.moment(memory, 0, len(memory), number) for number in range(len(kept) + 1)] == [*kept, 0]
    engine = Engine(Opened())
    assert engine.entries(bytes(memory), 0, len(memory), SHIFT) == len(kept)
    assert engine.counters().packets == len(kept)


def test_what_is_being_written_ends_the_survey() -> None:
    whole, busy = entry(5).bytes(), entry(6, flags=BUSY).bytes()
    memory = memoryview(whole + busy + whole)
    assert entries.survey(memory, 0, len(memory)) == (len(whole), 1, 5, 5)
    assert entries.length_of(memory, len(whole)) == 0
    assert entries.length_of(memory, 0) == len(whole)


def test_an_entry_that_goes_on_beyond_the_end_is_left() -> None:
    whole = entry(5).bytes()
    memory = memoryview(whole + whole)
    assert entries.survey(memory, 0, len(memory) - 8) == (len(whole), 1, 5, 5)


@pytest.mark.parametrize(("since", "until", "found"), [(0, 1 << 62, 3), (1_010, 1_030, 2), (1_011, 1_030, 1)])
def test_only_packets_of_a_time_are_read(since: int, until: int, found: int) -> None:
    memory = b"".join(entry(at).bytes() for at in (10, 20, 30))
    assert Engine(Opened()).entries(memory, 0, len(memory), SHIFT, since=since, until=until) == found


def test_bytes_of_the_packets_are_handed_over_with_their_time() -> None:
    opened = Opened()
    engine = Engine(opened)
    memory = entry(10, b"GET k\r\n", unused=40).bytes()
    engine.entries(memory, 0, len(memory), SHIFT)
    engine.close(2_000)
    (consumer,) = opened.consumers
    assert consumer.bytes(0) == b"GET k\r\n"
    assert consumer.calls[0][3] == 10 + SHIFT


@given(st.binary(max_size=300), st.integers(0, 310), st.integers(0, 400))
def test_any_bytes_are_read_without_an_error(memory: bytes, at: int, end: int) -> None:
    view = memoryview(memory)
    entries.survey(view, at, min(end, len(memory)))
    entries.moment(view, at, min(end, len(memory)), 3)
    Engine(Opened()).entries(memory, at, end, SHIFT)
