"""The life of TCP connections: opening, joining midway, bytes in order, the end; and of UDP flows.

Compiled with the types of `connections.pxd`. What is in order goes straight to the delivery, the rest to
the reassembly.
"""

from exporter.net.delivery import Delivery, Source
from exporter.net.frames import Frame
from exporter.net.held import Segment
from exporter.net.layout import (
    ACK,
    CLIENT_LATER,
    CLOSED,
    EMBRYONIC,
    FIN,
    FINISHED,
    HALF,
    HELD,
    IGNORED,
    KNOWN,
    NEXT,
    OPENED,
    PRESENT,
    RST,
    SEEN,
    STATE,
    SURE,
    SYN,
    WORDS,
)
from exporter.net.reassembly import Reassembly
from exporter.net.stream import End
from exporter.net.table import FlowTable, words

WINDOW = 1 << 30  # the largest that RFC 7323 allows
LINGER = 2_000_000_000  # how long a closed connection's slot absorbs repeated segments, nanoseconds
EMBRYONIC_PATIENCE = 30_000_000_000  # an attempt to connect is given up, nanoseconds


class Connections:
    """All flows of the table, driven by the frame that was read last."""

    def __init__(self, table: FlowTable, frame: Frame, delivery: Delivery, reassembly: Reassembly) -> None:
        self.table = table
        self.slots = table.slots
        self.frame = frame
        self.delivery = delivery
        self.reassembly = reassembly
        # Connections without payload in the order of their SYNs: a flood pushes out itself, not the established.
        self.embryos = words(max(1, table.capacity // 2))
        self.first = self.following = 0
        self.repeated = self.strays = self.evicted = self.replaced = 0

    def segment(self, source: Source, at: int) -> None:
        """Take the TCP segment in the frame, cut from `source`, captured at `at`."""
        frame = self.frame
        slot = self.table.find(frame)
        if frame.flags & SYN:
            self._handshake(slot, source, at)
            return
        if slot >= 0 and self.slots[slot * WORDS + STATE] & CLOSED:
            unseen = at - self.slots[slot * WORDS + SEEN]
            if unseen < LINGER:
                self.repeated += frame.wire > 0
                return
            self.table.remove(slot)
            slot = -1
        if slot < 0:
            if frame.wire == 0 or frame.flags & RST:
                self.strays += 1
                return
            slot = self._join(at)
        self._established(slot, source, at)

    def datagram(self, source: Source, at: int) -> None:
        """Take the UDP datagram in the frame; each is delivered whole, in the order of capture."""
        frame = self.frame
        slot = self.table.find(frame)
        if slot < 0:
            slot = self._join(at)
        base = slot * WORDS
        self.slots[base + SEEN] = at
        state = self.slots[base + STATE]
        if not state & IGNORED:
            direction = self.table.side ^ (state & CLIENT_LATER)
            self.delivery.data(slot, direction, source, frame.payload, frame.size, frame.wire, at)

    def finish(self, slot: int, reason: End, at: int) -> None:
        """End a connection; its slot stays for a while to absorb what the network repeats."""
        if self.slots[slot * WORDS + STATE] & HELD:
            self.reassembly.flush(slot)
        self.delivery.end(slot, reason, at)
        self.slots[slot * WORDS + STATE] |= CLOSED | IGNORED

    def remove(self, slot: int, reason: End, at: int) -> None:
        """End a flow, where it has not ended, and free its slot."""
        if not self.slots[slot * WORDS + STATE] & CLOSED:
            self.finish(slot, reason, at)
        self.table.remove(slot)

    def expire(self, now: int, idle: int) -> None:
        """Remove the flows that were not seen for `idle` nanoseconds; those without payload or closed go sooner."""
        for slot in range(self.table.fresh):
            if not self.table.taken(slot):
                continue
            state = self.slots[slot * WORDS + STATE]
            unseen = now - self.slots[slot * WORDS + SEEN]
            if state & CLOSED:
                over = unseen > LINGER
            elif state & EMBRYONIC:
                over = unseen > EMBRYONIC_PATIENCE
            else:
                over = unseen > idle
            if over:
                self.remove(slot, End.IDLE, now)

    def close(self, now: int) -> None:
        """End every flow."""
        for slot in range(self.table.fresh):
            if self.table.taken(slot):
                self.remove(slot, End.STOPPED, now)

    def _established(self, slot: int, source: Source, at: int) -> None:
        base = slot * WORDS
        flags = self.frame.flags
        self.slots[base + SEEN] = at
        state = self.slots[base + STATE]
        direction = self.table.side ^ (state & CLIENT_LATER)
        if not state & IGNORED:
            if flags & RST == 0 and (self.frame.wire or flags & FIN):
                self._bytes(slot, direction, self.frame.sequence, source, at)
            else:
                self.slots[base + STATE] = state | PRESENT << direction
        elif flags & FIN:
            self.slots[base + STATE] = state | FINISHED << direction
        if flags & RST:
            self.finish(slot, End.RESET, at)
        elif self.slots[base + STATE] & (FINISHED * 3) == FINISHED * 3:
            self.finish(slot, End.CLOSED, at)

    def _bytes(self, slot: int, direction: int, sequence: int, source: Source, at: int) -> None:
        """Take payload and FIN, whose first byte has the number `sequence`."""
        frame = self.frame
        base = slot * WORDS
        mine = base + NEXT + direction
        state = self.slots[base + STATE]
        if not state & KNOWN << direction:
            self.slots[mine] = ((sequence - 1) & HALF) << 32 | sequence
        state |= (KNOWN | PRESENT) << direction
        if frame.wire:
            state &= ~EMBRYONIC
        self.slots[base + STATE] = state
        early = frame.flags & ACK and self._early(base, 1 - direction)
        if early or state & HELD or sequence != self.slots[mine] & HALF:
            self._disordered(slot, direction, sequence, source, at)
            return
        finishes = frame.flags & FIN
        following = (sequence + frame.wire + finishes) & HALF
        self.slots[mine] = self.slots[mine] >> 32 << 32 | following
        if frame.wire:
            self.delivery.data(slot, direction, source, frame.payload, frame.size, frame.wire, at)
        if finishes:
            self.slots[base + STATE] |= FINISHED << direction

    def _early(self, base: int, other: int) -> bool:
        """Return whether the frame acknowledges bytes of the other direction that have not been seen yet.

        A direction of which nothing was seen at all is not waited for, only followed: the capture may be one-sided.
        """
        theirs = base + NEXT + other
        state = self.slots[base + STATE]
        acknowledged = self.frame.acknowledged
        both = (KNOWN | PRESENT) << other
        if state & both != both:
            initial = self.slots[theirs] >> 32 if state & KNOWN << other else (acknowledged - 1) & HALF
            self.slots[theirs] = initial << 32 | acknowledged
            self.slots[base + STATE] = state | KNOWN << other
            return False
        behind = (acknowledged - self.slots[theirs]) & HALF
        return 0 < behind < WINDOW

    def _disordered(self, slot: int, direction: int, sequence: int, source: Source, at: int) -> None:
        frame = self.frame
        acknowledged = frame.acknowledged if frame.flags & ACK else None
        payload = source[frame.payload : frame.payload + frame.size]
        finishes = bool(frame.flags & FIN)
        self.reassembly.accept(slot, direction, Segment(sequence, payload, frame.wire, finishes, acknowledged, at))

    def _handshake(self, slot: int, source: Source, at: int) -> None:
        """Take a segment with SYN, which may carry payload (TCP Fast Open)."""
        frame = self.frame
        answer = frame.flags & ACK != 0
        if slot >= 0:
            base = slot * WORDS
            state = self.slots[base + STATE]
            direction = self.table.side ^ (state & CLIENT_LATER)
            if state & KNOWN << direction and self.slots[base + NEXT + direction] >> 32 == frame.sequence:
                self.repeated += state >> 5 + direction & 1  # PRESENT: not foretold by an acknowledgement only
                self.slots[base + STATE] = state | PRESENT << direction
            elif answer and not state & (KNOWN << direction | CLOSED):
                self._greet(base, direction, at)
            else:
                self.replaced += 1
                self.remove(slot, End.REPLACED, at)
                slot = -1
        if slot < 0:
            slot, direction = self._open(answer, at), int(answer)
        if frame.wire and not self.slots[slot * WORDS + STATE] & (CLOSED | IGNORED):
            self._bytes(slot, direction, (frame.sequence + 1) & HALF, source, at)

    def _greet(self, base: int, direction: int, at: int) -> None:
        """Note the initial sequence number of one side."""
        sequence = self.frame.sequence
        self.slots[base + NEXT + direction] = sequence << 32 | ((sequence + 1) & HALF)
        self.slots[base + STATE] |= (KNOWN | PRESENT) << direction
        self.slots[base + SEEN] = at

    def _open(self, answer: bool, at: int) -> int:
        """Take a slot for a connection whose SYN, or with `answer` the server's SYN-ACK, was seen."""
        while self.following - self.first >= len(self.embryos) or (
            self.table.used >= self.table.capacity and self.first < self.following
        ):
            self._give_up_first(at)
        slot = self._claim(at)
        base = slot * WORDS
        later = self.table.side ^ answer
        self.slots[base + STATE] |= SURE | EMBRYONIC | (CLIENT_LATER if later else 0)
        self._greet(base, int(answer), at)
        if answer:
            acknowledged = self.frame.acknowledged
            self.slots[base + NEXT] = ((acknowledged - 1) & HALF) << 32 | acknowledged
            self.slots[base + STATE] |= KNOWN
        self.embryos[self.following % len(self.embryos)] = slot
        self.following += 1
        return slot

    def _give_up_first(self, at: int) -> None:
        """Evict the connection whose SYN is the oldest, unless payload has come since."""
        slot = self.embryos[self.first % len(self.embryos)]
        self.first += 1
        if self.table.taken(slot) and self.slots[slot * WORDS + STATE] & EMBRYONIC:
            self.evicted += 1
            self.remove(slot, End.EVICTED, at)

    def _join(self, at: int) -> int:
        """Take a slot for a flow joined midway; the client is guessed: who has the higher port, else the sender."""
        slot = self._claim(at)
        sender = self.frame.source_port >= self.frame.target_port
        later = self.table.side if sender else 1 - self.table.side
        self.slots[slot * WORDS + STATE] |= CLIENT_LATER if later else 0
        return slot

    def _claim(self, at: int) -> int:
        slot = self.table.insert()
        while slot < 0:
            self.evicted += 1
            self.remove(self.table.victim(), End.EVICTED, at)
            slot = self.table.insert()
        self.slots[slot * WORDS + OPENED] = at
        self.slots[slot * WORDS + SEEN] = at
        return slot
