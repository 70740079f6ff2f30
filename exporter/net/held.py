"""Segments that wait for earlier bytes, of one flow; plain Python, since few segments ever wait."""

from dataclasses import dataclass, field, replace

from exporter.model import Nanoseconds

SEQUENCES = 1 << 32
WINDOW = 1 << 30  # RFC 7323: no window is larger, so nothing within it can be taken for the other side of the wrap
OVERHEAD_BYTES = 256  # what a held segment costs beside its payload


def distance(sequence: int, origin: int) -> int:
    """Return how far `sequence` lies behind `origin`, negative where it lies before it."""
    ahead = (sequence - origin) % SEQUENCES
    return ahead - SEQUENCES if ahead >= SEQUENCES - WINDOW else ahead


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of one direction, kept until its turn.

    Attributes:
        sequence: of its first byte.
        payload: what was captured of it, shorter than `wire` where the capture was cut or the bytes are to be skipped.
        wire: its length on the wire.
        finishes: whether a FIN follows its last byte.
        acknowledged: the sequence number that it acknowledged of the other direction; None without ACK.
        at: when it was captured.
    """

    sequence: int
    payload: bytes
    wire: int
    finishes: bool
    acknowledged: int | None
    at: Nanoseconds

    def cut(self, start: int, end: int) -> "Segment":
        """Return the part between two distances from its first byte; the FIN stays with its end."""
        return replace(
            self,
            sequence=(self.sequence + start) % SEQUENCES,
            payload=self.payload[start:end],
            wire=end - start,
            finishes=self.finishes and end == self.wire,
        )


@dataclass(slots=True)
class Held:
    """What waits in both directions of one flow.

    Attributes:
        segments: per direction, in order of sequence and without overlap: the first copy of a byte is the one kept.
        acknowledged: per direction, up to where the receiver said that it has the bytes; None when it has not.
        size_bytes: what all segments cost.
        advanced_at: per direction, the capture time of what was last delivered from here.
    """

    segments: tuple[list[Segment], list[Segment]] = field(default_factory=lambda: ([], []))
    acknowledged: list[int | None] = field(default_factory=lambda: [None, None])
    size_bytes: int = 0
    advanced_at: list[Nanoseconds] = field(default_factory=lambda: [0, 0])

    def add(self, direction: int, segment: Segment, expected: int) -> int:
        """Keep what is new of `segment`, none of which may lie before `expected`; return the bytes that it costs."""
        queue = self.segments[direction]
        place = len(queue)
        start = distance(segment.sequence, expected)
        while place and distance(queue[place - 1].sequence, expected) > start:
            place -= 1
        before = self.size_bytes
        for piece in self._new(queue, place, segment, expected):
            while place < len(queue) and distance(queue[place].sequence, expected) < distance(piece.sequence, expected):
                place += 1
            queue.insert(place, piece)
            self.size_bytes += len(piece.payload) + OVERHEAD_BYTES
        return self.size_bytes - before

    def take(self, direction: int) -> Segment:
        """Remove and return the first segment of a direction."""
        segment = self.segments[direction].pop(0)
        self.size_bytes -= len(segment.payload) + OVERHEAD_BYTES
        return segment

    def count(self) -> int:
        """Return how many segments wait."""
        return len(self.segments[0]) + len(self.segments[1])

    def since(self) -> Nanoseconds:
        """Return the capture time of the longest waiting first segment."""
        return min(queue[0].at for queue in self.segments if queue)

    def _new(self, queue: list[Segment], place: int, segment: Segment, expected: int) -> list[Segment]:
        """Return the parts of `segment` that no held one covers."""
        start = distance(segment.sequence, expected)
        position, end = 0, segment.wire
        if place:
            earlier = queue[place - 1]
            position = max(0, distance(earlier.sequence, expected) + earlier.wire - start)
        pieces = []
        for later in queue[place:]:
            held = distance(later.sequence, expected) - start
            if held >= end:
                break
            if held > position:
                pieces.append(segment.cut(position, held))
            position = max(position, held + later.wire)
        if position < end or (position == end and segment.finishes):
            pieces.append(segment.cut(position, end))
        return pieces
