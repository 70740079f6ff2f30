"""Hands the bytes of each flow to its consumer, in the order it is called, and leaves out what was asked to be skipped.

Compiled with the types of `delivery.pxd`: skipped bytes cost no Python call.
"""

from mmap import mmap
from socket import AF_INET, AF_INET6, inet_ntop

from exporter.model import Endpoint, Flow
from exporter.net.layout import CLIENT_LATER, IGNORED, SKIP, SKIPPED, SKIPPED_AT, STATE, SURE, TCP, WORDS
from exporter.net.stream import End, Opener, Stream
from exporter.net.table import FlowTable

MAPPED_PREFIX = 0xFFFF

Source = bytes | mmap
"""What payloads are cut from: a slice of either is bytes."""


def address(high: int, low: int) -> str:
    """Return an address of two 64-bit halves in text; an IPv4-mapped one as IPv4."""
    if high == 0 and low >> 32 == MAPPED_PREFIX:
        return inet_ntop(AF_INET, (low & 0xFFFFFFFF).to_bytes(4, "big"))
    return inet_ntop(AF_INET6, high.to_bytes(8, "big") + low.to_bytes(8, "big"))


class Delivery:
    """The consumers of the table's flows."""

    def __init__(self, table: FlowTable, opener: Opener) -> None:
        self.table = table
        self.slots = table.slots
        self.opener = opener
        self.streams: list[Stream | None] = []
        self.gaps = self.gap_bytes = 0
        self.delivered_bytes = self.skipped_bytes = 0
        self.opened = 0

    def data(self, slot: int, direction: int, source: Source, start: int, size: int, wire: int, at: int) -> None:
        """Deliver a payload in order: `size` captured bytes at `start` of `source`, of `wire` on the wire.

        What was not captured is reported as a gap.
        """
        base = slot * WORDS + direction
        while wire > 0:
            skip = self.slots[base + SKIP]
            if skip == 0:
                break
            taken = min(skip, wire)
            start += taken
            size -= taken
            wire -= taken
            self._skip(base, taken, at)
            if taken == skip:
                self._report(slot, direction, at)
        if size > 0:
            stream = self._stream(slot, at)
            if stream is None:
                return
            self.delivered_bytes += size
            self._want(base, stream.data(direction, source[start : start + size], at))
        size = max(size, 0)
        if size < wire:
            self.gap(slot, direction, wire - size, at)

    def gap(self, slot: int, direction: int, size: int, at: int) -> None:
        """Report `size` bytes that were not seen; within a skip they wait for the rest of it."""
        base = slot * WORDS + direction
        skip = self.slots[base + SKIP]
        if size < skip:
            self._skip(base, size, at)
            return
        self.gaps += 1
        self.gap_bytes += size - skip
        self.slots[base + SKIPPED] += size
        self.skipped_bytes += skip
        self._report(slot, direction, at)

    def end(self, slot: int, reason: End, at: int) -> None:
        """Report what was skipped and not yet told, then take leave of the consumer."""
        if self.attached(slot):
            for direction in (0, 1):
                base = slot * WORDS + direction
                if self.slots[base + SKIPPED]:
                    self._report(slot, direction, self.slots[base + SKIPPED_AT])
            stream = self.streams[slot]
            self.streams[slot] = None
            if stream is not None:
                stream.end(reason, at)

    def attached(self, slot: int) -> bool:
        """Return whether the flow has a consumer."""
        return slot < len(self.streams) and self.streams[slot] is not None

    def flow(self, slot: int) -> Flow:
        """Return who talks to whom, as far as is known."""
        base = slot * WORDS
        ports = self.slots[base + 4]
        early = Endpoint(address(self.slots[base], self.slots[base + 1]), ports >> 24)
        late = Endpoint(address(self.slots[base + 2], self.slots[base + 3]), ports >> 8 & 0xFFFF)
        state = self.slots[base + STATE]
        client, server = (late, early) if state & CLIENT_LATER else (early, late)
        return Flow(client, server, "tcp" if ports & 0xFF == TCP else "udp", bool(state & SURE))

    def _skip(self, base: int, size: int, at: int) -> None:
        self.slots[base + SKIP] -= size
        self.slots[base + SKIPPED] += size
        self.slots[base + SKIPPED_AT] = at
        self.skipped_bytes += size

    def _report(self, slot: int, direction: int, at: int) -> None:
        """Tell the consumer of the bytes left out so far, as one gap."""
        base = slot * WORDS + direction
        size = self.slots[base + SKIPPED]
        self.slots[base + SKIPPED] = 0
        stream = self._stream(slot, at)
        if stream is not None:
            self._want(base, stream.gap(direction, size, at))

    def _want(self, base: int, skip: int) -> None:
        self.slots[base + SKIP] = max(skip, 0)

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
        self.opened += 1
        stream = self.opener(self.flow(slot), at)
        self.streams[slot] = stream
        self.slots[base + STATE] = state | (IGNORED if stream is None else 0)
        return stream
