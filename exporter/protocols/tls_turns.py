"""What goes on inside TLS, as far as the turns of its data records tell."""

from collections.abc import Sequence

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.base import Family, Match, ProtocolSpec
from exporter.protocols.tls_records import DATA, HEAD_BYTES, begins, begins_hello, measure_data, record_size
from exporter.protocols.turns import TurnParser
from exporter.protocols.units import Unit, Units

CLIENT_HELLO = 1
# A close_notify of TLS 1.3 looks like data: level, description, type and tag.
CLOSING_BYTES = HEAD_BYTES + 2 + 1 + 16


class TlsTurnParser:
    """Gives the turns of the data; alerts, renegotiations and good-byes are none."""

    __slots__ = ("_rest", "_sides", "_turns")

    def __init__(self) -> None:
        self._sides = (Units(measure_data, begins), Units(measure_data, begins))
        self._turns = TurnParser()
        self._rest: bytes | None = None

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the turn that they end."""
        units = self._sides[direction]
        out: list[Message] = []
        under_way = units.unit
        found = units.feed(data, at)
        for number, unit in enumerate(found):
            if begins_hello(unit.head, CLIENT_HELLO) is Match.YES:
                behind = units.pending + sum(later.size_bytes for later in found[number:])
                self._rest = data[-behind:]
                return out
            if _is_data(unit):
                if unit is not under_way:
                    out += self._turns.gap(direction, 0, unit.first_at)
                out += self._turns.gap(direction, unit.size_bytes, unit.last_at)
        if units.unit is not None and _is_data(units.unit):
            out += self._turns.gap(direction, 0, at)
        if units.lost:
            out += self._turns.gap(direction, len(data), at)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        units = self._sides[direction]
        for unit in units.gap(size_bytes, at):
            if _is_data(unit):
                return self._turns.gap(direction, unit.size_bytes, unit.last_at)
        return self._turns.gap(direction, size_bytes, at) if units.lost else ()

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the record."""
        return self._sides[direction].skippable

    def left(self) -> bytes | None:
        """Return what begins with a hello: of another connection, the start of which was not seen."""
        return self._rest

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the turn that is complete as far as was seen."""
        return self._turns.finish(at)


def _is_data(unit: Unit) -> bool:
    return unit.head[0] == DATA and unit.size_bytes != CLOSING_BYTES


def match(client: bytes, server: bytes) -> Match:
    """Judge by whole records of data of either side; a hello is not for here, and neither side tells which it is."""
    judged = [_match_side(side) for side in (client, server) if side]
    if Match.YES in judged:
        return Match.YES
    if judged and set(judged) == {Match.MAYBE}:
        return Match.MAYBE
    return Match.NO if Match.NO in judged else Match.NOT_YET


def _match_side(data: bytes) -> Match:
    if any(begins_hello(data, message) is not Match.NO for message in (1, 2)):
        return Match.NO
    at, whole = 0, False
    while at < len(data):
        size = record_size(data, at)
        if size < 0:
            return Match.NO
        if size == 0 or at + size > len(data):
            return Match.YES if whole else Match.MAYBE if size else Match.NOT_YET
        whole = whole or data[at] == DATA
        at += size
    return Match.YES if whole else Match.MAYBE


SPEC = ProtocolSpec("tls-inferred", frozenset({443, 8443}), match, TlsTurnParser, Family.GUESSED, within="tls")
