"""What the sequence numbers of a connection say: what is due next, what was missed, what cannot be meant for it.

Compiled with the types of `sequences.pxd`.
"""

import cython

from exporter.net.frames import Frame
from exporter.net.table import FlowTable

if not cython.compiled:
    from exporter.net.layout import ACK, COLD_WORDS, EMBRYONIC, HALF, INITIAL, KNOWN, NEXT, PRESENT, STATE, WORDS

WINDOW = 1 << 30  # the largest that RFC 7323 allows
PLAUSIBLE_RESET = 1 << 20  # how far beside the expected number an RST is believed: loss of the capture allowed for


class Sequences:
    """The numbers of the table's connections; `base` is a slot's first word."""

    def __init__(self, table: FlowTable) -> None:
        self.slots = table.slots
        self.cold = table.cold

    def expect(self, base: int, direction: int, sequence: int) -> None:
        """Set the next byte's number of a direction."""
        if direction:
            self.slots[base + NEXT] = self.slots[base + NEXT] & HALF | (sequence & HALF) << 32
        else:
            self.slots[base + NEXT] = self.slots[base + NEXT] >> 32 << 32 | (sequence & HALF)

    def begin(self, slot: int, direction: int, sequence: int) -> None:
        """Set the initial number of a direction."""
        place = slot * COLD_WORDS + INITIAL
        if direction:
            self.cold[place] = self.cold[place] & HALF | (sequence & HALF) << 32
        else:
            self.cold[place] = self.cold[place] >> 32 << 32 | (sequence & HALF)

    def early(self, frame: Frame, slot: int, other: int) -> bool:
        """Return whether the frame acknowledges bytes of the other direction that have not been seen yet.

        A direction of which nothing was seen at all is not waited for, only followed: the capture may be one-sided.
        """
        base = slot * WORDS
        state = self.slots[base + STATE]
        acknowledged = frame.acknowledged
        both = (KNOWN | PRESENT) << other
        if state & both != both:
            if not state & KNOWN << other:
                self.begin(slot, other, acknowledged - 1)
            self.expect(base, other, acknowledged)
            self.slots[base + STATE] = state | KNOWN << other
            return False
        behind = (acknowledged - (self.slots[base + NEXT] >> 32 * other)) & HALF
        return 0 < behind < WINDOW

    def unheard(self, frame: Frame, slot: int, other: int) -> int:
        """Return how many bytes of the other direction a frame acknowledges for the first time, and expect the next.

        That direction is not captured. A single byte is not told: the end of a direction takes a number, too.
        """
        base = slot * WORDS
        acknowledged = frame.acknowledged
        missed = (acknowledged - (self.slots[base + NEXT] >> 32 * other)) & HALF
        if not self.slots[base + STATE] & KNOWN << other:
            self.begin(slot, other, acknowledged - 1)
            self.slots[base + STATE] |= KNOWN << other
            missed = 0
        elif missed > WINDOW:  # it came late
            return 0
        self.expect(base, other, acknowledged)
        return missed if missed > 1 else 0

    def believable(self, frame: Frame, base: int, direction: int) -> bool:
        """Return whether an RST fits what is known of the connection; one that was made up rarely does."""
        state = self.slots[base + STATE]
        if state & (KNOWN | PRESENT) << direction == (KNOWN | PRESENT) << direction:
            beside = (frame.sequence - (self.slots[base + NEXT] >> 32 * direction) + PLAUSIBLE_RESET) & HALF
        elif state & KNOWN << 1 - direction and frame.flags & ACK:  # the refusal of a SYN has no number of its own
            beside = (frame.acknowledged - (self.slots[base + NEXT] >> 32 * (1 - direction)) + PLAUSIBLE_RESET) & HALF
        else:
            return not state & EMBRYONIC
        return beside <= 2 * PLAUSIBLE_RESET
