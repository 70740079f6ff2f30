"""Hands the bytes of each flow to its consumer, in the order it is called, and leaves out what was asked to be skipped.

Compiled with the types of `delivery.pxd`: neither skipped bytes nor the turns of a flow that only wants those cost a
Python call.
"""

from collections.abc import Callable
from mmap import mmap

import cython

from exporter.model import Flow
from exporter.net.failing import kind_and_place
from exporter.net.frames import Frame
from exporter.net.glancing import Glancing
from exporter.net.lengths import WORTH_HEADS, Lengths
from exporter.net.sides import Sides
from exporter.net.stream import BLINDLY, TURN_WORDS, End, Failure, Opener, Stream, TurnSink, Watcher
from exporter.net.table import FlowTable, words

if not cython.compiled:
    from exporter.net.layout import (
        ASKED,
        BLIND,
        CLIENT_LATER,
        COLD_WORDS,
        HALF,
        HANDSHAKE,
        IGNORED,
        PORTS,
        REPORTED,
        SEEN,
        SIZES,
        SKIP,
        SKIPPED,
        SKIPPED_AT,
        STATE,
        SURE,
        SWAPPED,
        TCP,
        TOKEN,
        TOLD,
        TURNS,
        UNSURE,
        WORDS,
    )

TURN_ROWS = 4096  # kept before the sink is called, so that a call costs each turn next to nothing
CANDIDATES = 16  # consumers compared before one is taken leave of
LONGEST_PAUSE = 5_000_000_000  # server bytes after so long a silence are no part of the answer before it

Source = bytes | mmap
"""What payloads are cut from: a slice of either is bytes."""


class Delivery:
    """The consumers of the table's flows."""

    def __init__(self, table: FlowTable, opener: Opener, sink: TurnSink | None, watcher: Watcher | None) -> None:
        self.table = table
        self.slots = table.slots
        self.cold = table.cold
        self.opener = opener
        self.sink = sink
        self.watcher = watcher
        self.head = self.rest = 0  # the latter: of a cut payload that is being delivered, what is longer than a head
        self.lengths = Lengths()
        self.streams: list[Stream | None] = []
        self.consumers = self.retired = self.hand = 0
        self.most_consumers = table.capacity
        self.sides = Sides(table)
        self.rows = words(TURN_ROWS * TURN_WORDS)
        self.row = self.turned = 0
        self.gaps = self.gap_bytes = self.delivered_bytes = self.skipped_bytes = 0
        self.opened = self.failed = 0
        self.failure = ""

    def data(self, slot: int, direction: int, source: Source, start: int, size: int, wire: int, at: int) -> None:
        """Deliver a payload in order: `size` captured bytes at `start` of `source`, of `wire` on the wire.

        What was not captured is reported as a gap. A long payload is delivered by its head first, to learn whether that
        would have done; one that was cut at once, as what there is of it tells of the rest.
        """
        head = self.head
        is_long = 0 < head < wire and self.slots[slot * WORDS + PORTS] & 0xFF == TCP
        if is_long and size == wire:
            self._data(slot, direction, source, start, head, head, at)
            self.note(slot, direction, wire - head, wire - head)
            start, size, wire = start + head, size - head, wire - head
        self.rest = wire - head if is_long and size < wire else 0
        self._data(slot, direction, source, start, size, wire, at)
        if self.rest > 0:
            self.note(slot, direction, self.rest, 0)

    def glance(self, slot: int, direction: int, frame: Frame) -> bool:
        """Have the consumer read a whole payload in order where it lies; return whether it took it."""
        plain = 0 < frame.size == frame.wire and not 0 < self.head < frame.wire
        if not plain or slot >= len(self.streams) or self.slots[slot * WORDS + SKIP + direction]:
            return False
        stream = self.streams[slot]
        if not isinstance(stream, Glancing):
            return False
        glancing = stream  # of its own type where this is compiled
        try:
            taken = glancing.glance(direction, frame)
        except Exception as error:
            self._drop(slot, error)
            return True
        if taken:
            self.delivered_bytes += frame.size
        return taken

    def unheard(self, slot: int, direction: int, size: int, at: int) -> None:
        """Tell the consumer of bytes that were acknowledged, of a direction that is not captured."""
        if not size or self.slots[slot * WORDS + STATE] & TURNS:
            return
        stream = self._stream(slot, at)
        if isinstance(stream, Glancing):
            self._call(slot, stream.unheard, direction, size, at)

    def note(self, slot: int, direction: int, rest: int, missing: int) -> None:
        """Learn from a payload `rest` bytes longer than a head, of which all but `missing` bytes were delivered."""
        base, self.rest = slot * WORDS, 0
        state = self.slots[base + STATE]
        enough = state & (TURNS | IGNORED | BLIND) != 0 or self.slots[base + SKIP + direction] >= missing
        if enough and rest < WORTH_HEADS * self.head:
            return
        if not enough and state & UNSURE << direction:
            return  # it looks for a boundary, which tells nothing of what it needs otherwise
        ports = self.slots[base + PORTS]
        port = ports >> 24 & 0xFFFF if state & CLIENT_LATER else ports >> 8 & 0xFFFF
        self.lengths.note(port, direction, enough)

    def _data(self, slot: int, direction: int, source: Source, start: int, size: int, wire: int, at: int) -> None:
        base = slot * WORDS
        if self.slots[base + STATE] & TURNS:
            self.turn(base, direction, wire, at)
            return
        base += SKIP + direction
        while wire > 0:
            skip = self.slots[base]
            if skip == 0:
                break
            taken = min(skip, wire)
            start += taken
            size -= taken
            wire -= taken
            self._skip(slot, direction, taken, at)
            if taken == skip:
                self._report(slot, direction, at)
        if wire <= 0:
            return
        if self.slots[slot * WORDS + STATE] & TURNS:  # asked for when the skip was told
            self.turn(slot * WORDS, direction, wire, at)
        else:
            self._pass_on(slot, direction, source, start, max(size, 0), wire, at)

    def gap(self, slot: int, direction: int, size: int, at: int) -> None:
        """Report `size` bytes that were not seen; within a skip they wait for the rest of it."""
        base = slot * WORDS
        if self.slots[base + STATE] & TURNS:
            self.gaps += 1
            self.gap_bytes += size
            self._lose(base)
            return
        skip = self.slots[base + SKIP + direction]
        if size < skip:
            self._skip(slot, direction, size, at)
            return
        self.gaps += 1
        self.gap_bytes += size - skip
        if size > skip:
            self.slots[base + STATE] |= UNSURE << direction
        self.cold[slot * COLD_WORDS + SKIPPED + direction] += size
        self.skipped_bytes += skip
        self._report(slot, direction, at)

    def end(self, slot: int, reason: End, at: int) -> None:
        """Report what was skipped and not yet told, then take leave of the consumer."""
        base = slot * WORDS
        if self.slots[base + STATE] & TURNS:
            if self.slots[base + TOLD]:
                self._settle(base)
        elif self.attached(slot):
            for direction in (0, 1):
                cold = slot * COLD_WORDS + direction
                if self.cold[cold + SKIPPED]:
                    self._report(slot, direction, self.cold[cold + SKIPPED_AT])
        if self.attached(slot):
            stream = self.streams[slot]
            self._detach(slot)
            if stream is not None:
                self._call(slot, stream.end, reason, at)

    def _detach(self, slot: int) -> None:
        self.streams[slot] = None
        self.consumers -= 1

    def _retire(self, at: int) -> None:
        """Take leave of the consumer of the longest unseen of some flows, so that another may come.

        The flow itself stays. Should it go on, it gets a new consumer, as one joined midway.
        """
        best = -1
        met = 0
        for _ in range(len(self.streams)):
            self.hand = self.hand + 1 if self.hand + 1 < len(self.streams) else 0
            base = self.hand * WORDS
            if self.streams[self.hand] is None or self.slots[base + STATE] & TURNS:
                continue
            if best < 0 or self.slots[base + SEEN] < self.slots[best * WORDS + SEEN]:
                best = self.hand
            met += 1
            if met == CANDIDATES:
                break
        if best < 0:
            return
        self.retired += 1
        self.end(best, End.EVICTED, at)
        base = best * WORDS
        self.slots[base + STATE] &= ~SURE
        self.slots[base + SKIP] = self.slots[base + SKIP + 1] = 0

    def attached(self, slot: int) -> bool:
        """Return whether the flow has a consumer."""
        return slot < len(self.streams) and self.streams[slot] is not None

    def flow(self, slot: int) -> Flow:
        """Return who talks to whom, as far as is known."""
        base = slot * WORDS
        ports = self.slots[base + PORTS]
        state = self.slots[base + STATE]
        later = int(state & CLIENT_LATER)
        transport = "tcp" if ports & 0xFF == TCP else "udp"
        return Flow(self.sides.side(slot, later), self.sides.side(slot, 1 - later), transport, state & SURE != 0)

    def flush(self) -> None:
        """Hand the turns that were found so far to the sink."""
        count = self.row
        self.row = 0
        if count and self.sink is not None:
            self._call(-1, self.sink, memoryview(self.rows)[: count * TURN_WORDS])

    def connected(self, slot: int, at: int) -> None:
        """Tell the watcher that a connection came into use, once."""
        if self.watcher is not None and self.slots[slot * WORDS + STATE] & (SURE | REPORTED) == SURE:
            self._connected(slot, self.flow(slot), at)

    def unconnected(self, slot: int, failure: Failure, at: int) -> None:
        """Tell the watcher that a connection did not come about."""
        self.slots[slot * WORDS + STATE] |= REPORTED
        if self.watcher is not None:
            self._call(-1, self.watcher.failed, self.flow(slot), failure, at)

    def retransmitted(self, slot: int, direction: int, at: int) -> None:
        """Tell the watcher of a repetition."""
        if self.watcher is not None:
            self._call(-1, self.watcher.retransmitted, self.flow(slot), direction, at)

    def _pass_on(self, slot: int, direction: int, source: Source, start: int, size: int, wire: int, at: int) -> None:
        stream = self._stream(slot, at)
        if stream is None:
            return
        if size > 0:
            self.delivered_bytes += size
            if size < wire and isinstance(stream, Glancing):
                self._call(slot, stream.shorten, size)
            self._want(slot, direction, self._call(slot, stream.data, direction, source[start : start + size], at))
        if self.slots[slot * WORDS + STATE] & TURNS:
            self.turn(slot * WORDS, direction, wire, at)
        elif size < wire:
            if self.rest > 0:
                self.note(slot, direction, self.rest, wire - size)
            self.gap(slot, direction, wire - size, at)

    def turn(self, base: int, direction: int, size: int, at: int) -> None:
        """Count payload in order of a flow that is paired by turns."""
        state = self.slots[base + STATE]
        asking = direction == (state & SWAPPED != 0)
        told = self.slots[base + TOLD]
        if asking:
            if told:
                self._settle(base)
            if self.slots[base + ASKED] == 0:
                self.slots[base + ASKED] = max(at, 1)
            sizes = self.slots[base + SIZES]
            self.slots[base + SIZES] = sizes >> 32 << 32 | min((sizes & HALF) + size, HALF)
        elif self.slots[base + ASKED] and (told == 0 or at < told + LONGEST_PAUSE):
            self.slots[base + TOLD] = max(at, 1)
            sizes = self.slots[base + SIZES]
            self.slots[base + SIZES] = sizes & HALF | min((sizes >> 32) + size, HALF) << 32

    def _settle(self, base: int) -> None:
        """Write down the open turn and begin afresh."""
        row = self.row * TURN_WORDS
        self.rows[row] = self.cold[base // WORDS * COLD_WORDS + TOKEN]
        self.rows[row + 1] = self.slots[base + ASKED]
        self.rows[row + 2] = self.slots[base + TOLD]
        self.rows[row + 3] = self.slots[base + SIZES]
        self.slots[base + ASKED] = self.slots[base + TOLD] = self.slots[base + SIZES] = 0
        self.turned += 1
        self.row += 1
        if self.row == TURN_ROWS:
            self.flush()

    def _lose(self, base: int) -> None:
        """After a loss the open turn may be two: it counts, but has no time."""
        if self.slots[base + ASKED]:
            self.slots[base + TOLD] = 0
            self._settle(base)

    def _skip(self, slot: int, direction: int, size: int, at: int) -> None:
        cold = slot * COLD_WORDS + direction
        self.slots[slot * WORDS + SKIP + direction] -= size
        self.cold[cold + SKIPPED] += size
        self.cold[cold + SKIPPED_AT] = at
        self.skipped_bytes += size

    def _report(self, slot: int, direction: int, at: int) -> None:
        """Tell the consumer of the bytes left out so far, as one gap."""
        cold = slot * COLD_WORDS + SKIPPED + direction
        size = self.cold[cold]
        self.cold[cold] = 0
        self.slots[slot * WORDS + SKIP + direction] = 0
        stream = self._stream(slot, at)
        if stream is not None:
            self._want(slot, direction, self._call(slot, stream.gap, direction, size, at))

    def _want(self, slot: int, direction: int, answer: int) -> None:
        """Do what the consumer asked for: leave out bytes, or deliver none any more."""
        base = slot * WORDS
        if answer >= 0 or answer == BLINDLY:
            state = self.slots[base + STATE]
            if not state & IGNORED:
                self.slots[base + SKIP + direction] = max(answer, 0)
                state = state | BLIND if answer < 0 else state & ~BLIND
                self.slots[base + STATE] = state & ~(UNSURE << direction) if answer else state
            return
        asked = -1 - answer
        self.slots[base + STATE] |= TURNS | (SWAPPED if asked & 1 else 0)
        for word in range(SKIP, WORDS):
            self.slots[base + word] = 0
        cold = slot * COLD_WORDS
        for word in range(SKIPPED, SKIPPED_AT + 2):
            self.cold[cold + word] = 0
        self.cold[cold + TOKEN] = asked >> 1

    def _stream(self, slot: int, at: int) -> Stream | None:
        if slot < len(self.streams):
            stream = self.streams[slot]
            if stream is not None:
                return stream
        return self._open(slot, at)

    def _open(self, slot: int, at: int) -> Stream | None:
        base = slot * WORDS
        state = self.slots[base + STATE]
        if state & IGNORED:
            return None
        while len(self.streams) <= slot:
            self.streams.append(None)
        if self.consumers >= self.most_consumers:
            self._retire(at)
        self.opened += 1
        flow = self.flow(slot)
        if state & SURE:
            self._connected(slot, flow, at)
        try:
            stream = self.opener(flow, at)
        except Exception as error:
            self._drop(slot, error)
            return None
        if stream is None:
            self.slots[base + STATE] |= IGNORED
        else:
            self.streams[slot] = stream
            self.consumers += 1
        return stream

    def _connected(self, slot: int, flow: Flow, at: int) -> None:
        if self.watcher is not None and not self.slots[slot * WORDS + STATE] & REPORTED:
            self.slots[slot * WORDS + STATE] |= REPORTED
            self._call(-1, self.watcher.connected, flow, self.cold[slot * COLD_WORDS + HANDSHAKE], at)

    def _call(self, slot: int, callee: Callable[..., int | None], *arguments: object) -> int:
        """Call what is not ours; one that raises loses its flow, the others nothing."""
        try:
            return callee(*arguments) or 0
        except Exception as error:
            self._drop(slot, error)
            return 0

    def _drop(self, slot: int, error: Exception) -> None:
        """Count a consumer that failed and ask it no more; of the error only its kind and place are kept."""
        self.failed += 1
        self.failure = kind_and_place(error)
        if slot >= 0:
            self.slots[slot * WORDS + STATE] |= IGNORED
            if self.attached(slot):
                self._detach(slot)
