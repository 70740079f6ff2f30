"""The bytes of one direction that wait for the rest of their unit."""

import cython

from exporter.model import Nanoseconds
from exporter.protocols.base import ParseError

if not cython.compiled:  # else `backlog.pxd` has it
    from exporter.protocols.pieces import line_feed

NOTHING = bytearray()  # shared by all that hold nothing, and never written to


class Backlog:
    """Joins segments where a unit (a head, a line, a message) was cut.

    Attributes:
        held: the bytes from the unit's first one; empty between units.
        since: when the first held byte was captured; without one, the time of the segment being read.
        scanned: how far from the unit's start a delimiter was already looked for in vain, so that it is not rescanned.
    """

    __slots__ = ("held", "scanned", "since")

    def __init__(self) -> None:
        self.held = NOTHING
        self.since: Nanoseconds = 0
        self.scanned = 0

    def join(self, data: bytes, at: Nanoseconds) -> bytes | bytearray:
        """Return the held bytes and `data` as one buffer, to be given back to `keep`."""
        if not self.held:
            self.since = at
            return data
        self.held += data
        return self.held

    def keep(self, buffer: bytes | bytearray, position: int, at: Nanoseconds) -> None:
        """Hold what is left of `buffer` from `position` on."""
        if buffer is self.held:
            if position == len(buffer):
                self.held = NOTHING  # what was parsed is not kept, not even as spare room
            elif position:
                del self.held[:position]
                self.since = at
        elif position < len(buffer):
            self.held = bytearray(memoryview(buffer)[position:])

    def line_end(self, buffer: bytes | bytearray, start: int, most: int) -> int:
        """Return where the line feed is of the unit, a line, that begins at `start`; -1 if more bytes are needed.

        Raises:
            ParseError: more than `most` bytes have none.
        """
        end = line_feed(buffer, start + self.scanned)
        self.scanned = 0
        if end < 0:
            self.scanned = len(buffer) - start
            if self.scanned > most:
                raise ParseError("an endless line")
        return end

    def drop(self) -> None:
        """Forget the unit."""
        self.held = NOTHING
        self.scanned = 0


def behind_line_ends(buffer: bytes | bytearray, start: int) -> int:
    """Return where the line ends at `start` are over, or 4 KiB of them."""
    run = buffer[start : start + 4096]
    return start + len(run) - len(run.lstrip(b"\r\n"))
