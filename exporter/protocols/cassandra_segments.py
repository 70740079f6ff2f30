"""The framing around envelopes from version 5 of CQL's protocol on: segments with checksums, compressed or not."""

from enum import Enum

from exporter.model import Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.compressed import lz4_head
from exporter.protocols.framed import Framed

PLAIN_HEADER, PACKED_HEADER, TRAILER = 6, 8, 4
LENGTH_BITS = 17
LENGTH_MASK = (1 << LENGTH_BITS) - 1
CRC24_START, CRC24_POLYNOMIAL = 0x875060, 0x1974F0B  # org.apache.cassandra.net.Crc


def _crc24_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 16
        for _ in range(8):
            crc <<= 1
            crc ^= CRC24_POLYNOMIAL if crc & 0x1000000 else 0
        table.append(crc)
    return tuple(table)


CRC24_TABLE = _crc24_table()


def crc24(data: bytes | bytearray) -> int:
    """Return the checksum of a few bytes, as Cassandra computes it."""
    crc = CRC24_START
    for byte in data:
        crc = (crc << 8 & 0xFFFFFF) ^ CRC24_TABLE[crc >> 16 ^ byte]
    return crc


class Segment(Enum):
    """What stands in front of a segment's payload; the value is its size."""

    PLAIN = PLAIN_HEADER
    PACKED = PACKED_HEADER


def segment_kind(buffer: bytes | bytearray, start: int) -> Segment | None:
    """Return which header begins at `start` by its checksum; None if none does, or if it is not whole."""
    for kind in Segment:
        head = buffer[start : start + kind.value]
        if len(head) == kind.value and crc24(head[:-3]) == int.from_bytes(head[-3:], "little"):
            return kind
    return None


def may_be_segment(head: bytes) -> bool:
    """Return whether the bits that every header leaves at zero are zero, as far as they are there."""
    return head[2:3] <= b"\x03" or head[4:5] <= b"\x07"


def first_payload(head: bytes, kind: Segment) -> bytes:
    """Return as much as is there of the first segment's payload, uncompressed."""
    fields = int.from_bytes(head[: kind.value - 3], "little")
    payload = head[kind.value : kind.value + (fields & LENGTH_MASK)]
    packed = kind is Segment.PACKED and fields >> LENGTH_BITS & LENGTH_MASK
    return lz4_head(payload, len(head)) if packed else payload


class Segmented:
    """One direction of a connection whose envelopes come in segments, from some point on or never.

    Args:
        envelopes: reads them.
    """

    __slots__ = ("_backlog", "_decided", "_envelopes", "_kind", "_left", "_lost", "_trailing", "_unpacked")

    def __init__(self, envelopes: Framed) -> None:
        self._envelopes = envelopes
        self._backlog = Backlog()
        self._decided = False  # whether the bytes have shown what they come in
        self._kind: Segment | None = None  # None where envelopes follow each other without segments
        self._left = 0  # bytes of the payload being read
        self._unpacked = 0  # the size of that payload once uncompressed; 0 where it is not compressed
        self._trailing = 0  # bytes of its trailer
        self._lost = False

    @property
    def skip(self) -> int:
        """How many of the next bytes need not be seen."""
        inner = self._envelopes.skip
        return inner if self._kind is None else min(inner, 0 if self._unpacked else self._left)

    @property
    def seen(self) -> bool:
        """Whether an envelope was understood."""
        return self._envelopes.seen

    def switch(self) -> None:
        """From the next byte on everything comes in segments: the session has started."""
        self._decided = False

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete.

        Raises:
            ParseError: this is another protocol.
        """
        if self._decided and self._kind is None:
            self._envelopes.feed(data, at, out)
            return
        if self._lost:
            if segment_kind(data, 0) is not self._kind:
                return
            self._lost = False
        self._read(data, at, out)

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; 0 for an unknown number."""
        if self._kind is None:
            self._undecided_gap(size_bytes, at, out)
        elif 0 < size_bytes <= self._left + self._trailing and not (self._unpacked and self._left):
            within = min(size_bytes, self._left)
            if within:
                self._envelopes.gap(within, at, out)
            self._left -= within
            self._trailing -= size_bytes - within
        else:
            self.lose(at, out)

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next boundary."""
        self._left = self._trailing = 0
        self._lost = self._kind is not None
        self._decided = self._lost
        self._backlog.drop()
        self._envelopes.lose(at, out)

    def _undecided_gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Take the loss; unless it lies within an envelope, what follows may come in segments."""
        held = bytes(self._backlog.held)
        self._backlog.drop()
        try:
            if held:
                self._envelopes.feed(held, at, out)
        except ParseError:
            size_bytes = 0
        self._envelopes.gap(size_bytes, at, out)
        self._decided = self._envelopes.skip > 0

    def _read(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self._left:
                size = self._payload(buffer, position, end, at, out)
            elif self._trailing:
                size = min(self._trailing, end - position)
                self._trailing -= size
            else:
                size = self._header(buffer, position, end)
                if not size and self._decided and self._kind is None:
                    self._envelopes.feed(bytes(buffer[position:]), at, out)
                    size = end - position
            if not size:
                break
            position += size
        self._backlog.keep(buffer, position, at)

    def _header(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Read a segment's header; return its size, 0 if more bytes are needed or none of a segment begins here."""
        if end - start < (PACKED_HEADER if self._kind is None else self._kind.value):
            return 0
        kind = segment_kind(buffer, start)
        if self._kind is not None and kind is not self._kind:
            raise ParseError("no segment of CQL begins here")
        self._decided = True
        self._kind = kind
        if kind is None:
            return 0
        fields = int.from_bytes(buffer[start : start + kind.value - 3], "little")
        self._left = fields & LENGTH_MASK
        self._unpacked = fields >> LENGTH_BITS & LENGTH_MASK if kind is Segment.PACKED else 0
        self._trailing = TRAILER
        return kind.value

    def _payload(self, buffer: bytes | bytearray, start: int, end: int, at: Nanoseconds, out: list[Message]) -> int:
        """Read what there is of a payload, all of it where it is compressed; return how many bytes those were."""
        size = min(self._left, end - start)
        if self._unpacked and size < self._left:
            return 0
        payload = bytes(buffer[start : start + size])
        if self._unpacked:
            payload = lz4_head(payload, self._unpacked)
            if len(payload) < self._unpacked:
                raise ParseError("a CQL segment that LZ4 did not compress")
        self._left -= size
        self._envelopes.feed(payload, at, out)
        return size
