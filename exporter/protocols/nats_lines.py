"""Lines of one direction of a NATS connection, and the payloads behind some of them."""

from collections.abc import Callable
from typing import Protocol

from exporter.model import Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError

# A server's greeting names all servers of its cluster; a client's line is at most 4 KiB unless a server was told else.
MAX_LINE_BYTES = 64 << 10
MAX_PAYLOAD_BYTES = 64 << 20  # the server's own limit
MAX_MALFORMED = 8


class Speaker(Protocol):
    """What the lines of a direction mean."""

    def payload(self, line: bytes) -> int:
        """Return the size of the payload behind a line, its end of line included; 0 without one.

        Raises:
            ParseError: this is no line of NATS.
        """
        ...

    def say(self, line: bytes, size: int, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append what a line, and the payload behind it, is."""
        ...

    def begin(self, line: bytes, first_at: Nanoseconds, last_at: Nanoseconds, out: list[Message]) -> None:
        """Append what a line is whose end was not captured."""
        ...


class Lines:
    """Reads one direction; payloads pass unseen.

    Args:
        speaker: tells what its lines mean.
        resume: finds the first line in a segment after a loss; -1 if there is none.

    Attributes:
        skip: how many bytes of the payload being read are still to come.
    """

    __slots__ = (
        "_backlog",
        "_first_at",
        "_line",
        "_lost",
        "_malformed",
        "_resume",
        "_seen",
        "_size",
        "_speaker",
        "skip",
    )

    def __init__(self, speaker: Speaker, resume: Callable[[bytes], int]) -> None:
        self._speaker = speaker
        self._resume = resume
        self._backlog = Backlog()
        self._line = b""
        self._size = 0
        self._first_at: Nanoseconds = 0
        self._lost = False
        self._seen = False
        self._malformed = 0
        self.skip = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete.

        Raises:
            ParseError: this is another protocol.
        """
        if self._lost:
            start = self._resume(data)
            if start < 0:
                return
            self._lost = False
            data = data[start:]
        try:
            self._read(data, at, out)
        except ParseError:
            self._malformed += 1
            if not self._seen or self._malformed > MAX_MALFORMED:
                raise
            self._lose()

    def gap(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes that passed unseen; 0 for an unknown number."""
        if 0 < size_bytes <= self.skip:
            self._pass(size_bytes, at, out)
            return
        if self.skip:
            self._speaker.say(self._line, self._size, self._first_at, at, out)
        elif self._backlog.held:
            self._speaker.begin(self.held(), self._backlog.since, at, out)
        self._lose()

    def held(self) -> bytes:
        """Return the bytes that no line was made of yet."""
        return bytes(self._backlog.held)

    def _read(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        backlog = self._backlog
        buffer = backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self._pass(taken, at, out)
                continue
            stop = backlog.line_end(buffer, position, MAX_LINE_BYTES)
            if stop < 0:
                break
            self._line = bytes(buffer[position : stop + 1])
            self._first_at = backlog.since if position == 0 else at
            self.skip = self._speaker.payload(self._line)
            self._size = len(self._line) + self.skip
            position = stop + 1
            if not self.skip:
                self._complete(at, out)
        backlog.keep(buffer, position, at)

    def _pass(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        self.skip -= size_bytes
        if not self.skip:
            self._complete(at, out)

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        self._seen = True
        self._speaker.say(self._line, self._size, self._first_at, at, out)
        self._line = b""

    def _lose(self) -> None:
        self.skip = 0
        self._lost = True
        self._backlog.drop()


def payload_size(words: list[bytes]) -> int:
    """Return the size of a payload by the last word of its line, the end of line behind it included.

    Raises:
        ParseError: the word is no size.
    """
    digits = words[-1]
    if not digits.isdigit() or len(digits) > 10 or int(digits) > MAX_PAYLOAD_BYTES:
        raise ParseError("a NATS payload without a size")
    return int(digits) + 2
