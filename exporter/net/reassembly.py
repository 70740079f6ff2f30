"""Puts disordered segments in order, and gives up on what will not come.

The ordinary case, in order, never comes here. A segment waits when bytes before it are missing, or when it acknowledges
bytes of the other direction that were not yet seen: captures of several queues reorder packets, and an answer must not
reach a parser before its request. Waiting ends when the missing bytes come, or is given up and reported as a gap:
sooner where the receiver acknowledged them (then it is the capture that lost them), later where TCP may still repeat
them.
"""

from exporter.model import Nanoseconds
from exporter.net.astray import Astray
from exporter.net.delivery import Delivery
from exporter.net.held import WINDOW, Held, Segment, distance
from exporter.net.layout import FINISHED, HALF, HELD, NEXT, SKIP, STATE, TURNS, WORDS

ACKNOWLEDGED_PATIENCE: Nanoseconds = 250_000_000  # queues are drained every 50 ms, one behind the other
PATIENCE: Nanoseconds = 2_000_000_000  # several retransmission timeouts of a local network
PLAUSIBLE = 1 << 26  # four times the largest receive window that systems grant by themselves
PLAUSIBLE_BEHIND = 1 << 20  # repetitions do not come from further back
MAX_SEGMENTS = 1024  # of one flow: bounds the work of inserting as well


class Reassembly:
    """The waiting segments of all flows, within `buffer_bytes`."""

    def __init__(self, delivery: Delivery, buffer_bytes: int) -> None:
        self.delivery = delivery
        self.slots = delivery.table.slots
        self.buffer_bytes = buffer_bytes
        self.flow_bytes = max(buffer_bytes // 8, 1)
        self.held: dict[int, Held] = {}
        self.astray = Astray()
        self.held_bytes = 0
        self.out_of_order = self.retransmitted = self.given_up = 0

    def accept(self, slot: int, direction: int, segment: Segment) -> None:
        """Take a segment that cannot simply be delivered."""
        expected = self._expected(slot, direction)
        ahead = distance(segment.sequence, expected)
        if ahead >= PLAUSIBLE or ahead <= -PLAUSIBLE_BEHIND:
            if not self.astray.confirmed(slot, direction, segment):
                return
            self.flush(slot)
            self._jump(slot, direction, segment)
            ahead, expected = 0, segment.sequence
        if ahead < 0:
            self.retransmitted += 1
            if -ahead > segment.wire or (-ahead == segment.wire and not segment.finishes):
                self._settle(slot, segment.at)
                return
            segment = segment.cut(-ahead, segment.wire)
        elif ahead > 0:
            self.out_of_order += 1
        held = self.held.setdefault(slot, Held())
        self.slots[slot * WORDS + STATE] |= HELD
        if segment.acknowledged is not None:
            held.acknowledged[1 - direction] = segment.acknowledged
        if ahead > 0 and self._unwanted(slot, direction, ahead + segment.wire):
            segment = Segment(segment.sequence, b"", segment.wire, segment.finishes, segment.acknowledged, segment.at)
        self.held_bytes += held.add(direction, segment, expected)
        self._settle(slot, segment.at)
        while self.held_bytes > self.buffer_bytes:
            self.flush(next(iter(self.held)))

    def flush(self, slot: int) -> None:
        """Deliver all that waits in a flow, its holes as gaps."""
        while slot in self.held:
            self._force(slot)
            self._drain(slot)

    def expire(self, now: Nanoseconds) -> None:
        """Give up what has waited for too long."""
        for slot in list(self.held):
            self._settle(slot, now)

    def lost(self) -> None:
        """Give up all that waits: the kernel says that it dropped packets."""
        for slot in list(self.held):
            self.flush(slot)

    def _settle(self, slot: int, now: Nanoseconds) -> None:
        """Deliver what has its turn and give up what has waited enough."""
        self._drain(slot)
        while slot in self.held and self._enough(slot, self.held[slot], now):
            self._force(slot)
            self._drain(slot)

    def _enough(self, slot: int, held: Held, now: Nanoseconds) -> bool:
        if held.count() > MAX_SEGMENTS or held.size_bytes > self.flow_bytes:
            return True
        waited = now - held.since()
        return waited > PATIENCE or (waited > ACKNOWLEDGED_PATIENCE and self._received(slot, held))

    def _received(self, slot: int, held: Held) -> bool:
        """Return whether a receiver has bytes that the capture lacks."""
        return any(
            seen is not None and distance(seen, self._expected(slot, direction)) > 0
            for direction, seen in enumerate(held.acknowledged)
        )

    def _drain(self, slot: int) -> None:
        """Deliver the waiting segments whose turn it is."""
        held = self.held.get(slot)
        while held is not None and held.count():
            ready = [direction for direction in (0, 1) if self._ready(slot, held, direction)]
            if not ready:
                return
            self._deliver(slot, ready[0], held)
        if held is not None:
            del self.held[slot]
            self.slots[slot * WORDS + STATE] &= ~HELD & (1 << 64) - 1

    def _ready(self, slot: int, held: Held, direction: int) -> bool:
        queue = held.segments[direction]
        if not queue or distance(queue[0].sequence, self._expected(slot, direction)) > 0:
            return False
        seen = queue[0].acknowledged
        return seen is None or not 0 < distance(seen, self._expected(slot, 1 - direction)) < WINDOW

    def _force(self, slot: int) -> None:
        """Give up what the longest waiting first segment waits for, and deliver it."""
        held = self.held[slot]
        self.given_up += 1
        heads = [(queue[0].at, direction) for direction, queue in enumerate(held.segments) if queue]
        direction = min(heads)[1]
        head = held.segments[direction][0]
        hole = distance(head.sequence, self._expected(slot, direction))
        if hole > 0 and held.advanced_at[direction] > head.at:
            # The flow went on below it: it was forged, or lost its way.
            before = held.size_bytes
            held.take(direction)
            self.held_bytes -= before - held.size_bytes
            self.astray.doubted += 1
            return
        if hole > 0:
            self._lose(slot, direction, hole, head.at)
        elif head.acknowledged is not None:
            missing = distance(head.acknowledged, self._expected(slot, 1 - direction))
            others = held.segments[1 - direction]
            if others:
                missing = min(missing, distance(others[0].sequence, self._expected(slot, 1 - direction)))
            if 0 < missing < WINDOW:
                self._lose(slot, 1 - direction, missing, head.at)
        self._deliver(slot, direction, held)

    def _deliver(self, slot: int, direction: int, held: Held) -> None:
        before = held.size_bytes
        segment = held.take(direction)
        self.held_bytes -= before - held.size_bytes
        late = -distance(segment.sequence, self._expected(slot, direction))
        if late > segment.wire:
            return
        if late > 0:
            segment = segment.cut(late, segment.wire)
        held.advanced_at[direction] = segment.at
        self._advance(slot, direction, segment.wire + segment.finishes)
        self.delivery.data(slot, direction, segment.payload, 0, len(segment.payload), segment.wire, segment.at)
        if segment.finishes:
            self.slots[slot * WORDS + STATE] |= FINISHED << direction

    def _lose(self, slot: int, direction: int, size: int, at: Nanoseconds) -> None:
        self._advance(slot, direction, size)
        self.delivery.gap(slot, direction, size, at)

    def _jump(self, slot: int, direction: int, segment: Segment) -> None:
        """Follow numbers that no window reaches: much was missed, or what was followed before had been made up."""
        size = max(distance(segment.sequence, self._expected(slot, direction)), 0)
        self._expect(slot, direction, segment.sequence)
        self.delivery.gap(slot, direction, size, segment.at)

    def _expected(self, slot: int, direction: int) -> int:
        return self.slots[slot * WORDS + NEXT] >> 32 * direction & HALF

    def _advance(self, slot: int, direction: int, size: int) -> None:
        self._expect(slot, direction, self._expected(slot, direction) + size)

    def _expect(self, slot: int, direction: int, sequence: int) -> None:
        word = slot * WORDS + NEXT
        kept = self.slots[word] & HALF << 32 * (1 - direction)
        self.slots[word] = kept | (sequence & HALF) << 32 * direction

    def _unwanted(self, slot: int, direction: int, end: int) -> bool:
        """Return whether nobody needs the bytes up to a distance from the next one."""
        base = slot * WORDS
        return bool(self.slots[base + STATE] & TURNS) or end <= self.slots[base + SKIP + direction]
