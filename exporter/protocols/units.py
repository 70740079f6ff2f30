"""Cuts one direction's bytes into units whose head tells their length: records, frames, packets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cython

from exporter.model import Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError

if not cython.compiled:  # else `units.pxd` has it
    from exporter.protocols.pieces import piece

Measure = Callable[[bytes | bytearray, int], tuple[int, int]]
"""Returns how much to keep of the unit at a position, head included, and its whole length; 0 kept if too little is
there to tell. Raises ParseError where none can begin."""
Judge = Callable[[bytes], bool]
"""Returns whether a segment begins with a unit; after a loss, units are taken up again there."""

# So many units may turn out malformed on a direction that had sound ones before.
MAX_MALFORMED = 8


@dataclass
class Unit:
    """One unit.

    Attributes:
        head: what was kept of it; less than was asked for if bytes of it were lost.
        size_bytes: its whole length.
        first_at: when its first byte was captured.
        last_at: when its last byte was captured.
    """

    head: bytes
    size_bytes: int
    first_at: Nanoseconds
    last_at: Nanoseconds


class Units:
    """One direction's state.

    Attributes:
        skippable: how many of the next bytes belong to the current unit and are not kept.
        unit: the current unit once all that is kept of it is there, until its last byte; else None.
        losses: how often the boundary was lost, or bytes of what is kept of a unit were.
    """

    __slots__ = ("_backlog", "_judge", "_lost", "_malformed", "_measure", "_seen", "losses", "skippable", "unit")

    def __init__(self, measure: Measure, judge: Judge) -> None:
        self._measure = measure
        self._judge = judge
        self._backlog = Backlog()
        self._lost = False
        self._malformed = 0
        self._seen = False
        self.unit: Unit | None = None
        self.skippable = 0
        self.losses = 0

    def feed(self, data: bytes, at: Nanoseconds) -> Sequence[Unit]:
        """Take the next bytes; return the units that they complete.

        Raises:
            ParseError: no unit begins where one should, and none has before, or too often.
        """
        if self._lost:
            if not self._judge(data):
                return ()
            self._lost = False
        units: list[Unit] = []
        position, end = self._skip(units, data, at), len(data)
        if position == end:
            return units
        buffer = self._backlog.join(data if position == 0 else data[position:], at)
        position, end = 0, len(buffer)
        while position < end:
            kept, size = self._measured(buffer, position, units)
            if kept == 0 or end - position < kept:
                break
            first_at = self._backlog.since if position == 0 else at
            unit = Unit(piece(buffer, position, position + kept), size, first_at, at)
            self._seen = True
            position += size
            if position > end:
                self.unit, self.skippable = unit, position - end
                position = end
            else:
                units.append(unit)
        if not self._lost:
            self._backlog.keep(buffer, position, at)
        return units

    def gap(self, size_bytes: int, at: Nanoseconds) -> Sequence[Unit]:
        """Account for bytes that passed unseen; return the unit that ends among them, if its length is known."""
        units: list[Unit] = []
        known = size_bytes <= self.skippable if self.unit is not None else self._torn(size_bytes)
        if known and size_bytes > 0:
            self._pass(units, size_bytes, at)
        else:
            ended = self._ended(size_bytes, at)
            if ended is not None:
                units.append(ended)
            self.lose()
        return units

    @property
    def lost(self) -> bool:
        """Whether the next boundary is unknown."""
        return self._lost

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete unit have passed."""
        return len(self._backlog.held) if self.unit is None else self.unit.size_bytes - self.skippable

    def lose(self) -> None:
        """Forget the current unit and look for the next one where a segment begins."""
        self._lost = True
        self.unit = None
        self._backlog.drop()
        self.skippable = 0
        self.losses += 1

    def _skip(self, units: list[Unit], data: bytes, at: Nanoseconds) -> int:
        taken = min(self.skippable, len(data))
        if taken:
            self._pass(units, taken, at)
        return taken

    def _pass(self, units: list[Unit], size: int, at: Nanoseconds) -> None:
        """Let bytes of the current unit go by."""
        unit = self.unit
        assert unit is not None
        unit.last_at = at
        self.skippable -= size
        if self.skippable == 0:
            units.append(unit)
            self.unit = None

    def _torn(self, size: int) -> bool:
        """Return whether lost bytes all belong to a unit of which the length is known; it then goes on without them."""
        held = self._backlog.held
        whole = self._measure(held, 0)[1] if held else 0
        if size <= 0 or whole - len(held) < size:
            return False
        self.unit = Unit(bytes(held), whole, self._backlog.since, self._backlog.since)
        self.skippable = whole - len(held)
        self._backlog.drop()
        self.losses += 1
        return True

    def _ended(self, size: int, at: Nanoseconds) -> Unit | None:
        """Return the unit that was begun, if lost bytes go on behind its end."""
        unit, held = self.unit, self._backlog.held
        if size <= 0:
            return None
        if unit is None:
            whole = self._measure(held, 0)[1] if held else 0
            return Unit(bytes(held), whole, self._backlog.since, at) if whole else None
        unit.last_at = at
        return unit

    def _measured(self, buffer: bytes | bytearray, position: int, units: list[Unit]) -> tuple[int, int]:
        try:
            return self._measure(buffer, position)
        except ParseError:
            self._malformed += 1
            if not self._seen or self._malformed > MAX_MALFORMED:
                raise
            self.lose()
            return 0, 0
