"""The client's direction of a Redis connection: commands."""

from exporter.model import UNKNOWN_OPERATION, Message, Nanoseconds, Operation
from exporter.protocols.backlog import Backlog, behind_line_ends
from exporter.protocols.base import ParseError
from exporter.protocols.redis_commands import LONGEST_NAME, OPERATIONS, OTHER_COMMAND, operation_of
from exporter.protocols.redis_session import LOOKUPS, READING, STATEFUL, WAITING, RedisSession

MAX_ARGUMENTS = 1 << 20  # the server's own limit
MAX_LINE_BYTES = 64 << 10  # PROTO_INLINE_MAX_SIZE
MAX_NUMBER_BYTES = 16
MAX_PLAIN_DIGITS = 9
LINE = 32  # more than a number has octets
_LINE = LINE  # a C number in each module
MAX_WORDS = 7  # `CLIENT REPLY OFF`, `XREADGROUP GROUP group consumer COUNT 1 NOACK BLOCK`


class Requests:
    """Reads commands; strings other than a command's name pass unseen.

    Attributes:
        skip: how many bytes of the string being read are still to come.
        lost: whether the next boundary is unknown.
        seen: how many commands were read.
    """

    __slots__ = (
        "_arguments",
        "_backlog",
        "_first_at",
        "_left",
        "_lookup",
        "_operation",
        "_session",
        "_size",
        "_stateful",
        "_waits",
        "_words",
        "_wordy",
        "lost",
        "seen",
        "skip",
    )

    def __init__(self, session: RedisSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._arguments = 0
        self._left = 0  # strings of the command being read that have not begun
        self._operation: Operation | None = None
        self._lookup = False
        self._stateful = b""
        self._words: list[bytes] = []
        self._wordy = False  # whether the arguments matter
        self._waits = False
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
            if self._left:
                reached = self._string(buffer, position)
            else:
                since = self._backlog.since if position == 0 else at
                reached = self._begin(buffer, position, since, at, out)
            if reached == position:
                break
            position = reached
            self._backlog.scanned = 0
            if self._operation is not None and not self._left and not self.skip:
                self._complete(at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the string being read."""
        self.skip -= size_bytes
        if not self.skip and not self._left:
            self._complete(at, out)

    def rest(self) -> int:
        """Return how many bytes end the message being read, 0 where that is not known."""
        return 0 if self._left else self.skip

    def idle(self) -> bool:
        """Return whether a command was read, and the next one has not begun."""
        amid = self.lost or self.skip > 0 or self._left > 0 or self._operation is not None
        return self.seen > 0 and not amid and not self._backlog.held

    def lose(self, out: list[Message]) -> None:
        """The next boundary is unknown; a command that had begun still counts, by its name if that was read."""
        if self._left and self._operation is None:
            self._operation = UNKNOWN_OPERATION
            self._name_begun(bytes(self._backlog.held))
        if self._operation is not None:
            self._complete(self._first_at, out)
        self._left = self.skip = 0
        self.lost = True
        self._backlog.drop()
        self._session.forget()

    def _begin(
        self, buffer: bytes | bytearray, start: int, since: Nanoseconds, at: Nanoseconds, out: list[Message]
    ) -> int:
        """Read a command's first line; return where it ends, or `start` if more bytes are needed."""
        if buffer[start] in b"\r\n":  # an empty command line
            return behind_line_ends(buffer, start)
        if buffer[start] != 0x2A:  # "*"
            return self._inline(buffer, start, since, at, out)
        line = length_line(buffer, start)
        if line < 0:
            return start
        end, count = start + 1 + line % _LINE, line // _LINE - 1
        if count > MAX_ARGUMENTS:
            raise ParseError(f"a Redis command of {count} strings")
        if count > 0:  # others are ignored by the server, too
            self._first_at = since
            self._size = end + 2 - start
            self._arguments = self._left = count
        return end + 2

    def _string(self, buffer: bytes | bytearray, start: int) -> int:
        """Read a string's length, and the string itself where it is needed."""
        if buffer[start] != 0x24:  # "$"
            raise ParseError("a Redis command holds something else than strings")
        line = length_line(buffer, start)
        if line < 0:
            return start
        end, length = start + 1 + line % _LINE, line // _LINE - 1
        if length < 0:
            raise ParseError("a Redis command holds a string without a length")
        stop = end + 4 + length
        if self._operation is None:
            if length > LONGEST_NAME:
                self._operation = OTHER_COMMAND
            elif stop > len(buffer):
                return start
            else:
                self._name(bytes(buffer[end + 2 : stop - 2]))
                self._left -= 1
                self._size += stop - start
                return stop
        elif self._wordy and len(self._words) < MAX_WORDS and length <= MAX_NUMBER_BYTES:
            if stop > len(buffer):
                return start
            self._words.append(bytes(buffer[end + 2 : stop - 2]).upper())
        self._left -= 1
        self._size += stop - start
        if stop <= len(buffer):
            return stop
        self.skip = stop - len(buffer)
        return len(buffer)

    def _name(self, name: bytes) -> None:
        self._operation = operation_of(name)
        upper = name.upper()
        self._lookup = upper in LOOKUPS
        if upper in STATEFUL:
            self._stateful = upper
            self._wordy = True
        elif upper in WAITING:
            self._waits = True
        elif upper in READING:
            self._wordy = True

    def _name_begun(self, held: bytes) -> None:
        """Name the command whose first string lacks no more than its line end."""
        length, line_end, word = held[1:].partition(b"\r\n")
        if line_end and length.isdigit() and len(length) < MAX_PLAIN_DIGITS and 0 < int(length) <= len(word):
            self._name(word[: int(length)])

    def _inline(
        self, buffer: bytes | bytearray, start: int, since: Nanoseconds, at: Nanoseconds, out: list[Message]
    ) -> int:
        end = self._backlog.line_end(buffer, start, MAX_LINE_BYTES)
        if end < 0:
            return start
        words = bytes(buffer[start:end]).split(None, MAX_WORDS)
        if words:
            if words[0].upper() not in OPERATIONS:
                raise ParseError("a line that is no Redis command")
            self._first_at = since
            self._size = end + 1 - start
            self._arguments = len(words)
            self._name(words[0])
            self._words = [word.upper() for word in words[1:]] if self._wordy else []
        return end + 1

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        operation = self._operation
        if operation is None:
            return
        self.seen += 1
        kind = self._session.request(self._stateful, self._words, self._arguments - 1, self._lookup)
        waits = self._waits or (self._wordy and not self._stateful and _blocks(self._words))
        out.append(Message(kind, self._first_at, at, self._size, operation, waits=waits))
        self._operation = None
        self._lookup = self._waits = False
        if self._wordy:
            self._wordy = False
            self._stateful = b""
            self._words = []


def _blocks(words: list[bytes]) -> bool:
    """Return whether a stream's reader waits for what comes next: its options end at the names of the streams."""
    return b"BLOCK" in words[: words.index(b"STREAMS") if b"STREAMS" in words else None]


def length_line(buffer: bytes | bytearray, start: int) -> int:
    """Return the number of the line whose type is at `start`, and how many octets it has, as `LINE` divides them.

    Returns:
        the number plus one (0 for any negative one) times `LINE`, plus its octets; -1 if more bytes are needed.

    Raises:
        ParseError: the line holds no number.
    """
    if type(buffer) is bytes:
        plain = plain_number(buffer, start + 1)
        if plain >= 0:
            return plain
    end = _line_end(buffer, start)
    return -1 if end < 0 else (number(buffer, start + 1, end) + 1) * _LINE + end - start - 1


def plain_number(buffer: bytes, start: int) -> int:
    """Return a short number and its octets as `length_line` does, -1 where it is not plain digits and a line end.

    Nearly all lengths are; finding and cutting them out as objects costs more than all else of a command.
    """
    value, stop = 0, min(len(buffer) - 1, start + MAX_PLAIN_DIGITS + 1)
    for place in range(start, stop):
        octet = buffer[place]
        if octet == 0x0D and buffer[place + 1] == 0x0A and place > start:
            return (value + 1) * _LINE + place - start
        if octet < 0x30 or octet > 0x39:
            return -1
        value = 10 * value + octet - 0x30
    return -1


def _line_end(buffer: bytes | bytearray, start: int) -> int:
    """Return where the line feed's carriage return is, -1 if not yet; the line holds one number."""
    end = buffer.find(b"\r\n", start, start + MAX_NUMBER_BYTES)
    if end < 0 and len(buffer) - start >= MAX_NUMBER_BYTES:
        raise ParseError("a Redis length is no number")
    return end


def number(buffer: bytes | bytearray, start: int, end: int) -> int:
    """Return the decimal number in the buffer, -1 for any negative one.

    Raises:
        ParseError: it is none.
    """
    digits = buffer[start:end]
    if digits.isdigit():
        return int(digits)
    if digits[:1] == b"-" and digits[1:].isdigit():
        return -1
    raise ParseError("a Redis length is no number")
