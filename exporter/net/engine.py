"""The packet path: blocks of packets in, the ordered bytes of flows out to their consumers.

Compiled with the types of `engine.pxd`. The unit of work is a block of packets: no Python object is made per packet,
one `bytes` per delivered payload. Nothing that comes from the wire or a file raises; every packet is counted.
"""

from mmap import mmap

import cython

from exporter.net.connections import Connections
from exporter.net.counters import EngineCounters
from exporter.net.delivery import Delivery, Source
from exporter.net.fragments import Fragments
from exporter.net.frames import Frame
from exporter.net.lengths import Bodies
from exporter.net.reassembly import Reassembly
from exporter.net.stream import Opener, TurnSink, Watcher
from exporter.net.table import FlowTable

if not cython.compiled:
    from exporter.net.entries import COPIED, DISCARDED, PACKET, SENT, size_of, stamp
    from exporter.net.layout import DATAGRAM, FRAGMENT, SEGMENT, ZONE_SHIFT
    from exporter.net.octets import little32

RAW_IP = 101
FOREVER = (1 << 63) - 1
BATCH = 32  # packets decoded and looked for before the first of them is followed: their memory is fetched meanwhile
NEAR = 2048  # flows whose memory lies in the processor's cache anyway
VERDICTS = ("segment", "datagram", "fragment", "other", "truncated", "malformed", "nested", "link_type")


def ring(size: int) -> Frame:
    """Return the first of so many frames, each followed by the next and the last by the first."""
    first = last = Frame()
    for _ in range(size - 1):
        last.following = Frame()
        last = last.following
    last.following = first
    return first


class Engine:
    """Decoding, flow table, reassembly and delivery of one capture."""

    def __init__(
        self,
        opener: Opener,
        max_flows: int = 131_072,
        buffer_bytes: int = 8 << 20,
        idle_ns: int = 900_000_000_000,
        datagrams: bool = False,
        seed: int = 0,
        turns: TurnSink | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """Reserve the memory for `max_flows` flows, `layout.SLOT_BYTES` each.

        Args:
            opener: makes the consumer of each flow.
            buffer_bytes: how much out-of-order payload may be kept, all flows together.
            idle_ns: a flow unseen for so long has ended.
            datagrams: whether UDP flows are delivered as well; otherwise they are only counted.
            seed: 32 random bits, against chosen collisions in the flow table.
            turns: takes the turns of flows whose consumers asked for no more.
            watcher: told of handshakes, failures to connect and retransmissions.

        Raises:
            ValueError: `max_flows` is not positive.
        """
        self.first = self.unused = ring(BATCH)
        self.pending = self.attached = 0
        self.whole = Frame()  # of a packet that came in fragments
        self.table = FlowTable(max_flows, seed)
        self.delivery = Delivery(self.table, opener, turns, watcher)
        self.reassembly = Reassembly(self.delivery, buffer_bytes)
        self.connections = Connections(self.table, self.delivery, self.reassembly)
        self.fragments = Fragments()
        self.idle = idle_ns
        self.datagrams = datagrams
        self.packets = self.bytes = self.zone = 0
        self.latest = 0  # capture time of the last packet
        self.verdicts = memoryview(bytearray(8 * len(VERDICTS))).cast("Q")
        self.nothing = self.view = memoryview(b"\0")
        self.source: Source = b""

    def block(
        self,
        memory: mmap | bytes,
        base: int,
        size: int,
        link: int = 1,
        zone: int = 0,
        since: int = 0,
        until: int = FOREVER,
    ) -> int:
        """Read the packets of one TPACKET_V3 block at `base` of `memory`; return how many those were.

        Args:
            since, until: only of this time, in capture time; the end is no part of it.
            zone: below `zones.MOST_ZONES`; flows of different zones are different ones even if their addresses are the
                same, and loopback addresses get the zone as their suffix, as in `127.0.0.1%7`. 0 has none.
        """
        self._attach(memory, BATCH)
        self.zone = zone << ZONE_SHIFT
        end = min(base + size, len(self.view))
        count = self._native(base + 12, end)
        at = base + self._native(base + 16, end)
        number, wanted, following = 0, 0, 1
        while number < count and following > 0 and base + 48 <= at and at + 48 <= end:
            following = self._native(at, end)
            captured = self._native(at + 12, end)
            start = at + self.view[at + 24] + self.view[at + 25] * 256
            if start + captured > end:
                break
            when = self._native(at + 4, end) * 1_000_000_000 + self._native(at + 8, end)
            if since <= when < until:
                self._packet(start, captured, self._native(at + 16, end), link, when)
                wanted += 1
            number += 1
            at += following
        self._follow()
        self._detach()
        self.zone = 0
        return wanted

    def moment(self, memory: mmap | bytes, base: int, size: int, number: int) -> int:
        """Return when the packet of a number, from 0 on, of the block at `base` was captured; 0 where there is none."""
        self._attach(memory, BATCH)
        end = min(base + size, len(self.view))
        at = base + self._native(base + 16, end)
        following = 1
        while number > 0 and following > 0 and base + 48 <= at and at + 48 <= end:
            following = self._native(at, end)
            at += following
            number -= 1
        is_there = number == 0 and following > 0 and base + 48 <= at and at + 48 <= end
        when = self._native(at + 4, end) * 1_000_000_000 + self._native(at + 8, end) if is_there else 0
        self._detach()
        return when

    def entries(
        self,
        memory: mmap | bytes,
        at: int,
        end: int,
        shift: int,
        link: int = 1,
        zone: int = 0,
        since: int = 0,
        until: int = FOREVER,
    ) -> int:
        """Read the packets of a BPF ring buffer's entries from `at` to `end`; return how many those were.

        All entries must be written. Arguments that are not told here are those of `block`.

        Args:
            shift: what to add to the entries' times, nanoseconds, for those of capture.
        """
        self._attach(memory, BATCH)
        self.zone = zone << ZONE_SHIFT
        end = min(end, len(self.view))
        wanted = 0
        while at + PACKET <= end:
            word = self._native(at, end)
            following = at + size_of(word)
            captured = self._native(at + COPIED, end)
            if following > end or at + PACKET + captured > following:
                break
            when = stamp(self.view, at) + shift
            if not word & DISCARDED and since <= when < until:
                self._packet(at + PACKET, captured, self._native(at + SENT, end), link, when)
                wanted += 1
            at = following
        self._follow()
        self._detach()
        self.zone = 0
        return wanted

    def records(self, data: mmap | bytes, start: int, swapped: bool, fraction_ns: int, link: int, end: int = -1) -> int:
        """Read the whole packet records of a classic pcap file in `data` from `start`; return where the rest begins.

        Args:
            swapped: whether the file is big-endian.
            fraction_ns: nanoseconds per unit of the fraction: 1000, or 1.
            end: where to stop; the end of `data` where it is negative.
        """
        self._attach(data, BATCH)
        if end < 0 or end > len(self.view):
            end = len(self.view)
        at = start
        while at + 16 <= end:
            captured = self._word(at + 8, swapped)
            if at + 16 + captured > end:
                break
            when = self._word(at, swapped) * 1_000_000_000 + self._word(at + 4, swapped) * fraction_ns
            self._packet(at + 16, captured, self._word(at + 12, swapped), link, when)
            at += 16 + captured
        self._follow()
        self._detach()
        return at

    def frame(self, data: bytes, link: int, wire: int, at: int) -> None:
        """Read one packet: the bytes that were captured of it, of `wire` when it was sent."""
        self._attach(data, 1)
        self._packet(0, len(self.view), wire, link, at)
        self._follow()
        self._detach()

    def limit(self, consumers: int) -> None:
        """Keep at most so many consumers at once: the flow unseen for longest loses its own, until it goes on.

        Raises:
            ValueError: it is not positive.
        """
        if consumers < 1:
            raise ValueError(f"at most {consumers} consumers")
        self.delivery.most_consumers = consumers

    def expire(self, now: int) -> None:
        """End what was idle for too long; to be called about once a second with the captured packets' clock."""
        self.reassembly.expire(now)
        self.connections.expire(now, self.idle)
        self.delivery.flush()

    def flush(self) -> None:
        """Hand the turns that were found so far to their sink; `expire` and `close` do so too."""
        self.delivery.flush()

    def learn(self, head_bytes: int) -> None:
        """Find out of which packets so much payload would do as a capture copies of the longest; 0 to stop that."""
        self.delivery.head = head_bytes

    def bodies(self) -> frozenset[Bodies]:
        """Return of which packets no more than the head is needed, as far as was learnt."""
        return self.delivery.lengths.cut

    def messages(self) -> frozenset[Bodies]:
        """Return of which long packets more than the head was needed recently."""
        return self.delivery.lengths.messages

    def lost(self) -> None:
        """Packets were dropped before they came here: stop waiting for what is missing.

        What exactly is missing each flow finds out by its sequence numbers; consumers hear of it as gaps.
        """
        self.reassembly.lost()
        self.connections.lost(self.latest)

    def hurry(self, drops: bool) -> None:
        """Wait for nothing that is missing, for as long as packets are read between which others were dropped."""
        self.connections.impatient = drops

    def resume(self, at: int) -> None:
        """Nobody looked for a while before `at`: connections go on with their next segment, without waiting.

        Their consumers hear of what passed as gaps.
        """
        self.reassembly.lost()
        self.connections.resume(at)

    def close(self, now: int) -> None:
        """End every flow; their consumers get what still waited, then `end`."""
        self.connections.close(now)
        self.delivery.flush()

    def counters(self) -> EngineCounters:
        """Return what has been counted so far."""
        return EngineCounters(
            packets=self.packets,
            bytes=self.bytes,
            segments=self.verdicts[0],
            datagrams=self.verdicts[1],
            fragments=self.verdicts[2],
            other=self.verdicts[3],
            malformed={VERDICTS[verdict]: self.verdicts[verdict] for verdict in range(4, 8)},
            flows_active=self.table.used,
            flows_opened=self.delivery.opened,
            flows_evicted=self.connections.evicted + self.delivery.retired,
            flows_replaced=self.connections.replaced,
            strays=self.connections.strays,
            turns=self.delivery.turned,
            consumers_failed=self.delivery.failed,
            last_failure=self.delivery.failure,
            doubted=self.connections.unbelieved + self.reassembly.astray.doubted,
            retransmitted=self.connections.repeated + self.reassembly.retransmitted,
            out_of_order=self.reassembly.out_of_order,
            gaps=self.delivery.gaps,
            gap_bytes=self.delivery.gap_bytes,
            given_up=self.reassembly.given_up,
            delivered_bytes=self.delivery.delivered_bytes,
            skipped_bytes=self.delivery.skipped_bytes,
            fragments_dropped=self.fragments.dropped,
            held_bytes=self.reassembly.held_bytes,
            misplaced=self.table.misplaced,
            misjudged=self.delivery.lengths.misjudged,
        )

    def _packet(self, start: int, captured: int, wire: int, link: int, at: int) -> None:
        """Decode a packet; what it belongs to is followed once the batch is full."""
        self.packets += 1
        self.bytes += wire
        frame = self.unused
        verdict = frame.read(start, captured, wire, link)
        self.verdicts[verdict] += 1
        frame.verdict = verdict
        frame.at = at
        wanted = verdict == SEGMENT or (verdict == DATAGRAM and self.datagrams)
        if wanted:
            self.table.prepare(frame)
            frame.ports |= self.zone
        if wanted or verdict == FRAGMENT:
            self.unused = frame.following
            self.pending += 1
            if self.pending == BATCH:
                self._follow()

    def _follow(self) -> None:
        """Take the packets in hand to their flows."""
        if self.table.used > NEAR:
            self._approach()
        frame = self.first
        for _ in range(self.pending):
            self.latest = frame.at
            if frame.verdict == FRAGMENT:
                self._fragment(frame)
            else:
                self._take(frame, self.source)
            frame = frame.following
        self.unused = self.first
        self.pending = 0

    def _approach(self) -> None:
        """Have the memory of all flows in hand fetched at once."""
        frame = self.first
        for _ in range(self.pending):
            if frame.verdict != FRAGMENT:
                self.table.approach(frame)
            frame = frame.following

    def _take(self, frame: Frame, source: Source) -> None:
        if frame.verdict == SEGMENT:
            self.connections.segment(frame, source)
        else:
            self.connections.datagram(frame, source)

    def _fragment(self, frame: Frame) -> None:
        piece = self.source[frame.payload : frame.payload + frame.size]
        packet = self.fragments.add(frame, piece, frame.at)
        if packet is None:
            return
        whole = self.whole
        whole.attach(packet)
        whole.verdict = whole.read(0, len(packet), len(packet), RAW_IP)
        whole.at = frame.at
        if whole.verdict == SEGMENT or (whole.verdict == DATAGRAM and self.datagrams):
            self.table.prepare(whole)
            whole.ports |= self.zone
            self._take(whole, packet)
        whole.detach()

    def _attach(self, source: Source, frames: int) -> None:
        """Have the first frames of the batch read from `source`."""
        self.source = source
        self.view = memoryview(source)
        self.attached = frames
        self._see(frames)

    def _detach(self) -> None:
        """Let go of the block, so that its owner may close it and no payload stays referenced."""
        self.source = b""
        self.view = self.nothing
        self._see(self.attached)
        self.attached = 0

    def _see(self, frames: int) -> None:
        frame = self.first
        for _ in range(frames):
            frame.memory = self.view
            frame = frame.following

    def _native(self, at: int, end: int) -> int:
        """Return the 32-bit little-endian number at `at`, 0 beyond the end."""
        return little32(self.view, at) if at + 4 <= end else 0

    def _word(self, at: int, swapped: bool) -> int:
        value = little32(self.view, at)
        if not swapped:
            return value
        return value >> 24 | value >> 8 & 0xFF00 | (value & 0xFF00) << 8 | (value & 0xFF) << 24
