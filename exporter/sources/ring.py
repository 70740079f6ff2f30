"""One TPACKET_V3 ring: the kernel writes packets into blocks that are shared with this process.

Source: Linux, Documentation/networking/packet_mmap.rst; include/uapi/linux/if_packet.h.
"""

import mmap
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import takewhile

from exporter.services.picks import Block, Extent
from exporter.services.sampling import FOREVER
from exporter.sources.classicfilter import Kept, Snap
from exporter.sources.errors import SourceError
from exporter.sources.filters import ClassicFilter, PacketFilter
from exporter.sources.interfaces import LINK_ETHERNET, Interface
from exporter.sources.rings import EVERYTHING, FOR_LONG, PacketReader, RingStats
from exporter.sources.source import Choice, Drained
from exporter.sources.tap import SOL_PACKET, Tap

PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
TPACKET_V3 = 2
TP_STATUS_USER = 1
STATUS_OFFSET = 8  # of a block's header
PACKETS_OFFSET = 12
BEGAN_OFFSET = 32  # seconds and nanoseconds from when on it was written
ENDED_OFFSET = 40  # of its last packet
NANOSECONDS = 1_000_000_000

BLOCK_BYTES = 1 << 18  # at least two of the longest frames; a larger one makes small rings coarse
FRAME_BYTES = 2048  # a formality in version 3: packets are packed into the block
RETIRE_MILLISECONDS = 60  # a block that is not full is handed over after this


class Ring:
    """Captures one interface, from its opening on.

    Args:
        packet_filter: the ring's own; closed with it.
        paused: whether to capture nothing before `resume`.

    Raises:
        SourceError: not permitted, not supported, or the interface is gone.
    """

    def __init__(
        self,
        interface: Interface,
        snap: Snap,
        size_bytes: int,
        datagrams: bool = False,
        packet_filter: PacketFilter | None = None,
        paused: bool = False,
    ) -> None:
        self.interface = interface
        kept = Kept(snap, 14 if interface.link == LINK_ETHERNET else 0, datagrams)
        self.tap = Tap(interface, kept, packet_filter or ClassicFilter(), paused)
        self._blocks = max(2, size_bytes // BLOCK_BYTES)
        self._next = 0
        self._packets = self._dropped = 0
        self._read_until = FOREVER
        try:
            self._memory = self._map()
            self.tap.bind()
        except OSError as error:
            self.tap.close()
            raise SourceError(f"no ring on interface {interface.name}: {error.strerror}") from error
        self._status = memoryview(self._memory).cast("I")
        self._refill()

    @property
    def size_bytes(self) -> int:
        """How much memory the ring takes."""
        return self._blocks * BLOCK_BYTES

    def drain(
        self, reader: PacketReader, may_go_on: Callable[[], bool] = lambda: True, choice: Choice | None = None
    ) -> Drained:
        """Have `reader` read the blocks that are ready, each at most once, for as long as it may.

        Args:
            choice: of what is read; everything where there is none.
        """
        packets = blocks = 0
        now = time.time_ns() if choice is not None else 0
        while blocks < self._blocks and self._is_ready(self._next) and may_go_on():
            parts = choice.parts(self._block(self._next), now) if choice is not None else EVERYTHING
            if parts is None:
                break
            try:
                packets += sum(self._read(reader, part) for part in parts)
            finally:
                self._release()
            blocks += 1
        return Drained(packets, (blocks + self._refill()) / self._blocks, blocks / self._blocks)

    @property
    def fullness(self) -> float:
        """Which share of the blocks waits; may be asked while another thread drains."""
        return sum(1 for _ in self._ready()) / self._blocks

    def fileno(self) -> int:
        """Return the descriptor that can be read from once a block waits."""
        return self.tap.socket.fileno()

    def blocks(self, reader: PacketReader) -> tuple[Block, ...]:
        """Return the blocks that are ready, in order; `reader` finds their packets before they are released."""
        return tuple(
            replace(self._block(one), moment=partial(reader.moment, self._memory, one * BLOCK_BYTES, BLOCK_BYTES))
            for one in self._ready()
        )

    def _ready(self) -> Iterator[int]:
        return takewhile(self._is_ready, ((self._next + later) % self._blocks for later in range(self._blocks)))

    def _read(self, reader: PacketReader, part: Extent) -> int:
        """Have a part of the next block read; return of how many packets."""
        if part.since > self._read_until:
            reader.resume(part.since)
        self._read_until = part.until
        zone = self.interface.zone if self.interface.loopback else 0
        base = self._next * BLOCK_BYTES
        return reader.block(self._memory, base, BLOCK_BYTES, self.interface.link, zone, part.since, part.until)

    def _release(self) -> None:
        """Give the next block back."""
        self._status[(self._next * BLOCK_BYTES + STATUS_OFFSET) // 4] = 0
        self._next = (self._next + 1) % self._blocks

    def _block(self, number: int) -> Block:
        base = number * BLOCK_BYTES
        packets = self._status[(base + PACKETS_OFFSET) // 4]
        return Block(self._moment(base + BEGAN_OFFSET), self._moment(base + ENDED_OFFSET), packets)

    def _moment(self, at: int) -> int:
        return self._status[at // 4] * NANOSECONDS + self._status[at // 4 + 1]

    def _refill(self) -> int:
        """Tell the filter how much room there is for long packets: a part of the blocks that wait for nobody.

        Returns how many wait.
        """
        waiting = 0
        while waiting < self._blocks and self._is_ready((self._next + waiting) % self._blocks):
            waiting += 1
        self.tap.filter.refill(int(FOR_LONG * BLOCK_BYTES * (self._blocks - waiting)))
        return waiting

    def _is_ready(self, block: int) -> bool:
        return bool(self._status[(block * BLOCK_BYTES + STATUS_OFFSET) // 4] & TP_STATUS_USER)

    def skip(self) -> int:
        """Give the blocks that are ready back unread; return when the first packet was captured, 0 without any."""
        ready = tuple(map(self._block, self._ready()))
        for _ in ready:
            self._release()
        self._refill()
        return ready[0].begins if ready else 0

    def stats(self) -> RingStats:
        """Return the kernel's counts."""
        counts = self.tap.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)  # reading resets them
        packets, dropped, _freezes = struct.unpack("3I", counts)
        self._packets += packets
        self._dropped += dropped
        return RingStats(self._packets, self._dropped)

    def close(self) -> None:
        """Stop capturing and give the memory back."""
        self._status.release()
        self._memory.close()
        self.tap.close()

    def _map(self) -> mmap.mmap:
        sock = self.tap.socket
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        frames = BLOCK_BYTES // FRAME_BYTES * self._blocks
        request = struct.pack("7I", BLOCK_BYTES, self._blocks, FRAME_BYTES, frames, RETIRE_MILLISECONDS, 0, 0)
        sock.setsockopt(SOL_PACKET, PACKET_RX_RING, request)
        return mmap.mmap(sock.fileno(), self.size_bytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
