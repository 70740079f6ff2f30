"""The server's direction of a Redis connection: replies and what it sends unasked."""

from exporter.model import Message, Nanoseconds
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.redis_requests import LINE, MAX_LINE_BYTES, number, plain_number
from exporter.protocols.redis_session import RedisSession

# The first words of error replies that servers themselves write; scripts may write any.
ERROR_CODE_NAMES = (
    "ASK BUSY BUSYGROUP BUSYKEY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT INPROG IOERR LOADING MASTERDOWN MISCONF "
    "MOVED NOAUTH NOGOODSLAVE NOGROUP NOMASTERLINK NOPERM NOPROTO NOREPLICAS NOSCRIPT NOTBUSY NOTREADY OOM READONLY "
    "TRYAGAIN UNBLOCKED UNKILLABLE WRONGPASS WRONGTYPE"
)
ERROR_CODES = frozenset(ERROR_CODE_NAMES.split())
OTHER_ERROR = "OTHER"
WORDY = frozenset(("ERR", OTHER_ERROR))  # codes of many errors
_LINE = LINE
LONGEST_WORD = 12  # `punsubscribe`
LONGEST_CODE = 32

LINES = b"+-:_#,("
STRINGS = b"$=!"
AGGREGATES = b"*~>%|"
PLUS, MINUS, DOLLAR, BANG, PUSH, MAP, ATTRIBUTE, NULL = b"+-$!>%|_"
PUBLISHED_ELEMENTS = (3, 4)  # kind, channel and message, and the pattern


class Replies:
    """Reads replies; strings pass unseen, and of an aggregate only its end is looked for.

    Attributes:
        skip: how many bytes of the string being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many replies were read.
    """

    __slots__ = (
        "_backlog",
        "_elements",
        "_error",
        "_failed",
        "_first_at",
        "_left",
        "_lengths",
        "_nulls",
        "_peeking",
        "_pushed",
        "_reading",
        "_session",
        "_size",
        "_typed",
        "_word",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: RedisSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._reading = False  # within a reply
        self._lengths: dict[str, int] = {}  # of errors, by their codes
        self._left = 0  # elements of the reply that have not begun
        self._typed = False  # the reply itself has begun, after its attributes
        self._elements = 0  # strings, or nulls, of a reply that is a list or one of them
        self._nulls = 0
        self._failed = False
        self._error = ""
        self._pushed = False
        self._peeking = False  # the next string may tell what the reply is
        self._word = b""
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
            if not self._reading:
                self._begin(self._backlog.since if position == 0 else at)
            reached = self._element(buffer, position)
            if reached == position:
                break
            self._size += reached - position
            position = reached
            self._backlog.scanned = 0
            if not self._left and not self.skip:
                self._complete(at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the string being read."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip and not self._left:
            self._complete(at, out)

    def rest(self) -> int:
        """Return how many bytes end the message being read, 0 where that is not known."""
        held = self._backlog.held
        if self._left == 1 and not self._size and held[:1] == b"-":
            return max(self._lengths.get(_code(bytes(held[1:])), 0) - len(held), 0)
        return 0 if self._left else self.skip

    def learn(self, missing: int) -> None:
        """Take note that so many bytes are missing behind what was copied: a single error ends with them."""
        held = self._backlog.held
        if missing and self._session.outstanding == 1 and not self._size and held[:1] == b"-" and b" " in held:
            self._measure(_code(bytes(held[1:])), len(held) + missing)

    def idle(self) -> bool:
        """Return whether a reply was read, and the next one has not begun."""
        amid = self.lost or self.skip > 0 or self._reading
        return self.seen > 0 and not amid and not self._backlog.held

    def lose(self, out: list[Message]) -> None:
        """The next boundary is unknown; a reply whose type was read still counts."""
        held = bytes(self._backlog.held)
        if held and not self._size and held[0] == MINUS:
            self._fail(held[1:] if b" " in held else b"")
        if self._reading and (self._size or held):
            self._complete(self._first_at, out)
        self._reading = False
        self._left = self.skip = 0
        self.lost = True
        self._backlog.drop()
        self._session.forget()

    def _begin(self, since: Nanoseconds) -> None:
        self._reading = True
        self._first_at = since
        self._size = 0
        self._left = 1
        self._typed = self._failed = self._pushed = self._peeking = False
        self._elements = self._nulls = 0
        self._error = ""
        self._word = b""

    def _element(self, buffer: bytes | bytearray, start: int) -> int:
        """Read one line, length or string; return where it ends, or `start` if more bytes are needed."""
        kind = buffer[start]
        if kind == DOLLAR and type(buffer) is bytes:
            plain = plain_number(buffer, start + 1)
            if plain >= 0:
                return self._string(kind, buffer, start, start + 1 + plain % _LINE, plain // _LINE - 1)
        end = buffer.find(b"\r\n", start + max(0, self._backlog.scanned - 1))
        if end < 0:
            if len(buffer) - start > MAX_LINE_BYTES or not (kind in LINES or kind in STRINGS or kind in AGGREGATES):
                raise ParseError("no Redis reply begins here")
            self._backlog.scanned = len(buffer) - start
            return start
        if kind in LINES:
            if kind == NULL:
                self._elements += 1
                self._nulls += 1
            if not self._typed and self._left == 1:
                self._line(kind, buffer, start + 1, end)
            self._left -= 1
            return end + 2
        if kind in STRINGS:
            return self._string(kind, buffer, start, end, number(buffer, start + 1, end))
        if kind in AGGREGATES:
            self._aggregate(kind, number(buffer, start + 1, end))
            return end + 2
        raise ParseError("no Redis reply begins here")

    def _line(self, kind: int, buffer: bytes | bytearray, start: int, end: int) -> None:
        self._typed = True
        if kind == MINUS:
            self._fail(bytes(buffer[start : min(end, start + LONGEST_CODE)]))
            self._measure(self._error, end + 3 - start)
        elif kind == PLUS and (self._session.monitored or self._session.outstanding <= 0):
            # MONITOR's stream: a time with microseconds, the database and the client.
            self._pushed = buffer[start : start + 1].isdigit() and buffer.find(b" [", start, end) > 0

    def _string(self, kind: int, buffer: bytes | bytearray, start: int, end: int, length: int) -> int:
        self._elements += 1
        self._nulls += length < 0
        stop = end + 4 + length if length >= 0 else end + 2
        available = len(buffer)
        if not self._typed and self._left == 1:
            if kind == BANG:
                if available < min(stop, end + 2 + LONGEST_CODE):
                    return start
                self._fail(bytes(buffer[end + 2 : min(stop - 2, end + 2 + LONGEST_CODE)]))
            self._typed = True
        if self._peeking:
            if 0 < length <= LONGEST_WORD:
                if stop > available:
                    return start
                self._word = bytes(buffer[end + 2 : stop - 2])
            self._peeking = False
        self._left -= 1
        if stop <= available:
            return stop
        self.skip = stop - available
        return available

    def _aggregate(self, kind: int, count: int) -> None:
        if kind != ATTRIBUTE:  # attributes come before the element that they belong to, and are none
            if not self._typed and self._left == 1:
                self._typed = True
                self._pushed = kind == PUSH
                self._peeking = self._pushed or (
                    count in PUBLISHED_ELEMENTS and (self._session.subscribed or self._session.outstanding <= 0)
                )
            self._left -= 1
        if count > 0:
            self._left += 2 * count if kind in (MAP, ATTRIBUTE) else count

    def _fail(self, text: bytes) -> None:
        self._failed = True
        self._error = _code(text)

    def _measure(self, code: str, size_bytes: int) -> None:
        """Remember how long an error is whose words are always the same."""
        if code not in WORDY:
            self._lengths[code] = size_bytes

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        self._reading = False
        self.seen += 1
        kind = self._session.reply(self._pushed, self._word)
        hits = misses = 0
        if self._session.lookup and not self._failed:
            hits, misses = self._elements - self._nulls, self._nulls
        out.append(
            Message(
                *(kind, self._first_at, at, self._size),
                status=self._error,
                failed=self._failed,
                hits=hits,
                misses=misses,
            )
        )


def _code(text: bytes) -> str:
    """Return the code that an error begins with, if servers write it themselves."""
    code = text.split(b" ", 1)[0].decode("ascii", "replace")
    return code if code in ERROR_CODES else OTHER_ERROR
