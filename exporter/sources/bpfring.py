"""One BPF ring buffer: the filter itself writes the packets of an interface into memory shared with this process.

To keep a packet so costs the host about half of what a ring of a packet socket does, and room for half as many bytes.
Its entries are gone through before they are read: some make a block, of which a part can be read without the rest.

Source: Linux, Documentation/bpf/ringbuf.rst; kernel/bpf/ringbuf.c.
"""

import logging
import mmap
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial

from exporter.net import entries
from exporter.services.picks import Block, Extent
from exporter.services.sampling import FOREVER
from exporter.sources.classicfilter import Kept, Snap
from exporter.sources.ebpf import kernel
from exporter.sources.ebpf.kernel import BpfError
from exporter.sources.ebpf.ringprogram import Sink
from exporter.sources.errors import SourceError
from exporter.sources.filters import Filters
from exporter.sources.ingresstap import IngressTap
from exporter.sources.interfaces import LINK_ETHERNET, Interface
from exporter.sources.ringbuffer import PAGE, RingBuffer
from exporter.sources.rings import EVERYTHING, FOR_LONG, AnyTap, PacketReader, RingStats
from exporter.sources.source import Choice, Drained
from exporter.sources.tap import Tap, open_socket
from exporter.sources.walltime import WallTime

log = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 18  # of entries that are read without asking whether to go on
WAKING = 4  # the reader is woken when this part of the ring waits


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole entries, one after the other.

    Attributes:
        memory: where they are, from `begins` to before `ends`.
        until: up to where the ring is free once they were read, in bytes since its opening.
        packets: how many entries hold one.
        first, last: the times of the first and the last of them, nanoseconds of the monotonic clock.
    """

    memory: mmap.mmap | bytes
    begins: int
    ends: int
    until: int
    packets: int
    first: int
    last: int


class BpfRing:
    """Captures one interface, from its opening on.

    Args:
        snap: how much to copy of each packet.
        size_bytes: at least two pages; the power of two that is not larger is taken.
        filters: make the program that writes into the ring.
        paused: whether to capture nothing before `resume`.

    Raises:
        SourceError: not permitted, not supported, or the interface is gone.
    """

    def __init__(
        self,
        interface: Interface,
        snap: Snap,
        size_bytes: int,
        filters: Filters,
        datagrams: bool = False,
        paused: bool = False,
    ) -> None:
        self.interface = interface
        self.size_bytes = 1 << (size_bytes.bit_length() - 1)
        self._surveyed = self._packets = 0  # bytes and packets since the opening
        self._stretches: deque[Stretch] = deque()
        self._read_until = FOREVER
        self._time = WallTime()
        with ExitStack() as opened:
            self._buffer = opened.enter_context(closing(RingBuffer(self.size_bytes)))
            self._dropped = kernel.create_map(kernel.ARRAY, 4, 8, 1)
            opened.callback(os.close, self._dropped)
            sink = Sink(self._buffer.descriptor, self._dropped, self.size_bytes, self.size_bytes // WAKING)
            kept = Kept(snap, 14 if interface.link == LINK_ETHERNET else 0, datagrams)
            self.tap = opened.enter_context(closing(_tap(interface, kept, sink, filters, paused)))
            self._refill()
            self._opened = opened.pop_all()

    @property
    def fullness(self) -> float:
        """Which share of the ring waits; may be asked while another thread drains."""
        return self._buffer.waiting / self.size_bytes

    def drain(
        self, reader: PacketReader, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have `reader` read the entries that are ready, for as long as it may.

        Args:
            choice: of what is read; everything where there is none.
        """
        self._buffer.rest()
        self._survey()
        began = self._buffer.consumed
        packets, now = 0, time.time_ns() if choice is not None else 0
        while self._stretches and may_go_on():
            stretch = self._stretches[0]
            parts = choice.parts(self._block(stretch), now) if choice is not None else EVERYTHING
            if parts is None:
                break
            try:
                packets += sum(self._read(reader, stretch, part) for part in parts)
            finally:
                self._release()
        self._refill()
        found, read = self._surveyed - began, self._buffer.consumed - began
        return Drained(packets, found / self.size_bytes, read / self.size_bytes)

    def fileno(self) -> int:
        """Return the descriptor that can be read from once a part of the ring waits."""
        return self._buffer.fileno()

    def blocks(self, reader: PacketReader) -> tuple[Block, ...]:
        """Return what is ready, in order."""
        del reader  # it finds the packets by itself
        self._survey()
        return tuple(self._block(stretch) for stretch in self._stretches if stretch.packets)

    def skip(self) -> int:
        """Give back what is ready unread; return when the first packet was captured, 0 without any."""
        self._survey()
        first = next((stretch.first for stretch in self._stretches if stretch.packets), 0)
        while self._stretches:
            self._release()
        self._refill()
        return first + self._time.shift if first else 0

    def stats(self) -> RingStats:
        """Return the counts."""
        self._survey()
        dropped = int.from_bytes(kernel.look_up(self._dropped, bytes(4), 8), "little")
        return RingStats(self._packets + dropped, dropped)

    def close(self) -> None:
        """Stop capturing and give the memory back."""
        self._stretches.clear()
        self._opened.close()

    def _survey(self) -> None:
        """Find the entries that were written since the last time."""
        self._time.look()
        while (there := self._buffer.produced - self._surveyed) > 0:
            at = PAGE + self._surveyed % self.size_bytes
            end = min(PAGE + self.size_bytes, at + min(there, BLOCK_BYTES))
            ends, packets, first, last = entries.survey(self._buffer.view, at, end)
            if ends > at:
                self._add(Stretch(self._buffer.memory, at, ends, self._surveyed + ends - at, packets, first, last))
            elif not self._add_one(at):
                return

    def _add_one(self, at: int) -> bool:
        """Add the entry that goes on at the ring's beginning or is longer than a block; return whether it is there."""
        size = entries.length_of(self._buffer.view, at)
        if not size or self._surveyed + size > self._buffer.produced:
            return False
        behind = at + size - PAGE - self.size_bytes
        whole = self._buffer.memory[at : at + size] + self._buffer.memory[PAGE : PAGE + max(0, behind)]
        _, packets, first, last = entries.survey(memoryview(whole), 0, size)
        self._add(Stretch(whole, 0, size, self._surveyed + size, packets, first, last))
        return True

    def _add(self, stretch: Stretch) -> None:
        self._surveyed = stretch.until
        self._packets += stretch.packets
        self._stretches.append(stretch)

    def _read(self, reader: PacketReader, stretch: Stretch, part: Extent) -> int:
        """Have a part of a stretch read; return of how many packets."""
        if part.since > self._read_until:
            reader.resume(part.since)
        self._read_until = part.until
        zone = self.interface.zone if self.interface.loopback else 0
        where = stretch.memory, stretch.begins, stretch.ends, self._time.shift
        return reader.entries(*where, self.interface.link, zone, part.since, part.until)

    def _release(self) -> None:
        """Give the first stretch back."""
        self._buffer.consume(self._stretches.popleft().until)

    def _block(self, stretch: Stretch) -> Block:
        shift = self._time.shift
        moment = partial(self._moment, stretch)
        return Block(stretch.first + shift, stretch.last + shift, stretch.packets, moment)

    def _moment(self, stretch: Stretch, number: int) -> int:
        at = entries.moment(memoryview(stretch.memory), stretch.begins, stretch.ends, number)
        return at + self._time.shift if at else 0

    def _refill(self) -> None:
        """Tell the filter how much room there is for long packets: a part of what waits for nobody."""
        self.tap.filter.refill(int(FOR_LONG * (self.size_bytes - self._buffer.waiting)))


def _tap(interface: Interface, kept: Kept, sink: Sink, filters: Filters, paused: bool) -> AnyTap:
    """Return a tap at the interface's very entrance where that is possible, else one by a packet socket.

    Only loopback has a single way by which everything passes once.

    Raises:
        SourceError: there is none.
    """
    if interface.loopback:
        open_socket().close()  # where packets may not be captured elsewhere, they are not here
        try:
            return IngressTap(interface, kept, filters.make_writing(replace(sink, passes_on=True)), paused)
        except BpfError as error:
            log.debug("no program at the interface", extra={"interface": interface.name, "reason": str(error)})
    tap = Tap(interface, kept, filters.make_writing(sink), paused)
    try:
        tap.bind()
    except OSError as error:
        tap.close()
        raise SourceError(f"no ring on interface {interface.name}: {error.strerror}") from error
    return tap
