"""Messages that begin with their length: a head in view, the rest passed over."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from exporter.model import Direction, Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import Match, ParseError

# A side that was understood before may meet so much that it does not understand, from lost segments that nobody told.
MAX_MALFORMED = 8


class Language(Protocol):
    """What a protocol says of the messages of one direction.

    Attributes:
        wanted: how many bytes of the beginning of the message that was measured last are needed at most.
        untimed: whether a message whose end was not seen may still be told, its last byte's time being of no use.
    """

    wanted: int
    untimed: bool

    def measure(self, buffer: bytes | bytearray, start: int, end: int) -> int:
        """Return the size of the message that begins at `start`, its length included; 0 if more bytes are needed.

        Raises:
            ParseError: no message begins there.
        """
        ...

    def take(self, head: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append what the message is; `head` is shorter than `wanted` where it was cut or not captured.

        Raises:
            ParseError: the head cannot be the protocol's.
        """
        ...

    def judge(self, data: bytes) -> Match:
        """Return whether messages begin with `data`, a segment after a loss or the beginning of the very first one."""
        ...

    def lose(self) -> None:
        """Messages were lost."""
        ...


@runtime_checkable
class Missing(Protocol):
    """A language that can tell something of what was not seen, by its length."""

    def miss(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Append what so many lost bytes, which began with a message, surely were."""
        ...


class Framed:
    """One direction of a connection.

    Attributes:
        skip: how many bytes of the message being read are still to come and need not be seen.
        seen: whether a message was understood.
        malformed: how often bytes were not.
    """

    __slots__ = ("_backlog", "_first_at", "_head", "_language", "_lost", "_size", "malformed", "seen", "skip")

    def __init__(self, language: Language) -> None:
        self._language = language
        self._backlog = Backlog()
        self._head = b""
        self._size = 0
        self._first_at: Nanoseconds = 0
        self._lost = False
        self.seen = False
        self.malformed = 0
        self.skip = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete.

        Raises:
            ParseError: this is another protocol.
        """
        if self._lost:
            if self._language.judge(data) < Match.MAYBE:
                return
            self._lost = False
        self._read(data, at, out)

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; 0 for an unknown number."""
        try:
            if 0 < size_bytes <= self.skip:
                self._pass(size_bytes, at, out)
            elif not (size_bytes and self._cut(size_bytes, at, out)):
                apart = not (self.skip or self._lost or self._backlog.held)
                self.lose(at, out)
                if apart and size_bytes and isinstance(self._language, Missing):
                    self._language.miss(size_bytes, at, out)
        except ParseError:
            self.malformed += 1
            self.lose(at, out)

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next boundary; a message that must have come counts."""
        begun, self.skip = self.skip > 0, 0
        self._lost = True
        self._backlog.drop()
        self._language.lose()
        if begun and self._language.untimed:
            self._language.take(self._head, self._size, self._first_at, at, out)

    def _read(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        backlog, language = self._backlog, self._language
        buffer = backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self._pass(taken, at, out)
                continue
            size = language.measure(buffer, position, end)
            stop = position + min(size, language.wanted)
            head = bytes(buffer[position:stop])
            if not self.seen and size and language.judge(head) < (Match.MAYBE if stop <= end else Match.NOT_YET):
                raise ParseError("bytes that only look like a message by their length")
            if not size or stop > end:
                break
            since = backlog.since if position == 0 else at
            position += size
            if position <= end:
                language.take(head, size, since, at, out)
                self.seen = True
            else:
                self._begin(head, size, since, position - end)
                position = end
        backlog.keep(buffer, position, at)

    def _begin(self, head: bytes, size: int, first_at: Nanoseconds, missing: int) -> None:
        self._head = head
        self._size = size
        self._first_at = first_at
        self.skip = missing

    def _pass(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        self.skip -= size_bytes
        if not self.skip:
            self._language.take(self._head, self._size, self._first_at, at, out)
            self.seen = True

    def _cut(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> bool:
        """Go on with as much of a head as was captured; return whether the gap ends within its message."""
        backlog = self._backlog
        held = bytes(backlog.held)
        size = self._language.measure(held, 0, len(held)) if held else 0
        if size < len(held) + size_bytes:
            return False
        since = backlog.since
        backlog.drop()
        self._begin(held, size, since, size - len(held))
        self._pass(size_bytes, at, out)
        return True


class Side(Protocol):
    """One direction of a connection, as `Framed` is one."""

    malformed: int

    @property
    def skip(self) -> int:
        """How many of the next bytes need not be seen."""
        ...

    @property
    def seen(self) -> bool:
        """Whether a message was understood."""
        ...

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        ...

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen."""
        ...

    def lose(self, at: Nanoseconds, out: list[Message]) -> None:
        """Look for the next boundary."""
        ...


class SidedParser:
    """A connection of two directions that are read apart (`base.Parser`)."""

    __slots__ = ("_sides",)

    def __init__(self, client: Side, server: Side) -> None:
        self._sides = (client, server)

    def feed(self, direction: Direction, data: bytes, at: Nanoseconds) -> Sequence[Message]:
        """Take the next bytes of one direction; return the messages that they complete."""
        out: list[Message] = []
        side = self._sides[direction]
        try:
            side.feed(data, at, out)
        except ParseError:
            # Where either direction was understood this one may have been joined within a message.
            side.malformed += 1
            understood = side.seen or self._sides[1 - direction].seen
            if not understood or side.malformed > MAX_MALFORMED:
                raise
            side.lose(at, out)
        return out

    def gap(self, direction: Direction, size_bytes: int, at: Nanoseconds) -> Sequence[Message]:
        """Account for bytes that passed unseen."""
        out: list[Message] = []
        self._sides[direction].gap(size_bytes, at, out)
        return out

    def skippable(self, direction: Direction) -> int:
        """Return how much is left of the message being passed over."""
        return self._sides[direction].skip

    def left(self) -> bytes | None:
        """Return None: nothing else is spoken afterwards."""
        return None

    def finish(self, at: Nanoseconds) -> Sequence[Message]:
        """Return nothing: a cut message was not acted upon."""
        return ()


def unsigned(buffer: bytes | bytearray, at: int) -> int:
    """Return the big-endian number in the four bytes at `at`."""
    return int.from_bytes(buffer[at : at + 4], "big")


def signed(buffer: bytes | bytearray, at: int) -> int:
    """Return the big-endian number in the four bytes at `at`, which may be negative."""
    return int.from_bytes(buffer[at : at + 4], "big", signed=True)
