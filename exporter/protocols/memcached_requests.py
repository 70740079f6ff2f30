"""The client's direction of a memcached connection in text: classic and meta commands."""

from zlib import crc32

from exporter.model import Kind, Message, Nanoseconds, Operation
from exporter.protocols.backlog import Backlog
from exporter.protocols.base import ParseError
from exporter.protocols.memcached_commands import (
    COMMANDS,
    LONGEST_NAME,
    META,
    META_STORAGE,
    OTHER,
    RETRIEVAL,
    SILENT,
    STORAGE,
    TOUCHING,
    Command,
)
from exporter.protocols.memcached_session import NOTHING_HUSHED, Asked, MemcachedSession

# A lookup of so many keys as fit in this; the server knows no limit for them.
MAX_LINE_BYTES = 128 << 10
MAX_OTHER_BYTES = 2048  # a line that is no command is answered with an error, but may be no memcached's at all
MAX_OTHERS = 8  # so many of them in a row are something else
MAX_KEY_BYTES = 250
MAX_VALUE_BYTES = 1 << 30
REQUEST, ONE_WAY = Kind.REQUEST, Kind.ONE_WAY
NOREPLY = b" noreply"


class TextRequests:
    """Reads commands; values pass unseen.

    Attributes:
        skip: how many bytes of the value being read are still to come, its line end included.
        lost: whether the next boundary is unknown.
        seen: how many commands were read.
    """

    __slots__ = ("_backlog", "_first_at", "_kind", "_operation", "_others", "_session", "_size", "lost", "seen", "skip")

    def __init__(self, session: MemcachedSession) -> None:
        self._session = session
        self._backlog = Backlog()
        self._first_at: Nanoseconds = 0
        self._size = 0
        self._operation: Operation | None = None  # of the command whose value is being read
        self._kind = REQUEST
        self._others = 0  # lines in a row that were no command
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
            self._first_at = self._backlog.since if position == 0 else at
            self._size = stop + 1 - position
            self._line(bytes(buffer[position:stop]), out)
            position = stop + 1
            if self._operation is not None and not self.skip:
                self._complete(at, out)
        self._backlog.keep(buffer, position, at)

    def passed(self, size_bytes: int, at: Nanoseconds, out: list[Message]) -> None:
        """Account for bytes of the value being read."""
        self.skip -= size_bytes
        self._size += size_bytes
        if not self.skip:
            self._complete(at, out)

    def lose(self, out: list[Message], missing: int = 0, at: Nanoseconds = 0) -> None:
        """The next boundary is unknown, as `missing` bytes are; a command whose name was read still counts."""
        self._complete(self._first_at, out)
        held = bytes(self._backlog.held)
        name, space, _ = held[: LONGEST_NAME + 1].partition(b" ")
        command = COMMANDS.get(name)
        self._session.forget()
        if command is not None and space and not self.skip:
            kind = ONE_WAY if command.form == SILENT else REQUEST
            since = self._backlog.since
            out.append(Message(kind, since, since, len(held), command.operation))
            if command.form == RETRIEVAL and missing:
                self._session.ask(Asked(_likely_keys(held, missing), False, NOTHING_HUSHED, 0, 0), out)
        self.skip = 0
        self.lost = True
        self._backlog.drop()

    def _complete(self, at: Nanoseconds, out: list[Message]) -> None:
        if self._operation is not None:
            out.append(Message(self._kind, self._first_at, at, self._size, self._operation))
            self._operation = None

    def _line(self, line: bytes, out: list[Message]) -> None:
        if line.endswith(b"\r"):
            line = line[: len(line) - 1]
        name = line.partition(b" ")[0]
        command = COMMANDS.get(name)
        if command is None:
            command = self._other(line)
        else:
            self._others = 0
        self.seen += 1
        self._operation = command.operation
        self._kind = REQUEST
        form = command.form
        if form == RETRIEVAL:
            self._session.ask(Asked(len(line.split()) - 1, False, NOTHING_HUSHED, 0, 0), out)
        elif form == TOUCHING:
            self._session.ask(Asked(max(0, len(line.split()) - 2), False, NOTHING_HUSHED, 0, 0), out)
        elif form in (META, META_STORAGE):
            self._meta(command, name, line.split(), out)
        elif form == SILENT:
            self._kind = ONE_WAY
        else:
            if form == STORAGE:
                self._expect_value(line.split(), 4)
            if line.endswith(NOREPLY):
                self._kind = ONE_WAY
            else:
                self._session.ask(Asked(0, False, NOTHING_HUSHED, 0, 0), out)

    def _other(self, line: bytes) -> Command:
        """Return what a line counts for that is no command: the server answers it with an error."""
        self._others += 1
        sound = self._others <= MAX_OTHERS and len(line) <= MAX_OTHER_BYTES and line.isascii() and b"\0" not in line
        if not self.seen or not sound:
            raise ParseError("a line that is no memcached command")
        return OTHER

    def _meta(self, command: Command, name: bytes, words: list[bytes], out: list[Message]) -> None:
        flags = words[2:]
        if command.form == META_STORAGE:
            self._expect_value(words, 2)
            flags = words[3:]
        quiet = b"q" in flags
        opaque = next((checksum(flag) for flag in flags if flag[:1] == b"O"), 0)
        key = checksum(b"k" + words[1]) if len(words) > 1 else 0
        # Only `mn` is answered with MN, which so tells that all quiet commands before it are done.
        hushed = command.hushed | MARK if name != b"mn" else NOTHING_HUSHED
        self._session.ask(Asked(int(name == b"mg"), quiet, hushed, opaque, key), out)

    def _expect_value(self, words: list[bytes], place: int) -> None:
        """Note how long the value behind the line is; one that the server refuses at once has none."""
        length = words[place] if len(words) > place else b""
        if length.isdigit() and len(length) < 11 and int(length) <= MAX_VALUE_BYTES and len(words[1]) <= MAX_KEY_BYTES:
            self.skip = int(length) + 2


def _likely_keys(begun: bytes, missing: int) -> int:
    """Return how many keys a lookup names whose line goes on for so many bytes, if they are all about as long."""
    words = begun.split(b" ")[1:]
    whole = words[:-1] or words
    size = sum(len(word) + 1 for word in words) + missing - 1  # a space for each, but for the end of line
    return max(1, round(min(size, MAX_LINE_BYTES) * len(whole) / sum(len(word) + 1 for word in whole)))


MARK = frozenset((b"MN",))


def checksum(word: bytes) -> int:
    """Return a number other than 0 that tells a word from others."""
    return crc32(word) + 1
