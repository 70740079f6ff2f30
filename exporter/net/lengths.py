"""Learns of which long packets the head would do: those that hold bodies, not messages behind each other.

Whether a consumer needs what lies behind the head is known only once it has read it, and by then the packet was copied.
But servers stay what they are: long packets from one that sends bodies will hold bodies. So the packets of one server
and direction are judged together, and the capture is told which ones it may cut.
"""

from dataclasses import dataclass

FIRST_STREAK = 64  # long packets in a row whose head would have done, before they are cut
LONGEST_STREAK = 1 << 20
DEARER = 8  # so many times longer a row is asked for after a cut that took away what was needed
# A cut that leaves out no more than so many heads spares little, and costs all that other packets of the kind hold.
WORTH_HEADS = 4
MAX_ROWS = 256
MAX_CUT = 16  # the filter compares each long packet with all of them


@dataclass(frozen=True, slots=True, order=True)
class Bodies:
    """Long packets of one server: `direction` 0 goes to its port, 1 comes from it."""

    port: int
    direction: int


class Row:
    """How many long packets in a row needed no more than their head, and how many it takes; what follows from it."""

    __slots__ = ("is_cut", "is_needed", "streak", "wanted")

    def __init__(self) -> None:
        self.streak = 0
        self.wanted = FIRST_STREAK
        self.is_cut = self.is_needed = False


class Lengths:
    """What is known of long TCP packets, by server port and direction.

    Attributes:
        cut: whose packets may be cut to their heads, as they hold bodies.
        messages: whose packets were found to hold more than their heads tell.
        misjudged: how many packets that were cut held more that was needed.
    """

    def __init__(self) -> None:
        self.cut: frozenset[Bodies] = frozenset()
        self.messages: frozenset[Bodies] = frozenset()
        self.misjudged = 0
        self.rows: dict[int, Row] = {}

    def note(self, port: int, direction: int, enough: bool) -> None:
        """Take note of one long packet: whether its head was, or would have been, enough."""
        row = self.rows.get(port << 1 | direction)
        if row is None:
            row = self._begin(port << 1 | direction)
        if not enough:
            row.streak = 0
            if row.is_cut:
                self.misjudged += 1
                row.wanted = min(row.wanted * DEARER, LONGEST_STREAK)
                row.is_cut = False
                self.cut -= {Bodies(port, direction)}
            if not row.is_needed and len(self.messages) < MAX_CUT:
                row.is_needed = True
                self.messages |= {Bodies(port, direction)}
            return
        row.streak += 1
        if row.streak == row.wanted and len(self.cut) < MAX_CUT:
            row.is_cut = True
            row.is_needed = False
            self.cut |= {Bodies(port, direction)}
            self.messages -= {Bodies(port, direction)}

    def _begin(self, place: int) -> Row:
        """Make a row, in the place of the oldest one that is not cut where there are too many."""
        if len(self.rows) == MAX_ROWS:
            del self.rows[next(place for place, row in self.rows.items() if not row.is_cut and not row.is_needed)]
        row = self.rows[place] = Row()
        return row
