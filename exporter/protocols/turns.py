"""Turns of unknown or encrypted connections: a burst of the client, then a burst of the server.

Where only one side was captured the bytes that it acknowledges tell of the other's bursts, but not when those came.
"""

from collections.abc import Sequence

from exporter.model import Direction, Kind, Message, Nanoseconds
from exporter.protocols.base import Family, Match, ProtocolSpec

# Server bytes after so long a silence are no part of the answer before it: they are notifications.
LONGEST_PAUSE: Nanoseconds = 5_000_000_000


class _Burst:
    __slots__ = ("first_at", "last_at", "size_bytes")

    def __init__(self, at: Nanoseconds, size_bytes: int) -> None:
        self.first_at = at
        self.last_at = at
        self.size_bytes = size_bytes

    def message(self, kind: Kind, untimed: bool = False) -> Message:
        return Message(kind, self.first_at, self.last_at, self.size_bytes, waits=untimed)


class TurnParser:
    """Gives a request and its response once the client speaks again or the connection ends.

    A burst of the client that nothing answers is no turn, nor is what the server says unasked.
    """

    __slots__ = ("_asked", "_overheard", "_told")

    def __init__(self) -> None:
        self._asked: _Burst | None = None
        self._told: _Burst | None = None
        self._overheard = False  # one of the two was not captured

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the turn that they end."""
        return self.gap(direction, len(data), at)

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Count bytes that passed unseen: a turn needs none of them."""
        if direction == Direction.REQUEST:
            turn = self.finish(at) if self._told else ()
            self._asked = _extended(self._asked, at, size_bytes)
            return turn
        if self._asked and not (self._told and at - self._told.last_at > LONGEST_PAUSE):
            self._told = _extended(self._told, at, size_bytes)
        return ()

    def unheard(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Count bytes of a direction that is not captured; `at` is later than they came."""
        turn = self.gap(direction, size_bytes, at)
        self._overheard = True
        return turn

    def skippable(self, direction: Direction) -> int:
        """Return 0: the time of each segment tells where a turn ends."""
        return 0

    def left(self) -> bytes | None:
        """Return None: the unknown cannot be left."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return the turn that is complete as far as was seen."""
        asked, told, overheard = self._asked, self._told, self._overheard
        self._asked = self._told = None
        self._overheard = False
        if asked is None or told is None:
            return ()
        return (asked.message(Kind.REQUEST, overheard), told.message(Kind.RESPONSE))


def _extended(burst: _Burst | None, at: Nanoseconds, size_bytes: int) -> _Burst:
    if burst is None:
        return _Burst(at, size_bytes)
    burst.last_at = at
    burst.size_bytes += size_bytes
    return burst


def match(client: bytes, server: bytes) -> Match:
    """Return NO: the unknown is what nothing else claims."""
    return Match.NO


SPEC = ProtocolSpec("unknown", frozenset(), match, TurnParser, Family.GUESSED)
