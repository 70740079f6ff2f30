"""The server's direction of a memcached connection in text."""

from exporter.model import Kind, Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.memcached_commands import (
    LINES,
    META_REPLIES,
    META_VALUE,
    NUMBER,
    ROW,
    UNASKED,
    VALUE,
    Line,
)
from exporter.protocols.memcached_requests import checksum
from exporter.protocols.memcached_session import MemcachedSession

MAX_LINE_BYTES = 16 << 10
MAX_LENGTH_DIGITS = 10
RESPONSE = Kind.RESPONSE
NOTHING_FOUND = 5  # bytes that tell of no value: END and its line end
DUMPED, WATCHED = Line(ROW), Line(UNASKED)


class TextReplies:
    """Reads replies; values pass unseen, and only how many there are counts.

    Attributes:
        skip: how many bytes of the value being read are still to come, its line end included.
        lost: whether the next boundary is unknown.
        seen: how many replies were read.
    """

    __slots__ = (
        "_backlog",
        "_first_at",
        "_last",
        "_line",
        "_reading",
        "_rows",
        "_session",
        "_size",
        "_values",
        "_word",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: MemcachedSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._reading = False  # within a reply
        self._values = 0  # keys found, as far as the reply was read
        self._rows = False  # the reply is a list of something else than values
        self._last = False  # the reply ends with the value being read
        self._word = b""  # the first word of the reply's last line
        self._line = b""
        self.skip = 0
        self.lost = False
        self.seen = 0

    def feed(self, data: bytes, at: Nanoseconds, out: list[Message]) -> None:
        """Append the messages that the next bytes complete."""
        buffer = self._backlog.join(data, at)
        position, end = 0, len(buffer)
        while position < end:
            if self.skip:
                taken = min(self.skip, end - position)
                position += taken
                self.passed(taken, at, out)
                continue
            stop = self._backlog.line_end(buffer, position, MAX_LINE_BYTES)
            if stop < 0:
                break
            line = bytes(buffer[position:stop])
            if not self._reading:
                self._first_at = self._backlog.since if position == 0 else at
                self._size = self._values = 0
                self._rows = False
            self._size += stop + 1 - position
            position = stop + 1
            self._take(line[: len(line) - 1] if line.endswith(b"\r") else line, at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the value being read."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip and self._last:
            self._complete(LINES[b"HD"], at, out)

    def lose(self, out: list[Message], missing: int = 0, at: Nanoseconds = 0) -> None:
        """The next boundary is unknown, as `missing` bytes are; a reply that began still counts, and its values do.

        To the only command that awaits one, what is missing is the reply, and tells by its length what was found.
        """
        asked = self._session.only()
        lookups = asked.lookups if asked is not None and missing else 0
        if self._reading:
            if lookups and self._word == b"VALUE":
                self._end_unseen(lookups, missing - self.skip)
            self._complete(NUMBER, self._first_at, out)
        elif lookups == 1 or (lookups and missing == NOTHING_FOUND and not self._backlog.held):
            self._size = len(self._backlog.held) + missing
            self._values = int(self._size > NOTHING_FOUND)
            self._word, self._first_at = b"END", at
            self._rows = False
            self._complete(NUMBER, at, out)
        self.skip = 0
        self.lost = True
        self._backlog.drop()
        self._session.forget()

    def _end_unseen(self, lookups: int, behind: int) -> None:
        """Take it that the reply ended within the bytes behind the last value, with more that are as long."""
        if behind >= NOTHING_FOUND and self._values:
            mean = (self._size + self.skip) / self._values
            self._values = min(lookups, self._values + round((behind - NOTHING_FOUND) / mean))
            self._word = b"END"

    def _take(self, line: bytes, at: Nanoseconds, out: list[Message]) -> None:
        if not line:  # ElastiCache ends a configuration with one
            return
        word = line.partition(b" ")[0]
        kind = LINES.get(word)
        if kind is None:
            kind = _other(line)
        place = kind.place
        if place == UNASKED:
            return
        self._reading = True
        self._word = word
        if place == VALUE:
            self._values += word == b"VALUE"
            self._expect_value(line, 3)
        elif place == META_VALUE:
            self._values += 1
            self._line = line
            self._last = True
            self._expect_value(line, 1)
        elif place == ROW:
            self._rows = True
        else:
            self._line = line
            self._complete(kind, at, out)

    def _expect_value(self, line: bytes, place: int) -> None:
        words = line.split(None, place + 1)
        length = words[place] if len(words) > place else b""
        if not length.isdigit() or len(length) > MAX_LENGTH_DIGITS:
            raise ParseError("a memcached value without a length")
        self.skip = int(length) + 2

    def _complete(self, kind: Line, at: Nanoseconds, out: list[Message]) -> None:
        word, values = self._word, self._values
        opaque = key = 0
        if word in META_REPLIES:
            for flag in self._line.split()[1:]:
                if flag[:1] == b"O":
                    opaque = checksum(flag)
                elif flag[:1] == b"k":
                    key = checksum(flag)
        asked = self._session.answer(word, opaque, key, out)
        if asked is not None:
            lookups = asked.lookups
            values = lookups if word == b"HD" else min(values, lookups)
        else:
            lookups = max(values, int(word in MISSES and not self._rows))
        misses = max(0, lookups - values) if word in LOOKED_UP else 0
        misses += self._session.missed
        self._session.missed = 0
        self.seen += 1
        out.append(
            Message(
                *(RESPONSE, self._first_at, at, self._size),
                status=kind.status,
                failed=kind.failed,
                hits=values,
                misses=misses,
            )
        )
        self._reading = self._last = False
        self._line = b""


# The last words of replies to lookups, and those of them that, alone, tell of a key that was not there.
LOOKED_UP = frozenset((b"END", b"EN", b"HD", b"VA"))
MISSES = frozenset((b"END", b"EN"))


def _other(line: bytes) -> Line:
    if line.isdigit() or line.rstrip(b" ").isdigit():
        return NUMBER
    if line.startswith(b"key="):  # a dump of all keys
        return DUMPED
    if line.startswith(b"ts="):  # the log of a watched server
        return WATCHED
    raise ParseError("a line that is no memcached reply")
