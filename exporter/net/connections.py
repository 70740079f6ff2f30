"""The life of TCP connections: opening, joining midway, bytes in order, the end; and of UDP flows.

Compiled with the types of `connections.pxd`. What is in order goes straight to the delivery, the rest to
the reassembly.
"""

import cython

from exporter.net.delivery import Delivery, Source
from exporter.net.embryos import Embryos
from exporter.net.frames import Frame
from exporter.net.held import Segment
from exporter.net.reassembly import Reassembly
from exporter.net.sequences import Sequences
from exporter.net.stream import End, Failure
from exporter.net.table import FlowTable

if not cython.compiled:
    from exporter.net.layout import (
        ACK,
        CLIENT_LATER,
        CLOSED,
        COLD_WORDS,
        DISTURBED,
        DOUBLED,
        EMBRYONIC,
        FIN,
        FINISHED,
        HALF,
        HANDSHAKE,
        HELD,
        IGNORED,
        INITIAL,
        KNOWN,
        MIDST,
        NEXT,
        OPENED,
        PORTS,
        PRESENT,
        REPORTED,
        RST,
        SEEN,
        STATE,
        SURE,
        SYN,
        TURNS,
        UDP,
        WORDS,
    )

WINDOW = 1 << 30  # the largest that RFC 7323 allows
MOST_PASSED = 0x7FFFFFFF  # in a direction while nobody looked: what is more may as well lie behind
LINGER = 2_000_000_000  # how long a closed connection's slot absorbs repeated segments, nanoseconds
DATAGRAM_PATIENCE = 30_000_000_000  # after which what two ends say to each other is a new flow, nanoseconds
EMBRYONIC_PATIENCE = 10_000_000_000  # an attempt to connect that is not answered for so long has failed, nanoseconds
SYN_TIMEOUT = 2_000_000_000  # before a SYN is repeated first: one second, and some more
# A packet is captured twice on a bridge and its port: within this, or before the flow's last packet where another ring
# is read later. No sender repeats its newest segment right behind it, only behind an acknowledgment or a repetition: a
# flow that shows this is captured twice, and what else it repeats at once are copies. Others recover so.
CAPTURED_TWICE = 100_000
LATE = 1_000_000_000  # no ring is read so late: the clock was set back, nanoseconds
PROGRESS = 1 << 20  # repetitions from further back are looked at by the reassembly: the flow may have gone astray
MAX_REPORTS = 1000  # failures told at once: a flood of SYNs must not become a flood of calls


class Connections:
    """All flows of the table, driven by one prepared frame after the other."""

    def __init__(self, table: FlowTable, delivery: Delivery, reassembly: Reassembly) -> None:
        self.table = table
        self.slots = table.slots
        self.cold = table.cold
        self.frame = Frame()
        self.delivery = delivery
        self.reassembly = reassembly
        self.sequences = Sequences(table)
        self.embryos = Embryos(table)
        self.resumed_at = self.doubted_at = self.reports = self.recovering_at = 0
        self.impatient = False
        self.unbelieved = self.repeated = self.strays = self.evicted = self.replaced = 0

    def segment(self, frame: Frame, source: Source) -> None:
        """Take the TCP segment in a frame, cut from `source`."""
        slot = self.table.find(frame)
        if slot < 0 or frame.flags & (SYN | FIN | RST | ACK) != ACK or not self._next(slot, frame, source):
            self.frame = frame
            self._any(slot, source, frame.at)

    def _next(self, slot: int, frame: Frame, source: Source) -> bool:
        """Take the ordinary segment, with the next bytes of a connection in its midst; return whether it was one."""
        base = slot * WORDS
        state = self.slots[base + STATE]
        if state & (MIDST | DISTURBED) != MIDST or frame.wire == 0:
            return False
        direction = frame.side ^ (state & CLIENT_LATER)
        following = self.slots[base + NEXT]
        shift = 32 * direction  # no branch: whose turn it is, no processor can foretell
        expected, other = following >> shift & HALF, following >> 32 - shift & HALF
        early = (frame.acknowledged - other) & HALF
        if expected != frame.sequence or 0 < early < WINDOW:
            return False
        expected = (expected + frame.wire) & HALF
        self.slots[base + NEXT] = expected << shift | other << 32 - shift
        self.slots[base + SEEN] = frame.at
        if state & TURNS:
            self.delivery.turn(base, direction, frame.wire, frame.at)
            if 0 < self.delivery.head < frame.wire:
                self.delivery.note(slot, direction, frame.wire - self.delivery.head, 0)
        elif not self.delivery.glance(slot, direction, frame):
            self.delivery.data(slot, direction, source, frame.payload, frame.size, frame.wire, frame.at)
        return True

    def _any(self, slot: int, source: Source, at: int) -> None:
        """Take any segment."""
        frame = self.frame
        if frame.flags & SYN:
            self._handshake(slot, source, at)
            return
        if slot >= 0 and self.slots[slot * WORDS + STATE] & CLOSED:
            if at - self.slots[slot * WORDS + SEEN] < LINGER:
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

    def datagram(self, frame: Frame, source: Source) -> None:
        """Take the UDP datagram in a frame; each is delivered whole, in the order of capture."""
        self.frame, at = frame, frame.at
        slot = self.table.find(frame)
        if slot < 0:
            slot = self._join(at)
        base = slot * WORDS
        self.slots[base + SEEN] = at
        state = self.slots[base + STATE]
        if not state & IGNORED:
            direction = self.frame.side ^ (state & CLIENT_LATER)
            self.delivery.data(slot, direction, source, frame.payload, frame.size, frame.wire, at)

    def finish(self, slot: int, reason: End, at: int) -> None:
        """End a connection; its slot stays for a while to absorb what the network repeats."""
        state = self.slots[slot * WORDS + STATE]
        if state & HELD:
            self.reassembly.flush(slot)
        if state & EMBRYONIC:
            self._unused(slot, reason, at)
        self.delivery.end(slot, reason, at)
        self.slots[slot * WORDS + STATE] |= CLOSED | IGNORED

    def remove(self, slot: int, reason: End, at: int) -> None:
        """End a flow, where it has not ended, and free its slot."""
        if not self.slots[slot * WORDS + STATE] & CLOSED:
            self.finish(slot, reason, at)
        self.table.remove(slot)

    def _unused(self, slot: int, reason: End, at: int) -> None:
        """Tell how a connection without payload began: a handshake that was answered and ended, or a failure."""
        answered = self.slots[slot * WORDS + STATE] & PRESENT << 1
        if answered:
            if reason is not End.IDLE and reason is not End.EVICTED:  # else it may be half open, by a forged SYN
                self.delivery.connected(slot, at)
        elif reason is End.RESET:
            self.delivery.unconnected(slot, Failure.REFUSED, at)

    def expire(self, now: int, idle: int) -> None:
        """Remove the flows that were not seen for `idle` nanoseconds; what is no connection goes sooner."""
        self.reports = 0
        for slot in range(self.table.fresh):
            if not self.table.taken(slot):
                continue
            state = self.slots[slot * WORDS + STATE]
            unseen = now - self.slots[slot * WORDS + SEEN]
            if state & CLOSED:
                over = unseen > LINGER
            elif state & EMBRYONIC:
                over = self._hopeless(slot, unseen, now)
            elif self.slots[slot * WORDS + PORTS] & 0xFF == UDP:
                over = unseen > min(idle, DATAGRAM_PATIENCE)
            else:
                over = unseen > idle
            if over:
                self.remove(slot, End.IDLE, now)

    def _hopeless(self, slot: int, unseen: int, now: int) -> bool:
        """Return whether nothing will come of a connection without payload; tell it where nobody answered the SYN.

        A client repeats its SYN after ever longer pauses, each at most twice the last one: that is the same attempt.
        """
        state = self.slots[slot * WORDS + STATE]
        opened = self.cold[slot * COLD_WORDS + OPENED]
        if not state & (PRESENT << 1 | REPORTED) and now - opened > EMBRYONIC_PATIENCE and opened > self.doubted_at:
            if self.reports == MAX_REPORTS:
                return False
            self.reports += 1
            self.delivery.unconnected(slot, Failure.UNANSWERED, self.slots[slot * WORDS + SEEN])
        tried = self.slots[slot * WORDS + SEEN] - opened
        return unseen > max(EMBRYONIC_PATIENCE, tried + SYN_TIMEOUT)

    def close(self, now: int) -> None:
        """End every flow."""
        for slot in range(self.table.fresh):
            if self.table.taken(slot):
                self.remove(slot, End.STOPPED, now)

    def resume(self, at: int) -> None:
        """Nobody looked for a while before `at`: what connections lack from then is not waited for."""
        self.resumed_at = self.doubted_at = at

    def lost(self, at: int) -> None:
        """Packets were dropped until `at`: the answers to SYNs may have been among them."""
        self.doubted_at = at

    def _follow(self, slot: int, direction: int, at: int) -> None:
        """Tell both directions what passed while nobody looked, by the first segment since."""
        frame, base = self.frame, slot * WORDS
        if self.slots[base + STATE] & HELD:
            self.reassembly.flush(slot)
        if self.slots[base + STATE] & KNOWN << direction:
            self._pass(slot, direction, frame.sequence, at)
        if frame.flags & ACK and self.slots[base + STATE] & KNOWN << 1 - direction:
            self._pass(slot, 1 - direction, frame.acknowledged, at)

    def _pass(self, slot: int, direction: int, sequence: int, at: int) -> None:
        """Take what is missing up to a sequence number for gone."""
        base = slot * WORDS
        missed = (sequence - (self.slots[base + NEXT] >> 32 * direction)) & HALF
        if 0 < missed <= MOST_PASSED:
            self.sequences.expect(base, direction, sequence)
            self.delivery.gap(slot, direction, missed, at)

    def _established(self, slot: int, source: Source, at: int) -> None:
        base, flags = slot * WORDS, self.frame.flags
        state = self.slots[base + STATE]
        direction = self.frame.side ^ (state & CLIENT_LATER)
        if flags & RST:
            self._reset(slot, direction, at)
        else:
            unseen = at - self.slots[base + SEEN]
            if (self.impatient or self.slots[base + SEEN] < self.resumed_at) and not state & IGNORED:
                self._follow(slot, direction, at)
                state = self.slots[base + STATE]
            if unseen > 0 or unseen < -LATE:
                self.slots[base + SEEN] = at
            alone = flags & ACK != 0 and not state & (PRESENT << 1 - direction | IGNORED)
            if alone and (self.frame.wire or self.delivery.attached(slot)):
                other = 1 - direction
                self.delivery.unheard(slot, other, self.sequences.unheard(self.frame, slot, other), at)
                state = self.slots[base + STATE]
            if state & IGNORED:
                if flags & FIN:
                    self.slots[base + STATE] = state | FINISHED << direction
            elif self.frame.wire or flags & FIN:
                self._bytes(slot, direction, self.frame.sequence, source, at, unseen)
            else:
                self.slots[base + STATE] = state | PRESENT << direction
                self.recovering_at = at
            if self.slots[base + STATE] & (FINISHED * 3) == FINISHED * 3:
                self.finish(slot, End.CLOSED, at)

    def _reset(self, slot: int, direction: int, at: int) -> None:
        if self.sequences.believable(self.frame, slot * WORDS, direction):
            self.slots[slot * WORDS + SEEN] = at
            self.finish(slot, End.RESET, at)
        else:
            self.unbelieved += 1

    def _bytes(self, slot: int, direction: int, sequence: int, source: Source, at: int, unseen: int) -> None:
        """Take payload and FIN, whose first byte has the number `sequence`; the flow's last packet is `unseen` ago."""
        frame, base = self.frame, slot * WORDS
        state = self.slots[base + STATE]
        if not state & KNOWN << direction:
            self.sequences.expect(base, direction, sequence)
            self.sequences.begin(slot, direction, sequence - 1)
        state |= (KNOWN | PRESENT) << direction
        if frame.wire:
            state &= ~EMBRYONIC
        self.slots[base + STATE] = state
        early = frame.flags & ACK and self.sequences.early(frame, slot, 1 - direction)
        finishes = frame.flags & FIN
        length = frame.wire + finishes
        behind = ((self.slots[base + NEXT] >> 32 * direction) - sequence) & HALF
        if early or state & HELD:
            self._disordered(slot, direction, sequence, source, at, unseen)
        elif behind == 0:
            self.sequences.expect(base, direction, sequence + length)
            if frame.wire:
                self.delivery.data(slot, direction, source, frame.payload, frame.size, frame.wire, at)
            if finishes:
                self.slots[base + STATE] |= FINISHED << direction
        elif length <= behind < PROGRESS:
            self._repeated(slot, direction, behind, length == behind, at, unseen)
        else:
            self._disordered(slot, direction, sequence, source, at, unseen)

    def _repeated(self, slot: int, direction: int, behind: int, newest: bool, at: int, unseen: int) -> None:
        """Count a segment of which nothing is new."""
        if behind == 1 and self.frame.wire <= 1 and not self.frame.flags & FIN:  # a keep-alive probe
            return
        self.repeated += 1
        self._again(slot, direction, newest, at, unseen)

    def _again(self, slot: int, direction: int, newest: bool, at: int, unseen: int) -> None:
        """Tell of a repetition by the sender; `newest` says that it had sent nothing beyond it."""
        recovers = at - unseen == self.recovering_at
        self.recovering_at = at
        if unseen < 0 or (newest and unseen <= CAPTURED_TWICE and not recovers):
            self.slots[slot * WORDS + STATE] |= DOUBLED
        elif unseen > CAPTURED_TWICE or not self.slots[slot * WORDS + STATE] & DOUBLED:
            self.delivery.retransmitted(slot, direction, at)

    def _disordered(self, slot: int, direction: int, sequence: int, source: Source, at: int, unseen: int) -> None:
        frame = self.frame
        before = self.reassembly.retransmitted
        acknowledged = frame.acknowledged if frame.flags & ACK else None
        payload = source[frame.payload : frame.payload + frame.size]
        finishes = bool(frame.flags & FIN)
        self.reassembly.accept(slot, direction, Segment(sequence, payload, frame.wire, finishes, acknowledged, at))
        if self.reassembly.retransmitted != before:
            self._again(slot, direction, False, at, unseen)

    def _handshake(self, slot: int, source: Source, at: int) -> None:
        """Take a segment with SYN, which may carry payload (TCP Fast Open)."""
        frame, answer = self.frame, self.frame.flags & ACK != 0
        if slot >= 0:
            base = slot * WORDS
            state = self.slots[base + STATE]
            direction = self.frame.side ^ (state & CLIENT_LATER)
            initial = self.cold[slot * COLD_WORDS + INITIAL] >> 32 * direction & HALF
            if state & KNOWN << direction and initial == frame.sequence:
                if state & PRESENT << direction:  # else an acknowledgement had foretold it
                    self._repeated(slot, direction, 0, True, at, at - self.slots[base + SEEN])
                self.slots[base + SEEN] = max(at, self.slots[base + SEEN])
                self.slots[base + STATE] = state | PRESENT << direction
            elif answer and not state & (KNOWN << direction | CLOSED):
                self._greet(slot, direction, at)
                self.cold[slot * COLD_WORDS + HANDSHAKE] = max(at - self.cold[slot * COLD_WORDS + OPENED], 0)
            else:
                self.replaced += 1
                self.remove(slot, End.REPLACED, at)
                slot = -1
        if slot < 0:
            slot, direction = self._open(answer, at), int(answer)
        if frame.wire and not self.slots[slot * WORDS + STATE] & (CLOSED | IGNORED):
            self._bytes(slot, direction, (frame.sequence + 1) & HALF, source, at, 0)

    def _greet(self, slot: int, direction: int, at: int) -> None:
        """Note the initial sequence number of one side."""
        base = slot * WORDS
        sequence = self.frame.sequence
        self.sequences.begin(slot, direction, sequence)
        self.sequences.expect(base, direction, sequence + 1)
        self.slots[base + STATE] |= (KNOWN | PRESENT) << direction
        self.slots[base + SEEN] = at

    def _open(self, answer: bool, at: int) -> int:
        """Take a slot for a connection whose SYN, or with `answer` the server's SYN-ACK, was seen."""
        while self.embryos.crowded():
            self._give_up_first(at)
        slot = self._claim(at)
        base = slot * WORDS
        later = self.frame.side ^ answer
        self.slots[base + STATE] |= SURE | EMBRYONIC | (CLIENT_LATER if later else 0)
        self._greet(slot, int(answer), at)
        if answer:
            acknowledged = self.frame.acknowledged
            self.sequences.begin(slot, 0, acknowledged - 1)
            self.sequences.expect(base, 0, acknowledged)
            self.slots[base + STATE] |= KNOWN
        self.embryos.add(slot)
        return slot

    def _give_up_first(self, at: int) -> None:
        """Evict the connection whose SYN is the oldest, unless payload has come since."""
        slot = self.embryos.first()
        if slot >= 0:
            self.evicted += 1
            self.remove(slot, End.EVICTED, at)

    def _join(self, at: int) -> int:
        """Take a slot for a flow joined midway; the client is guessed: who has the higher port, else the sender."""
        slot = self._claim(at)
        sender = self.frame.source_port >= self.frame.target_port
        later = self.frame.side if sender else 1 - self.frame.side
        self.slots[slot * WORDS + STATE] |= CLIENT_LATER if later else 0
        return slot

    def _claim(self, at: int) -> int:
        slot = self.table.insert(self.frame)
        while slot < 0:
            self.evicted += 1
            self.remove(self.table.victim(self.frame), End.EVICTED, at)
            slot = self.table.insert(self.frame)
        self.cold[slot * COLD_WORDS + OPENED] = at
        self.slots[slot * WORDS + SEEN] = at
        return slot
